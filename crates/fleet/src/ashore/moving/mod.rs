//! `container move`: a container leaves for a target, or comes home.
//!
//! Where it runs is changed once, between two phases of the journal: until [`Phase::Ready`] a failure, or a kill, takes
//! everything back and it runs where it was; from then on it is finished. One with volumes never runs at both places: it is
//! stopped at the one before it is started at the other, and started again only when the other is known to be down.

mod away;
mod failover;
mod home;
mod journal;
mod plan;
mod recover;
mod relay;
mod standby;
mod update;
mod volumes;

pub use journal::{Moved, Phase, Voyage};
pub use standby::StandbyRequest;

use super::{Ashore, Environment};
use crate::fleet::{Fleet, blocking};
use crate::group::Group;
use crate::report::Report;
use sampan_engine::Engine;
use sampan_engine::containers::ContainerRecord;
use sampan_error::{Error, Kind, Result};
use sampan_provider::{Failure, Provider, Specification};
use sampan_state::Durability;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What this engine is called where targets are named.
pub const HERE: &str = "local";

/// How a container moves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MoveOptions {
    /// How many there; `None` is as many as here.
    pub replicas: Option<u32>,
    /// With its image as it was made, whatever it wrote since.
    pub image_only: bool,
    /// Nobody who comes here is passed on.
    pub without_relay: bool,
}

/// What came of a move.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Where it lives now.
    pub target: String,
    /// Where it is reached there.
    pub addresses: Vec<sampan_provider::Address>,
    /// Milliseconds in which connections waited; none of them was refused.
    pub waited: i64,
    /// It is also answered here, at the ports that it had.
    pub relayed: bool,
}

/// A move that somebody carries out.
pub(super) struct Moving<'a> {
    ashore: &'a Ashore,
    fleet: Fleet,
    group: Group,
    provider: Arc<dyn Provider>,
    report: &'a Report,
    voyage: Voyage,
}

impl Ashore {
    /// Moves a container to a target, or back to [`HERE`].
    ///
    /// # Errors
    /// What cannot be done is said before anything is touched; what fails on the way is taken back.
    pub async fn move_container(
        &self,
        container: &str,
        target: &str,
        options: &MoveOptions,
        environment: &Environment,
        report: &Report,
    ) -> Result<Arrival> {
        let fleet = Fleet::local(&self.engine);
        let name = self.name_of(container).await?;
        let _alone = fleet.alone(&name).await?;
        if let Some(voyage) = self.voyage(&name) {
            report.say(format!(
                "{name}: a move to {} was broken off while {}",
                voyage.target,
                voyage.phase.word()
            ));
            Box::pin(self.recover(voyage, environment, report)).await?;
        }
        match self.moved(&name) {
            Some(moved) if self.engine.inspect(&name).await.is_ok() => Err(Error::conflict(format!(
                "{name} lives at {}, and here is another container of that name: rename it first",
                moved.target
            ))),
            Some(moved) if moved.target == target => {
                Err(Error::conflict(format!("{name} lives at {target} already")))
            }
            Some(moved) => {
                let arrival = Box::pin(self.come_home(moved, environment, report)).await?;
                match target {
                    HERE => Ok(arrival),
                    _ => Box::pin(self.go_away(&name, target, options, environment, report)).await,
                }
            }
            None if target == HERE => Err(Error::conflict(format!("{name} lives here already"))),
            None => Box::pin(self.go_away(&name, target, options, environment, report)).await,
        }
    }

    /// The full name of a container that is here, was moved, or is on its way.
    async fn name_of(&self, container: &str) -> Result<String> {
        match self.engine.inspect(container).await {
            Ok(record) => Ok(record.name.clone()),
            Err(error) if error.kind() == Kind::NotFound => {
                let known = self.moved(container).is_some() || self.voyage(container).is_some();
                if known { Ok(container.to_owned()) } else { Err(error) }
            }
            Err(error) => Err(error),
        }
    }

    /// Where a container of this name lives when it was moved away from here.
    #[must_use]
    pub fn moved(&self, name: &str) -> Option<Moved> {
        self.shared.moved().get(name).cloned()
    }

    /// It lives elsewhere, or is on its way.
    pub(crate) fn knows(&self, name: &str) -> bool {
        self.moved(name).is_some() || self.voyage(name).is_some()
    }

    /// All that were moved away, by name.
    #[must_use]
    pub fn all_moved(&self) -> Vec<Moved> {
        self.shared.moved().values().cloned().collect()
    }

    /// A move that is under way, or was broken off.
    #[must_use]
    pub fn voyage(&self, name: &str) -> Option<Voyage> {
        self.shared.voyages().get(name).cloned()
    }

    /// One that lived elsewhere is gone there: its relay goes, too, and its jobs end.
    ///
    /// # Errors
    /// The store; the relay cannot be removed.
    pub async fn end_moved(&self, name: &str) -> Result<()> {
        self.forget_moved(name).await?;
        let fleet = Fleet::local(&self.engine);
        for job in fleet.jobs().into_iter().filter(|job| job.container == name) {
            fleet.forget_job(&job.id()).await?;
        }
        Ok(())
    }

    /// The jobs of one that lives elsewhere wait while it is stopped there.
    ///
    /// # Errors
    /// The store.
    pub async fn pause_moved(&self, name: &str, paused: bool) -> Result<()> {
        let fleet = Fleet::local(&self.engine);
        for job in fleet.jobs().into_iter().filter(|job| job.container == name) {
            fleet.pause_job(&job.id(), paused).await?;
        }
        Ok(())
    }

    /// Forgets that a container lives elsewhere. Its relay goes, too.
    async fn forget_moved(&self, name: &str) -> Result<()> {
        let Some(moved) = self.moved(name) else { return Ok(()) };
        if let Some(relay) = &moved.relay {
            let options =
                sampan_engine::containers::RemoveOptions { force: true, volumes: true, link: false };
            match self.engine.remove(relay, options).await {
                Err(error) if error.kind() == Kind::NotFound => {}
                other => other?,
            }
        }
        let (records, key) = (self.shared.moved_records.clone(), name.to_owned());
        blocking(move || Ok(records.remove(&key, Durability::Full).map(drop)?)).await?;
        self.shared.moved().remove(name);
        Ok(())
    }

    async fn note_moved(&self, moved: Moved) -> Result<()> {
        let (records, saved) = (self.shared.moved_records.clone(), moved.clone());
        blocking(move || Ok(records.put(&saved, Durability::Full)?)).await?;
        self.shared.moved().insert(moved.name.clone(), moved);
        Ok(())
    }

    async fn forget_voyage(&self, name: &str) -> Result<()> {
        let (records, key) = (self.shared.voyage_records.clone(), name.to_owned());
        blocking(move || Ok(records.remove(&key, Durability::Full).map(drop)?)).await?;
        self.shared.voyages().remove(name);
        Ok(())
    }
}

/// Refuses volumes that cannot be brought over.
fn check_volumes(record: &ContainerRecord, wanted: &Specification, seeds: bool, target: &str) -> Result<()> {
    let name = &record.name;
    if seeds || wanted.volumes.is_empty() {
        return Ok(());
    }
    Err(Error::not_implemented(format!(
        "what is in the volumes of {name} cannot be brought to {target} yet: \
         `container push -a {target} {name}` sends it without"
    )))
}

impl Moving<'_> {
    fn engine(&self) -> &Engine {
        &self.ashore.engine
    }

    /// Writes down how far it is.
    async fn reach(&mut self, phase: Phase) -> Result<()> {
        self.voyage.phase = phase;
        self.save().await
    }

    async fn save(&self) -> Result<()> {
        let (records, saved) = (self.ashore.shared.voyage_records.clone(), self.voyage.clone());
        blocking(move || Ok(records.put(&saved, Durability::Full)?)).await?;
        self.ashore.shared.voyages().insert(self.voyage.name.clone(), self.voyage.clone());
        Ok(())
    }

    /// Stops it at the target, where it may not be.
    async fn stop_there(&self) -> Result<()> {
        match self.provider.stop(&self.voyage.name).await {
            Ok(()) | Err(Failure::NotFound(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Removes it at the target, where it may not be.
    async fn remove_there(&self, with_volumes: bool) -> Result<()> {
        match self.provider.remove(&self.voyage.name, with_volumes).await {
            Ok(()) | Err(Failure::NotFound(_)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}
