//! What was broken off: finished when it answers at the other place already, else taken back.

use super::Moving;
use super::journal::{Phase, Voyage};
use crate::ashore::{Ashore, Environment};
use crate::fleet::Fleet;
use crate::group::Group;
use crate::report::Report;
use sampan_engine::containers::ContainerRecord;
use sampan_error::{Error, Kind, Result};
use std::time::Duration;

/// Until what could not be finished is tried again.
const AGAIN_AFTER: Duration = Duration::from_secs(20);

impl Ashore {
    /// Finishes or takes back what a killed daemon left, or what could not be taken back, again and again until it is: with
    /// the daemon's own credentials.
    pub(crate) async fn resume_moves(self) {
        loop {
            let all: Vec<Voyage> = self.shared.voyages().values().cloned().collect();
            for voyage in all {
                let ashore = self.clone();
                tokio::spawn(async move { ashore.resume(voyage).await });
            }
            tokio::time::sleep(AGAIN_AFTER).await;
        }
    }

    async fn resume(&self, voyage: Voyage) {
        let name = voyage.name.clone();
        // Whoever moves it at this moment has it.
        let Some(_alone) = Fleet::local(&self.engine).try_alone(&name) else { return };
        let Some(voyage) = self.voyage(&name) else { return };
        tracing::info!(container = %name, phase = ?voyage.phase, "a move was broken off");
        if let Err(error) = Box::pin(self.recover(voyage, &Environment::new(), &Report::none())).await {
            tracing::error!(container = %name, %error, "a move that was broken off waits, and is tried again");
        }
    }

    /// Finishes a move or takes it back.
    pub(super) async fn recover(
        &self,
        voyage: Voyage,
        environment: &Environment,
        report: &Report,
    ) -> Result<()> {
        let (_, provider) = self.provider(&voyage.target, environment)?;
        let fleet = Fleet::local(&self.engine);
        let found = self.engine.inspect(&voyage.name).await;
        let (group, members, record) = match &found {
            Ok(record) if !voyage.home => {
                let (group, members) = fleet.replicas(&record.id).await?;
                (group, members.into_iter().map(|member| member.id).collect(), Some(record.clone()))
            }
            _ => {
                let leader = voyage.relay.clone().unwrap_or_default();
                (Group { name: voyage.name.clone(), leader, ..Group::default() }, Vec::new(), None)
            }
        };
        let (home, phase, name) = (voyage.home, voyage.phase, voyage.name.clone());
        let mut moving = Moving { ashore: self, fleet, group, provider, report, voyage };
        match (home, phase >= Phase::Ready) {
            (true, true) => Box::pin(moving.commit_home()).await.map(drop),
            (true, false) => Box::pin(moving.stay_there()).await,
            (false, true) => {
                let kept = record.as_deref().cloned().or_else(|| self.moved(&name).map(|moved| moved.record));
                Box::pin(moving.commit_away(&kept.unwrap_or_default(), &members)).await.map(drop)
            }
            (false, false) => Box::pin(moving.stay_here(&members, record.as_deref())).await,
        }
    }
}

impl Moving<'_> {
    /// Takes back what can be; the error says what became of it.
    pub(super) async fn failed(&mut self, error: Error) -> Error {
        let name = self.voyage.name.clone();
        let taken_back = match self.voyage.home {
            true => Box::pin(self.stay_there()).await,
            false => match self.fleet.replicas(&name).await {
                Ok((_, members)) => {
                    let ids: Vec<String> = members.into_iter().map(|member| member.id).collect();
                    let record = self.engine().inspect(&name).await.ok();
                    Box::pin(self.stay_here(&ids, record.as_deref())).await
                }
                Err(error) => Err(error),
            },
        };
        let goes_on = if self.voyage.home { self.voyage.target.as_str() } else { "here" };
        match taken_back {
            Ok(()) => error.context(format!("{name} was not moved, and goes on {goes_on}")),
            Err(other) => error.context(format!(
                "{name} was not moved, and what was begun cannot be taken back yet ({other}): it is tried again every 20 \
                 seconds, and at once by `sampan container move`"
            )),
        }
    }

    /// It goes on here. One with volumes starts again only when none runs at the target.
    pub(super) async fn stay_here(
        &mut self,
        members: &[String],
        record: Option<&ContainerRecord>,
    ) -> Result<()> {
        let stateful = self.voyage.stateful;
        if stateful && self.voyage.phase >= Phase::Starting {
            self.take_away().await?;
        }
        if self.voyage.phase >= Phase::Stopped || record.is_some_and(|record| !record.is_running()) {
            for member in members {
                self.fleet.place().start(member).await?;
            }
        }
        if let Some(relay) = self.voyage.relay.clone() {
            if let Some(leader) = members.first() {
                let places: Vec<sampan_provider::Address> = self.here(leader).await?;
                match self.aim(&relay, &places).await {
                    // It was not made in the end.
                    Err(error) if error.kind() == Kind::NotFound => {}
                    other => other?,
                }
            }
            match self.fleet.group(&self.voyage.name) {
                Some(group) => self.fleet.route(&group).await?,
                None => self.route(&[]).await?,
            }
            self.discard_relay().await?;
        } else {
            // A kill may have come between its making and its record.
            self.discard(&super::relay::name(&self.voyage.name)).await?;
        }
        if !(stateful && self.voyage.phase >= Phase::Starting) {
            self.take_away().await?;
        }
        self.ashore.forget_voyage(&self.voyage.name).await
    }

    /// What was begun at the target goes. What was there before is stopped, not removed, for it is somebody's.
    async fn take_away(&self) -> Result<()> {
        match (self.voyage.existed, self.voyage.stateful) {
            (false, _) => self.remove_there(true).await,
            (true, true) => self.stop_there().await,
            (true, false) => Ok(()),
        }
    }
}
