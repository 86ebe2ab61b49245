//! `container scale NAME=N`.

use crate::fleet::Fleet;
use crate::group::{Group, Operation};
use crate::place::Blueprint;
use crate::plan::Plan;
use crate::report::Report;
use crate::settings::SettingsChange;
use sampan_error::{Error, Result};

/// More replicas than this on one machine are a mistake.
const MOST: u32 = 1000;

/// What is asked for. What is `None` stays as it was.
#[derive(Debug, Clone, Default)]
pub struct ScaleRequest {
    /// How many replicas.
    pub replicas: u32,
    /// How careful it is to be.
    pub settings: SettingsChange,
}

impl Fleet {
    /// What scaling would do.
    ///
    /// # Errors
    /// As [`Self::scale`].
    pub async fn plan_scale(&self, container: &str, request: &ScaleRequest) -> Result<Plan> {
        let (group, _) = self.scaled(container, request).await?;
        let members = self.place().members(&group).await?;
        Ok(Plan::of(&group, &members, self.place().now()))
    }

    /// Makes as many replicas of a container as are asked for, or fewer. They have its image, configuration, labels and
    /// names on networks, and share its published ports.
    ///
    /// # Errors
    /// There cannot be two of it, and why; a replica does not become ready: then those that came are gone again.
    pub async fn scale(&self, container: &str, request: &ScaleRequest, report: &Report) -> Result<Group> {
        let name = self.group_of(container).await?.0.name;
        let _alone = self.alone(&name).await?;
        let (mut group, blueprint) = self.scaled(container, request).await?;
        let before = self.group(&group.name).map_or(1, |known| known.replicas);
        if group.replicas == 1 && before == 1 && self.place().members(&group).await?.len() == 1 {
            return Ok(group);
        }
        report.say(format!("{} has {before} of {} replicas", blueprint.name, group.replicas));
        group.operation = Some(Operation::Scale);
        self.save(&group).await?;
        let grew = group.replicas > before;
        match self.operate(group.clone(), report).await {
            Ok(group) => Ok(group),
            Err(error) if grew => {
                report.say(format!("{error}: back to {before}"));
                group.replicas = before;
                group.operation = Some(Operation::Scale);
                self.save(&group).await?;
                if let Err(second) = self.operate(group, report).await {
                    tracing::error!(error = %second, "a group could not go back to its former size");
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn scaled(&self, container: &str, request: &ScaleRequest) -> Result<(Group, Blueprint)> {
        if request.replicas == 0 {
            return Err(Error::invalid(format!(
                "{container} needs at least one replica: `docker stop {container}` stops it"
            )));
        }
        if request.replicas > MOST {
            return Err(Error::invalid(format!(
                "{} replicas are too many: at most {MOST}",
                request.replicas
            )));
        }
        let (mut group, blueprint) = self.group_of(container).await?;
        request.settings.apply(&mut group.settings);
        group.replicas = request.replicas;
        if request.replicas > 1 {
            check(&group, &blueprint)?;
        }
        Ok((group, blueprint))
    }
}

/// Whether there can be two.
pub(crate) fn check(group: &Group, blueprint: &Blueprint) -> Result<()> {
    if let Some(obstacle) = blueprint.obstacles.first() {
        return Err(Error::invalid(format!("{} cannot be scaled: {obstacle}", group.name)));
    }
    if let Some(shared) = blueprint.shared.first().filter(|_| !group.settings.share_volumes) {
        return Err(Error::invalid(format!(
            "{} cannot be scaled: two replicas would write to {shared} at the same time; --share-volumes says that they may",
            group.name
        )));
    }
    Ok(())
}
