//! From here to a target.

use super::journal::{Moved, Phase, Voyage};
use super::volumes::once;
use super::{Arrival, MoveOptions, Moving, check_volumes};
use crate::ashore::push::{ready, refuse, sentence, settled, there};
use crate::ashore::specification::specification;
use crate::ashore::{Ashore, Environment, PushOptions};
use crate::fleet::Fleet;
use crate::report::Report;
use sampan_engine::containers::ContainerRecord;
use sampan_error::{Error, Result};
use sampan_image::Image;
use sampan_provider::{SeedRole, Service, Specification, Volume};
use std::path::PathBuf;
use std::sync::Arc;

impl Ashore {
    /// Moves a container of this engine to a target.
    pub(super) async fn go_away(
        &self,
        name: &str,
        target: &str,
        options: &MoveOptions,
        environment: &Environment,
        report: &Report,
    ) -> Result<Arrival> {
        let (place, provider) = self.provider(target, environment)?;
        let simulated = if place.simulated { " (simulated)" } else { "" };
        ready(&*provider).await?;
        let fleet = Fleet::local(&self.engine);
        let (group, members) = fleet.replicas(name).await?;
        let (record, image) = self.container(&group.leader).await?;
        let push = PushOptions { image_only: options.image_only, replicas: options.replicas };
        let wanted = specification(&record, &image, self.replicas(&record, &push));
        check(&record, &wanted, provider.capabilities().seeds, target)?;
        let losses = provider.losses(&wanted);
        refuse(&losses, target)?;
        for loss in &losses {
            report.say(format!("{target}{simulated}: {}", sentence(loss)));
        }
        let existed = there(&*provider, name).await?.is_some();
        let voyage = Voyage {
            name: name.to_owned(),
            target: target.to_owned(),
            existed,
            stateful: !wanted.volumes.is_empty(),
            without_relay: options.without_relay,
            ..Voyage::default()
        };
        let mut moving = Moving { ashore: self, fleet, group, provider, report, voyage };
        moving.save().await?;
        let members: Vec<String> = members.into_iter().map(|member| member.id).collect();
        let gone = Box::pin(moving.away(&record, &image, wanted, options, &members)).await;
        if let Err(error) = gone {
            return Err(Box::pin(moving.failed(error)).await);
        }
        Box::pin(moving.commit_away(&record, &members)).await
    }
}

/// Refuses what cannot move.
fn check(record: &ContainerRecord, wanted: &Specification, seeds: bool, target: &str) -> Result<()> {
    let name = &record.name;
    if !record.is_running() {
        return Err(Error::conflict(format!(
            "{name} does not run: `sampan start {name}` first, or send it by `container push`"
        )));
    }
    check_volumes(record, wanted, seeds, target)?;
    if record.spec.host.auto_remove && !wanted.volumes.is_empty() {
        return Err(Error::conflict(format!(
            "{name} removes itself when it ends (--rm), and has volumes: it could not be started again if the move failed"
        )));
    }
    Ok(())
}

impl Moving<'_> {
    /// Everything until it answers there and connections go there.
    async fn away(
        &mut self,
        record: &Arc<ContainerRecord>,
        image: &Arc<Image>,
        mut wanted: Specification,
        options: &MoveOptions,
        members: &[String],
    ) -> Result<()> {
        let source = wanted.fingerprint();
        let sent =
            Box::pin(self.ashore.image_to_send(record, image, options.image_only, self.report)).await?;
        wanted.image.id.clone_from(&sent.id);
        let (name, target) = (self.voyage.name.clone(), self.voyage.target.clone());
        wanted.image.located =
            Box::pin(self.ashore.bring(&*self.provider, &name, &sent, &target, self.report)).await?;
        let service = match self.voyage.stateful {
            true => Box::pin(self.one_after_the_other(record, &wanted, members)).await?,
            false => Box::pin(self.one_beside_the_other(record, &wanted)).await?,
        };
        self.voyage.addresses.clone_from(&service.addresses);
        self.reach(Phase::Ready).await?;
        self.ashore.landed(&name, &target, source, &service.fingerprint).await
    }

    /// Without volumes both may run for a while.
    async fn one_beside_the_other(
        &mut self,
        record: &Arc<ContainerRecord>,
        wanted: &Specification,
    ) -> Result<Service> {
        let (name, target) = (self.voyage.name.clone(), self.voyage.target.clone());
        self.report.say(format!("{target}: {name} is being put in place"));
        self.provider.deploy(wanted).await?;
        let service = settled(&*self.provider, &name, self.report, &target).await?;
        if !self.voyage.without_relay {
            self.relay(record).await?;
        }
        Ok(service)
    }

    /// With volumes only one does: what comes meanwhile waits.
    async fn one_after_the_other(
        &mut self,
        record: &Arc<ContainerRecord>,
        wanted: &Specification,
        members: &[String],
    ) -> Result<Service> {
        let (name, target) = (self.voyage.name.clone(), self.voyage.target.clone());
        if self.voyage.existed {
            self.report.say(format!("{target}: {name} is there already, and is stopped"));
            self.stop_there().await?;
        }
        let volumes = once(&wanted.volumes);
        let folders = self.folders(record, &volumes).await?;
        let mut transfer = self.transfer(&volumes, folders, SeedRole::Receive).await?;
        self.copy_before(&mut transfer).await?;
        self.hold(record).await?;
        self.stop_here(members).await?;
        self.copy_rest(&mut transfer).await?;
        drop(transfer);
        self.reach(Phase::Starting).await?;
        self.provider.deploy(wanted).await?;
        settled(&*self.provider, &name, self.report, &target).await
    }

    /// The folders of a container's volumes, in this order.
    pub(super) async fn folders(&self, record: &ContainerRecord, volumes: &[Volume]) -> Result<Vec<PathBuf>> {
        let parts = self.engine().backup_parts(&record.id).await?;
        let folder = |volume: &Volume| {
            let known = parts.volumes.iter().find(|(name, _)| *name == volume.name);
            known.map(|(_, folder)| folder.clone()).ok_or_else(|| {
                Error::conflict(format!(
                    "the volume {} has its files elsewhere (driver options), and they cannot be brought over",
                    volume.name
                ))
            })
        };
        volumes.iter().map(folder).collect()
    }

    /// From now on new connections wait.
    async fn hold(&mut self, record: &Arc<ContainerRecord>) -> Result<()> {
        let relay = self.relay(record).await?;
        self.voyage.held = sampan_engine::now();
        self.reach(Phase::Holding).await?;
        if let Some(relay) = relay {
            self.report.say(format!("{}: connections wait", self.voyage.name));
            self.route(&[relay]).await?;
        }
        Ok(())
    }

    async fn stop_here(&mut self, members: &[String]) -> Result<()> {
        for member in members {
            self.fleet.place().stop(member).await?;
        }
        self.reach(Phase::Stopped).await
    }

    /// Connections go there, and what is here goes away. Everything may be done twice.
    pub(super) async fn commit_away(
        &mut self,
        record: &ContainerRecord,
        members: &[String],
    ) -> Result<Arrival> {
        let (name, target) = (self.voyage.name.clone(), self.voyage.target.clone());
        let relay = self.voyage.relay.clone();
        if let Some(relay) = &relay {
            self.aim(relay, &self.voyage.addresses).await?;
            self.route(std::slice::from_ref(relay)).await?;
        }
        let waited = self.waited();
        self.reach(Phase::Switched).await?;
        let moved = Moved {
            name: name.clone(),
            target: target.clone(),
            record: record.clone(),
            replicas: u32::try_from(members.len()).unwrap_or(1).max(1),
            relay: relay.clone().filter(|_| !self.voyage.without_relay),
            at: sampan_engine::now(),
        };
        self.ashore.note_moved(moved).await?;
        self.fleet.drain(&self.group, members, self.report).await;
        if let Some(relay) = &relay {
            self.take_ports(relay).await?;
        }
        self.fleet.forget(&name).await?;
        for member in members {
            self.discard(member).await?;
        }
        if self.voyage.without_relay {
            self.discard_relay().await?;
        }
        self.ashore.forget_voyage(&name).await?;
        let addresses = self.voyage.addresses.clone();
        Ok(Arrival { target, addresses, waited, relayed: relay.is_some() && !self.voyage.without_relay })
    }
}
