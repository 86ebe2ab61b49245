//! What users ask of a group, one folder each.

pub(crate) mod autoscale;
pub(crate) mod backup;
pub(crate) mod scale;
pub(crate) mod update;

use crate::fleet::Fleet;
use crate::group::{Generation, Group};
use crate::place::Blueprint;
use sampan_error::{Error, Result};

impl Fleet {
    /// The group of a container, or what one of it alone would be.
    ///
    /// # Errors
    /// No such container; it is a replica of another one.
    pub(crate) async fn group_of(&self, container: &str) -> Result<(Group, Blueprint)> {
        let blueprint = self.place().blueprint(container).await?;
        let known = self.group(&blueprint.name).filter(|group| group.leader == blueprint.id);
        if let Some(group) = known {
            return Ok((group, blueprint));
        }
        for group in self.groups() {
            let members = self.place().members(&group).await?;
            if members.iter().any(|member| member.id == blueprint.id) {
                return Err(Error::invalid(format!(
                    "{} is a replica of {}: name that one",
                    blueprint.name, group.name
                )));
            }
        }
        let first = Generation {
            number: 1,
            image: blueprint.image.clone(),
            image_id: blueprint.image_id.clone(),
            specification: blueprint.specification.clone(),
            stop_first: None,
        };
        let group = Group {
            name: blueprint.name.clone(),
            leader: blueprint.id.clone(),
            replicas: 1,
            generation: 1,
            generations: vec![first],
            ..Group::default()
        };
        Ok((group, blueprint))
    }
}
