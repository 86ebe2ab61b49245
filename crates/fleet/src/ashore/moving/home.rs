//! From a target back to this engine.

use super::journal::{Moved, Phase, Voyage};
use super::volumes::once;
use super::{Arrival, HERE, Moving};
use crate::ashore::push::settled;
use crate::ashore::specification::specification;
use crate::ashore::{Ashore, Environment};
use crate::fleet::Fleet;
use crate::group::Group;
use crate::report::Report;
use sampan_engine::VolumeRequest;
use sampan_engine::containers::{ContainerRecord, HealthStatus, MountRecordKind};
use sampan_engine::spec::{Bind, ContainerSpec};
use sampan_error::{Context, Error, Kind, Result};
use sampan_provider::SeedRole;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// One without a health check counts as ready after so long.
const READY_AFTER: Duration = Duration::from_secs(1);
/// One that is not ready by then never will be.
const READY_WITHIN: Duration = Duration::from_secs(300);
/// Between two looks at one that is not ready yet.
const PAUSE: Duration = Duration::from_millis(50);

impl Ashore {
    /// Brings a container back that was moved away.
    pub(super) async fn come_home(
        &self,
        moved: Moved,
        environment: &Environment,
        report: &Report,
    ) -> Result<Arrival> {
        let (_, provider) = self.provider(&moved.target, environment)?;
        let fleet = Fleet::local(&self.engine);
        let group = Group {
            name: moved.name.clone(),
            leader: moved.relay.clone().unwrap_or_default(),
            ..Group::default()
        };
        let images = self.engine.images();
        let image = images.inspect(&moved.record.image_id).await.context(format!(
            "the image of {} is not here any more: `sampan pull {}` brings it",
            moved.name, moved.record.spec.image
        ))?;
        let wanted = specification(&moved.record, &image.image, moved.replicas);
        if !wanted.volumes.is_empty() && !provider.capabilities().seeds {
            return Err(Error::not_implemented(format!(
                "what is in the volumes of {} cannot be brought back from {} yet",
                moved.name, moved.target
            )));
        }
        let voyage = Voyage {
            name: moved.name.clone(),
            target: moved.target.clone(),
            home: true,
            existed: true,
            stateful: !wanted.volumes.is_empty(),
            relay: moved.relay.clone(),
            ..Voyage::default()
        };
        let mut moving = Moving { ashore: self, fleet, group, provider, report, voyage };
        if let Some(relay) = &moving.voyage.relay
            && !moving.is_there(relay).await?
        {
            // Somebody removed it: its ports are free.
            moving.voyage.relay = None;
        }
        moving.save().await?;
        if let Err(error) = Box::pin(moving.home(&moved)).await {
            return Err(Box::pin(moving.failed(error)).await);
        }
        Box::pin(moving.commit_home()).await
    }
}

impl Moving<'_> {
    /// Everything until it answers here.
    async fn home(&mut self, moved: &Moved) -> Result<()> {
        let volumes = self.volumes_here(&moved.record).await?;
        let landed = self.create_here(moved).await?;
        self.voyage.landed = Some(landed.clone());
        self.save().await?;
        if self.voyage.stateful {
            let image = self.engine().images().inspect(&moved.record.image_id).await?.image;
            let wanted = specification(&moved.record, &image, 1);
            let mut transfer = self.transfer(&once(&wanted.volumes), volumes, SeedRole::Send).await?;
            self.copy_before(&mut transfer).await?;
            self.voyage.held = sampan_engine::now();
            self.reach(Phase::Holding).await?;
            if let Some(relay) = self.voyage.relay.clone() {
                self.report.say(format!("{}: connections wait", self.voyage.name));
                self.aim(&relay, &[]).await?;
            }
            self.stop_there().await?;
            self.reach(Phase::Stopped).await?;
            self.copy_rest(&mut transfer).await?;
            drop(transfer);
        }
        self.reach(Phase::Starting).await?;
        self.engine().start(&landed).await?;
        self.ready_here(&landed).await?;
        self.reach(Phase::Ready).await
    }

    /// The container as it was, without its ports, which the relay still has.
    async fn create_here(&self, moved: &Moved) -> Result<String> {
        let mut spec: ContainerSpec = moved.record.spec.clone();
        spec.image = match self.engine().images().inspect(&spec.image).await {
            Ok(named) if named.image.id == moved.record.image_id => spec.image,
            _ => moved.record.image_id.clone(),
        };
        if self.voyage.relay.is_some() {
            spec.host.port_bindings = Vec::new();
            spec.host.publish_all_ports = false;
        }
        spec.host.container_id_file = String::new();
        own_volumes(&mut spec, &moved.record);
        let made = self.engine().create(Some(moved.name.clone()), spec).await;
        Ok(made
            .map_err(|error| match error.kind() {
                Kind::Conflict => Error::conflict(format!(
                    "there is another container {} here: rename or remove it, then move again",
                    moved.name
                )),
                _ => error,
            })?
            .id)
    }

    /// The volumes that it had here, made again where they are gone.
    async fn volumes_here(&self, record: &ContainerRecord) -> Result<Vec<PathBuf>> {
        let mut folders: Vec<(String, PathBuf)> = Vec::new();
        for mount in record.mounts.iter().filter(|mount| mount.kind == MountRecordKind::Volume) {
            if folders.iter().any(|(name, _)| *name == mount.name) {
                continue;
            }
            let request = VolumeRequest { name: mount.name.clone(), ..VolumeRequest::default() };
            let volume = self.engine().volume_create(request).await?;
            folders.push((mount.name.clone(), volume.path));
        }
        Ok(folders.into_iter().map(|(_, folder)| folder).collect())
    }

    async fn ready_here(&self, id: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            let record = self.engine().inspect(id).await?;
            let health = record.state.health.as_ref().map(|health| health.status);
            match health {
                _ if !record.is_running() => {
                    return Err(Error::conflict(format!("{} ended here: see `docker logs`", record.name)));
                }
                Some(HealthStatus::Healthy) => return Ok(()),
                Some(HealthStatus::Unhealthy) => {
                    return Err(Error::conflict(format!("{} is unhealthy here", record.name)));
                }
                None if begun.elapsed() >= READY_AFTER => return Ok(()),
                _ if begun.elapsed() >= READY_WITHIN => {
                    return Err(Error::new(
                        Kind::Deadline,
                        format!("{} does not get ready here", record.name),
                    ));
                }
                _ => sleep(PAUSE).await,
            }
        }
    }

    /// Connections come here again, and what is there goes away. Everything may be done twice.
    pub(super) async fn commit_home(&mut self) -> Result<Arrival> {
        let name = self.voyage.name.clone();
        let landed = self.voyage.landed.clone().unwrap_or_default();
        if let Some(relay) = &self.voyage.relay
            && !self.is_there(relay).await?
        {
            // It was given up before a kill.
            self.voyage.relay = None;
        }
        if let Some(relay) = self.voyage.relay.clone() {
            let places = self.here(&landed).await?;
            self.aim(&relay, &places).await?;
            self.engine().balance_ports(&name, &relay, std::slice::from_ref(&landed)).await?;
        }
        let waited = self.waited();
        self.reach(Phase::Switched).await?;
        if let Some(relay) = self.voyage.relay.clone() {
            self.fleet.drain(&self.group, std::slice::from_ref(&relay), self.report).await;
            self.give_ports(&relay, &landed).await?;
            self.discard(&relay).await?;
            self.voyage.relay = None;
        }
        self.remove_there(true).await?;
        let replicas = self.ashore.moved(&name).map_or(1, |moved| moved.replicas);
        if replicas > 1 {
            self.report.say(format!(
                "{name}: there were {replicas} of it, and here is one: `sampan container scale {name}={replicas}`"
            ));
        }
        self.ashore.forget_moved(&name).await?;
        self.ashore.forget_voyage(&name).await?;
        let addresses = self.here(&landed).await?;
        Ok(Arrival { target: HERE.to_owned(), addresses, waited, relayed: false })
    }

    /// It goes on at the target.
    pub(super) async fn stay_there(&mut self) -> Result<()> {
        let (name, target) = (self.voyage.name.clone(), self.voyage.target.clone());
        if let Some(landed) = self.voyage.landed.take() {
            self.discard(&landed).await?;
        }
        if self.voyage.phase >= Phase::Holding && self.voyage.stateful {
            self.provider.start(&name).await?;
            let service = settled(&*self.provider, &name, self.report, &target).await?;
            if let Some(relay) = self.voyage.relay.clone() {
                self.aim(&relay, &service.addresses).await?;
            }
        }
        self.ashore.forget_voyage(&name).await
    }
}

/// Volumes that were made for the container alone have no name in its specification: they are named now.
fn own_volumes(spec: &mut ContainerSpec, record: &ContainerRecord) {
    for mount in record.mounts.iter().filter(|mount| mount.anonymous && !mount.name.is_empty()) {
        spec.process.volumes.retain(|target| *target != mount.target);
        spec.host.mounts.retain(|other| other.target != mount.target);
        spec.host.binds.retain(|bind| bind.target != mount.target);
        let mode = if mount.writable { String::new() } else { "ro".to_owned() };
        spec.host.binds.push(Bind { source: mount.name.clone(), target: mount.target.clone(), mode });
    }
}
