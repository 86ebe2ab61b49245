//! `container update --once|-d INTERVAL|--image IMAGE|--rollback NAME`: replicas are replaced one by one.

use crate::fleet::Fleet;
use crate::group::{Generation, Group, Operation};
use crate::place::Blueprint;
use crate::plan::Plan;
use crate::report::Report;
use crate::settings::SettingsChange;
use sampan_error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What is asked for. What is `None` stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdateRequest {
    /// Another image; without it the newest of the same name.
    pub image: Option<String>,
    /// Goes back to what was before the last update.
    pub rollback: bool,
    /// Replaces the replicas though the image is the same.
    pub force: bool,
    /// How careful it is to be.
    pub settings: SettingsChange,
}

impl Fleet {
    /// What an update would do; nothing is fetched for it.
    ///
    /// # Errors
    /// As [`Self::update`].
    pub async fn plan_update(&self, container: &str, request: &UpdateRequest) -> Result<Plan> {
        let (mut group, blueprint) = self.updated(container, request).await?;
        let image = request.image.clone().unwrap_or(blueprint.image.clone());
        next_generation(&mut group, &blueprint, image, blueprint.image_id.clone());
        let members = self.place().members(&group).await?;
        Ok(Plan::of(&group, &members, self.place().now()))
    }

    /// Replaces the replicas of a container by those of a newer image: fetched first, then each in turn started, waited
    /// for, given the connections, and the old one drained, stopped and removed. `None` when there is no newer image.
    ///
    /// # Errors
    /// A new replica fails: then all is as before, without a connection lost.
    pub async fn update(
        &self,
        container: &str,
        request: &UpdateRequest,
        report: &Report,
    ) -> Result<Option<Group>> {
        let name = self.group_of(container).await?.0.name;
        let _alone = self.alone(&name).await?;
        let (mut group, blueprint) = self.updated(container, request).await?;
        if request.rollback {
            return self.back_by_hand(group, report).await.map(Some);
        }
        let image = request.image.clone().unwrap_or(blueprint.image.clone());
        report.say(format!("looking for the newest {image}"));
        let pulled = self.place().pull(&image).await?;
        if !pulled.note.is_empty() {
            report.say(pulled.note);
        }
        let id = pulled.image_id;
        if id == blueprint.image_id && !request.force {
            report.say(format!("{} runs the newest {image}", group.name));
            return Ok(None);
        }
        let from = group.generation;
        next_generation(&mut group, &blueprint, image, id);
        if let Some(reason) = group.wanted().and_then(|wanted| wanted.stop_first.as_deref()) {
            report.say(format!("each replica is stopped before its successor starts: {reason}"));
        }
        group.operation = Some(Operation::Update { from });
        self.save(&group).await?;
        self.operate(group, report).await.map(Some)
    }

    async fn updated(&self, container: &str, request: &UpdateRequest) -> Result<(Group, Blueprint)> {
        let (mut group, blueprint) = self.group_of(container).await?;
        request.settings.apply(&mut group.settings);
        Ok((group, blueprint))
    }

    /// `--rollback`.
    async fn back_by_hand(&self, mut group: Group, report: &Report) -> Result<Group> {
        let Some(before) = group.before().map(|before| before.number) else {
            return Err(Error::conflict(format!(
                "{} was not updated yet: there is nothing to go back to",
                group.name
            )));
        };
        let from = group.generation;
        group.generation = before;
        // The one that is left stays, to come back to.
        group.operation = Some(Operation::Update { from });
        self.save(&group).await?;
        self.operate(group, report).await
    }

    /// Replaces, and takes it back when that fails.
    pub(crate) async fn update_from(&self, group: &mut Group, from: u64, report: &Report) -> Result<()> {
        match self.carry_out(group, report).await {
            Ok(()) => {
                let seconds = i64::try_from(group.settings.watch).unwrap_or(i64::MAX);
                let until = self.place().now().saturating_add(seconds.saturating_mul(1_000_000_000));
                group.operation = Some(Operation::Watch { from, until });
                self.save(group).await?;
                self.watch_update(group, from, until, report).await
            }
            Err(error) => self.take_back(group, from, error, report).await,
        }
    }

    /// Watches the new replicas for a while.
    pub(crate) async fn watch_update(
        &self,
        group: &mut Group,
        from: u64,
        until: i64,
        report: &Report,
    ) -> Result<()> {
        let mut changes = self.place().changes();
        let left = |now: i64| Duration::from_nanos(u64::try_from(until.saturating_sub(now)).unwrap_or(0));
        report.say(format!("watching the new replicas for {} s", left(self.place().now()).as_secs()));
        loop {
            let members = self.place().members(group).await?;
            let failed = members.iter().find(|it| it.generation == group.generation && it.has_failed());
            if let Some(failed) = failed {
                let why = if failed.running { "became unhealthy" } else { "ended" };
                let error = Error::conflict(format!("{} {why} after the update", failed.name));
                return self.take_back(group, from, error, report).await;
            }
            let left = left(self.place().now());
            if left.is_zero() {
                return Ok(());
            }
            tokio::select! {
                () = changes.next() => {}
                () = tokio::time::sleep(left) => {}
            }
        }
    }

    /// Goes back to the former generation; gives the reason as the failure.
    async fn take_back(&self, group: &mut Group, from: u64, error: Error, report: &Report) -> Result<()> {
        report.say(format!("{error}: going back"));
        group.generation = from;
        group.operation = Some(Operation::RollBack { reason: error.to_string() });
        self.save(group).await?;
        self.roll_back(group, error.to_string(), report).await
    }

    /// Makes all replicas those of the wanted generation again, after a failure.
    ///
    /// # Errors
    /// Always: the reason, and what kept the rollback from succeeding.
    pub(crate) async fn roll_back(&self, group: &mut Group, reason: String, report: &Report) -> Result<()> {
        match self.carry_out(group, report).await {
            Ok(()) => {
                // What failed is nothing to come back to.
                let stays = group.generation;
                group.generations.retain(|generation| generation.number == stays);
                Err(Error::conflict(format!("{reason}; {} was rolled back", group.name)))
            }
            Err(error) => Err(Error::conflict(format!(
                "{reason}; and the rollback failed: {error}; run `sampan container update --rollback {}` again",
                group.name
            ))),
        }
    }
}

/// The next generation becomes the wanted one; only the one before it is kept.
fn next_generation(group: &mut Group, blueprint: &Blueprint, image: String, image_id: String) {
    let number = group.generations.iter().map(|it| it.number).max().unwrap_or(0) + 1;
    let current = group.generation;
    group.generations.retain(|generation| generation.number == current);
    let writes = blueprint.shared.first().filter(|_| !group.settings.share_volumes);
    let stop_first = match (blueprint.own_volumes.first(), writes) {
        (Some(path), _) => Some(format!("the volume at {path} goes from one to the next")),
        (None, Some(shared)) => {
            Some(format!("two would write to {shared} at the same time (--share-volumes)"))
        }
        (None, None) => blueprint.obstacles.first().cloned(),
    };
    for generation in &mut group.generations {
        generation.stop_first.clone_from(&stop_first);
    }
    group.generations.push(Generation {
        number,
        image,
        image_id,
        specification: blueprint.specification.clone(),
        stop_first,
    });
    group.generation = number;
}
