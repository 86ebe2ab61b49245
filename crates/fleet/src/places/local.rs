//! This engine as a place. The only file of the fleet that knows where a container is.

use crate::group::{Generation, Group};
use crate::member::{Health, Member};
use crate::place::{Answer, Blueprint, Changes, Load, Place, Pulled, Restored, Snapshotted};
use crate::report::Report;
use sampan_backup::{Repository, Snapshot};
use sampan_engine::Engine;
use sampan_engine::containers::{
    ContainerRecord, HealthStatus, ListQuery, MountRecordKind, RemoveOptions, Status, StopOptions,
    UpdateRequest,
};
use sampan_engine::spec::{Bind, ContainerSpec, NetworkMode};
use sampan_engine::{Event, PullRequest, Steps};
use sampan_error::{Error, Kind, Result};
use sampan_image::Reference;
use std::future::Future;
use std::os::unix::fs::FileTypeExt;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// Label: the group that a container is a replica in.
const OF: &str = "sampan.replica.of";
/// Label: which replica it is.
const NUMBER: &str = "sampan.replica.number";
/// Label: the generation that it was made of.
const GENERATION: &str = "sampan.replica.generation";
/// A balanced port has some hundreds of elements in the kernel: a container with more ports than this is none to balance.
const MOST_PORTS: usize = 64;

/// This engine.
pub(crate) struct Local {
    engine: Engine,
}

impl Local {
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone() }
    }

    async fn run_replica(
        &self,
        group: &Group,
        generation: &Generation,
        number: u32,
        name: &str,
        predecessor: Option<&str>,
    ) -> Result<String> {
        let mut spec: ContainerSpec = serde_json::from_value(generation.specification.clone())
            .map_err(|error| Error::internal("a replica's specification cannot be read").caused_by(error))?;
        // The name as long as it stands for this image: `docker ps` shows it.
        let named = self.engine.images().inspect(&generation.image).await;
        spec.image = match named {
            Ok(named) if named.image.id == generation.image_id => generation.image.clone(),
            _ => generation.image_id.clone(),
        };
        spec.host.port_bindings = Vec::new();
        spec.host.publish_all_ports = false;
        spec.host.container_id_file = String::new();
        let labels = &mut spec.process.labels;
        labels.insert(OF.to_owned(), group.name.clone());
        labels.insert(NUMBER.to_owned(), number.to_string());
        labels.insert(GENERATION.to_owned(), generation.number.to_string());
        share_names(&mut spec, &group.name);
        if let Some(predecessor) = predecessor {
            let record = self.engine.inspect(predecessor).await?;
            spec.host.binds.extend(own_volumes(&record).map(|(name, target)| Bind {
                source: name.to_owned(),
                target: target.to_owned(),
                mode: String::new(),
            }));
        }
        let made = match self.engine.create(Some(name.to_owned()), spec).await {
            Ok(made) => made.id,
            Err(error) if error.kind() == Kind::Conflict => {
                // Ours from before a kill, or somebody else's.
                let there = self.engine.inspect(name).await?;
                let labels = &there.resolved.labels;
                let is_ours = labels.get(OF) == Some(&group.name)
                    && labels.get(GENERATION) == Some(&generation.number.to_string());
                if !is_ours {
                    return Err(Error::conflict(format!(
                        "a replica of {} would be called {name}, and another container is: rename or remove that one",
                        group.name
                    )));
                }
                there.id.clone()
            }
            Err(error) => return Err(error),
        };
        if let Err(error) = self.start_it(&made).await {
            self.remove_it(&made, true).await?;
            return Err(error);
        }
        Ok(made)
    }

    async fn start_it(&self, id: &str) -> Result<()> {
        match self.engine.start(id).await {
            Err(error) if error.kind() == Kind::NotModified => Ok(()),
            other => other,
        }
    }

    async fn stop_it(&self, id: &str) -> Result<()> {
        match self.engine.stop(id, StopOptions::default()).await {
            Err(error) if matches!(error.kind(), Kind::NotModified | Kind::NotFound) => Ok(()),
            other => other,
        }
    }

    async fn remove_it(&self, id: &str, with_volumes: bool) -> Result<()> {
        let options = RemoveOptions { force: true, volumes: with_volumes, link: false };
        match self.engine.remove(id, options).await {
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            other => other,
        }
    }

    async fn members_of(&self, group: &Group) -> Result<Vec<Member>> {
        let filters = [("label".to_owned(), vec![format!("{OF}={}", group.name)])].into();
        let query = ListQuery { all: true, limit: None, filters };
        let mut records = self.engine.list(&query).await?;
        // An image that was committed from a replica has its labels, and what is made of it is none.
        records.retain(|record| record.spec.process.labels.get(OF) == Some(&group.name));
        // The first one was there before there was a group, and has no labels of ours.
        if !records.iter().any(|record| record.id == group.leader)
            && let Ok(leader) = self.engine.inspect(&group.leader).await
        {
            records.push(leader);
        }
        Ok(records.iter().map(|record| member(record)).collect())
    }
}

fn member(record: &ContainerRecord) -> Member {
    let labels = &record.spec.process.labels;
    let number = |name: &str| labels.get(name).and_then(|text| text.parse::<u64>().ok());
    let status = record.state.status;
    Member {
        id: record.id.clone(),
        name: record.name.clone(),
        number: number(NUMBER).and_then(|number| u32::try_from(number).ok()).unwrap_or(1),
        generation: number(GENERATION).unwrap_or(1),
        running: status == Status::Running,
        restarting: status == Status::Restarting,
        stopped: record.stopped_by_user,
        health: match record.state.health.as_ref().map(|health| health.status) {
            None => Health::None,
            Some(HealthStatus::Starting) => Health::Starting,
            Some(HealthStatus::Healthy) => Health::Healthy,
            Some(HealthStatus::Unhealthy) => Health::Unhealthy,
        },
        probed_ready: record.state.ready,
        started: record.state.started,
        finished: record.state.finished,
    }
}

/// Takes the marks of a replica away: what comes back from a backup is a container of its own.
pub(super) fn forget_replica(spec: &mut ContainerSpec) {
    for label in [OF, NUMBER, GENERATION] {
        spec.process.labels.remove(label);
    }
}

/// All replicas have the group's name on networks that know names.
fn share_names(spec: &mut ContainerSpec, name: &str) {
    if let NetworkMode::Named(network) = &spec.host.network_mode {
        spec.networks.entry(network.clone()).or_default();
    }
    for (network, options) in &mut spec.networks {
        if network != "bridge" && !options.aliases.iter().any(|alias| alias == name) {
            options.aliases.push(name.to_owned());
        }
    }
}

/// Volumes that were made for a container alone, with their places in it.
fn own_volumes(record: &ContainerRecord) -> impl Iterator<Item = (&str, &str)> {
    let own = record.mounts.iter().filter(|mount| mount.anonymous && !mount.name.is_empty());
    own.map(|mount| (mount.name.as_str(), mount.target.as_str()))
}

/// Why there cannot be two of a container.
fn obstacles(record: &ContainerRecord) -> Vec<String> {
    let host = &record.spec.host;
    let mut found = Vec::new();
    match &host.network_mode {
        NetworkMode::Host => {
            found.push("it uses the host's network, whose ports only one can have".to_owned())
        }
        NetworkMode::Container(_) => found.push("it shares another container's network".to_owned()),
        _ => {}
    }
    for (network, options) in &record.spec.networks {
        let address = options.ipv4_address.as_ref().or(options.ipv6_address.as_ref());
        if let Some(address) = address.filter(|address| !address.is_empty()) {
            found.push(format!("its address {address} on the network {network} is fixed"));
        } else if options.mac_address.as_ref().is_some_and(|address| !address.is_empty()) {
            found.push(format!("its MAC address on the network {network} is fixed"));
        }
    }
    if host.auto_remove {
        found.push("it removes itself when it ends (--rm)".to_owned());
    }
    if record.network.published.iter().any(|published| published.bindings.len() > MOST_PORTS) {
        found.push(format!("it publishes more than {MOST_PORTS} ports"));
    }
    found
}

/// What two of a container would write to at the same time.
fn shared(record: &ContainerRecord) -> Vec<String> {
    let is_socket = |path: &str| std::fs::metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let mounts = record.mounts.iter().filter(|mount| mount.writable && !mount.anonymous);
    mounts
        .filter_map(|mount| match mount.kind {
            MountRecordKind::Volume => Some(format!("the volume {}", mount.name)),
            MountRecordKind::Bind if !is_socket(&mount.source) => Some(mount.source.clone()),
            MountRecordKind::Bind | MountRecordKind::Tmpfs | MountRecordKind::Image => None,
        })
        .collect()
}

impl Place for Local {
    fn blueprint<'a>(&'a self, container: &'a str) -> Answer<'a, Blueprint> {
        Box::pin(async move {
            let record = self.engine.inspect(container).await?;
            let specification = serde_json::to_value(&record.spec).map_err(|error| {
                Error::internal("a container's specification cannot be written").caused_by(error)
            })?;
            Ok(Blueprint {
                id: record.id.clone(),
                name: record.name.clone(),
                image: record.spec.image.clone(),
                image_id: record.image_id.clone(),
                specification,
                obstacles: obstacles(&record),
                shared: shared(&record),
                own_volumes: own_volumes(&record).map(|(_, target)| target.to_owned()).collect(),
            })
        })
    }

    fn members<'a>(&'a self, group: &'a Group) -> Answer<'a, Vec<Member>> {
        Box::pin(self.members_of(group))
    }

    fn pull<'a>(&'a self, image: &'a str) -> Answer<'a, Pulled> {
        Box::pin(async move {
            let images = self.engine.images();
            let here = |note: String| async move {
                let found = images.inspect(image).await?;
                Ok(Pulled { image_id: found.image.id.clone(), note })
            };
            if image.starts_with("sha256:") {
                return here(String::new()).await;
            }
            let reference = Reference::parse(image).map_err(|error| Error::invalid(error.to_string()))?;
            let request = PullRequest { image: reference.or_latest().familiar(), ..PullRequest::default() };
            let (steps, _) = tokio::sync::mpsc::unbounded_channel();
            match Box::pin(self.engine.images().pull(request, Steps::new(steps))).await {
                Ok(_) => here(String::new()).await,
                // One that was only built or loaded here has no registry to ask.
                Err(error) => {
                    match here(format!("no registry gives {image} ({error}): the one that is here counts"))
                        .await
                    {
                        Ok(found) => Ok(found),
                        Err(_) => Err(error),
                    }
                }
            }
        })
    }

    fn run<'a>(
        &'a self,
        group: &'a Group,
        generation: &'a Generation,
        number: u32,
        name: &'a str,
        predecessor: Option<&'a str>,
    ) -> Answer<'a, String> {
        Box::pin(self.run_replica(group, generation, number, name, predecessor))
    }

    fn start<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        Box::pin(self.start_it(id))
    }

    fn route<'a>(&'a self, group: &'a Group, ids: &'a [String]) -> Answer<'a, ()> {
        // The one that has the ports needs nobody's help.
        let ids = if ids == [group.leader.as_str()] { &[] } else { ids };
        Box::pin(async move { self.engine.balance_ports(&group.name, &group.leader, ids).await })
    }

    fn connections<'a>(&'a self, id: &'a str) -> Answer<'a, Option<u64>> {
        Box::pin(async move {
            let (engine, id) = (self.engine.clone(), id.to_owned());
            crate::fleet::blocking(move || Ok(engine.connections_to(&id).ok())).await
        })
    }

    fn load<'a>(&'a self, id: &'a str) -> Answer<'a, Load> {
        Box::pin(async move {
            let record = self.engine.inspect(id).await?;
            let sample = self.engine.stats(id).await?;
            let resources = &record.spec.host.resources;
            #[expect(clippy::cast_precision_loss, reason = "a number of CPUs")]
            let limit = match (resources.nano_cpus, resources.cpu_quota, resources.cpu_period) {
                (nano, ..) if nano > 0 => nano as f64 / 1e9,
                (_, quota, period) if quota > 0 => {
                    quota as f64 / if period > 0 { period as f64 } else { 1e5 }
                }
                _ => 1.0,
            };
            let memory_limit = u64::try_from(resources.memory).ok().filter(|limit| *limit > 0);
            Ok(Load {
                at: sample.read,
                cpu_time: sample.cgroup.cpu.total,
                cpus: limit,
                memory: sample.cgroup.memory.usage,
                memory_limit,
                connections: self.connections(id).await?,
            })
        })
    }

    fn stop<'a>(&'a self, id: &'a str) -> Answer<'a, ()> {
        Box::pin(self.stop_it(id))
    }

    fn hand_over<'a>(&'a self, group: &'a Group, from: &'a str, to: &'a str) -> Answer<'a, ()> {
        Box::pin(async move {
            let mut publish = self.engine.balanced_bindings(&group.name);
            if publish.is_empty() {
                publish = self.engine.bindings_of(from).await?;
            }
            if publish.is_empty() {
                return Ok(());
            }
            self.stop_it(from).await?;
            // Publishing once more would end connections that are there.
            let there = self.engine.bindings_of(to).await?;
            if publish.iter().all(|binding| there.contains(binding)) {
                return Ok(());
            }
            let request = UpdateRequest { publish, ..UpdateRequest::default() };
            self.engine.update(to, request).await.map(drop)
        })
    }

    fn remove<'a>(&'a self, id: &'a str, with_volumes: bool) -> Answer<'a, ()> {
        Box::pin(self.remove_it(id, with_volumes))
    }

    fn rename<'a>(&'a self, id: &'a str, name: &'a str) -> Answer<'a, ()> {
        Box::pin(self.engine.rename(id, name))
    }

    fn snapshot<'a>(
        &'a self,
        container: &'a str,
        to: &'a Repository,
        report: &'a Report,
    ) -> Answer<'a, Snapshotted> {
        Box::pin(self.take_snapshot(container, to, report))
    }

    fn restore<'a>(
        &'a self,
        from: &'a Repository,
        snapshot: &'a Snapshot,
        name: Option<&'a str>,
        report: &'a Report,
    ) -> Answer<'a, Restored> {
        Box::pin(self.restore_snapshot(from, snapshot, name, report))
    }

    fn backup_folder(&self) -> Result<PathBuf> {
        self.engine.backup_folder()
    }

    fn changes(&self) -> Box<dyn Changes> {
        Box::new(LocalChanges(self.engine.subscribe()))
    }

    fn now(&self) -> i64 {
        sampan_engine::now()
    }
}

/// The engine's events, as far as they change what a replica is worth.
struct LocalChanges(Receiver<Arc<Event>>);

impl Changes for LocalChanges {
    fn next(&mut self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            loop {
                match self.0.recv().await {
                    Ok(event) if counts(&event) => return,
                    Ok(_) => {}
                    // Whatever was missed, something changed.
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        })
    }
}

fn counts(event: &Event) -> bool {
    const WORDS: [&str; 7] = ["start", "die", "destroy", "stop", "pause", "unpause", "rename"];
    event.kind == "container"
        && (WORDS.contains(&event.action.as_str())
            || event.action.starts_with("health_status")
            || event.action.starts_with("readiness"))
}
