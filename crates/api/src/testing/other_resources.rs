//! The fake engine's resources beside containers.

use super::FakeEngine;
use super::engine::{all, bytes};
use crate::containers::backend::Handed;
use crate::images::backend::{LoadStep, Removal};
use crate::networks::backend::Network;
use crate::volumes::backend::{NewVolume, Volume};
use crate::{events, exec, images, networks, sampan, system, volumes};
use sampan_engine::containers::{
    ClientStream, ExecOptions, ExecStart, ExecState, Filters, Pruned, RunOptions,
};
use sampan_engine::events::Event;
use sampan_engine::spec::{ContainerSpec, EndpointOptions};
use sampan_engine::{
    ByteStream, DiskUsage, Distribution, ImageDetails, NetworkRequest, PullRequest, PushRequest,
    SearchRequest, SystemInfo,
};
use sampan_error::{Error, Result};
use sampan_image::Reference;
use sampan_image::{CollectedImages, HistoryRow, ImportOptions, Summary};
use sampan_registry::{Credentials, Described, Descriptor, Member, SearchResult, Steps};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedSender;

impl exec::backend::Backend for FakeEngine {
    async fn exec_create(&self, reference: &str, options: ExecOptions) -> Result<String> {
        self.call("exec_create", reference)?;
        let id = "e".repeat(64);
        let state = ExecState { id: id.clone(), options, ..ExecState::default() };
        self.with(|it| it.execs.insert(id.clone(), state));
        Ok(id)
    }

    async fn exec_start(&self, id: &str, start: ExecStart, client: Option<ClientStream>) -> Handed {
        match (self.call("exec_start", &format!("{id} detach={}", start.detach)), client) {
            (Ok(()), Some(client)) => {
                Self::echo(client);
                Ok(())
            }
            (Ok(()), None) => Ok(()),
            (Err(error), client) => Err((error, client)),
        }
    }

    async fn exec_inspect(&self, id: &str) -> Result<ExecState> {
        let found = self.with(|state| state.execs.get(id).cloned());
        found.ok_or_else(|| Error::not_found(format!("No such exec instance: {id}")))
    }

    async fn exec_resize(&self, id: &str, rows: u16, columns: u16) -> Result<()> {
        self.call("exec_resize", &format!("{id} {rows} {columns}"))
    }
}

impl events::backend::Backend for FakeEngine {
    async fn events_between(&self, since: i64, until: i64) -> Result<Vec<Arc<Event>>> {
        let fits = |event: &&Arc<Event>| (since..=until).contains(&event.time);
        Ok(self.with(|state| state.past_events.iter().filter(fits).cloned().collect()))
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        self.live_events.subscribe()
    }
}

impl system::backend::Backend for FakeEngine {
    async fn info(&self) -> Result<SystemInfo> {
        self.call("info", "")?;
        Ok(SystemInfo { runtimes: vec!["sampan".into()], running: 1, ..SystemInfo::default() })
    }

    async fn login(&self, credentials: Credentials) -> Result<String> {
        self.call("login", &credentials.username)?;
        Ok("an identity".into())
    }

    async fn disk_usage(&self) -> Result<DiskUsage> {
        Ok(DiskUsage::default())
    }
}

impl networks::backend::Backend for FakeEngine {
    async fn networks(&self) -> Result<Vec<Network>> {
        let network = |name: &str, driver: &str, digit: &str| Network {
            id: digit.repeat(64),
            name: name.into(),
            driver: driver.into(),
            ..Network::default()
        };
        Ok(vec![network("bridge", "bridge", "a"), network("host", "host", "b"), network("none", "null", "c")])
    }

    async fn create_network(&self, request: NetworkRequest) -> Result<String> {
        self.call("create_network", &format!("{} {:?}", request.name, request.subnets))?;
        Ok("d".repeat(64))
    }

    async fn remove_network(&self, reference: &str) -> Result<()> {
        self.call("remove_network", reference)
    }

    async fn connect_container(
        &self,
        network: &str,
        container: &str,
        options: EndpointOptions,
    ) -> Result<()> {
        self.call("connect_container", &format!("{network} {container} {:?}", options.aliases))
    }

    async fn disconnect_container(&self, network: &str, container: &str) -> Result<()> {
        self.call("disconnect_container", &format!("{network} {container}"))
    }

    async fn prune_networks(&self, _filters: &Filters) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

impl volumes::backend::Backend for FakeEngine {
    async fn volumes(&self, _filters: &Filters) -> Result<Vec<Volume>> {
        Ok(Vec::new())
    }

    async fn volume(&self, name: &str) -> Result<Volume> {
        Err(Error::not_found(format!("get {name}: no such volume")))
    }

    async fn create_volume(&self, volume: NewVolume) -> Result<Volume> {
        let name = if volume.name.is_empty() { "f".repeat(64) } else { volume.name };
        Ok(Volume { name, driver: "local".into(), labels: volume.labels, ..Volume::default() })
    }

    async fn copy_volume(&self, name: &str, to: &str, snapshot: bool) -> Result<Volume> {
        self.call("copy_volume", &format!("{name} {to} {snapshot}"))?;
        Ok(Volume { name: to.to_owned(), ..Volume::default() })
    }

    async fn rename_volume(&self, name: &str, to: &str) -> Result<Volume> {
        self.call("rename_volume", &format!("{name} {to}"))?;
        Ok(Volume { name: to.to_owned(), ..Volume::default() })
    }

    async fn remove_volume(&self, name: &str, _force: bool) -> Result<()> {
        Err(Error::not_found(format!("get {name}: no such volume")))
    }

    async fn prune_volumes(&self, _filters: &Filters, all: bool) -> Result<Pruned> {
        self.call("prune_volumes", &format!("all={all}"))?;
        Ok(Pruned::default())
    }
}

impl images::backend::Backend for FakeEngine {
    async fn images(&self, _all: bool, _filters: &Filters) -> Result<Vec<Summary>> {
        Ok(self.with(|state| state.images.clone()))
    }

    async fn images_with_shared_sizes(&self) -> Result<Vec<Summary>> {
        Ok(self.with(|state| state.images.clone()))
    }

    fn image_users(&self, _id: &str) -> usize {
        3
    }

    async fn image(&self, name: &str) -> Result<ImageDetails> {
        Err(Error::not_found(format!("No such image: {name}")))
    }

    async fn image_history(&self, name: &str) -> Result<Vec<HistoryRow>> {
        self.call("image_history", name)?;
        Ok(Vec::new())
    }

    async fn tag_image(&self, image: &str, name: &str) -> Result<()> {
        self.call("tag_image", &format!("{image} {name}"))
    }

    async fn remove_image(&self, name: &str, force: bool, prune: bool) -> Result<Vec<Removal>> {
        self.call("remove_image", &format!("{name} force={force} prune={prune}"))?;
        Ok(vec![Removal::Untagged(name.into()), Removal::Deleted("sha256:1".into())])
    }

    async fn pull_image(&self, request: PullRequest, _steps: Steps) -> Result<()> {
        self.call(
            "pull_image",
            &format!("{} {:?} {}", request.image, request.tag, request.credentials.username),
        )
    }

    async fn push_image(&self, request: PushRequest, _steps: Steps) -> Result<()> {
        self.call(
            "push_image",
            &format!("{} {:?} {}", request.image, request.tag, request.credentials.username),
        )
    }

    async fn search_images(&self, request: SearchRequest) -> Result<Vec<SearchResult>> {
        self.call("search_images", &format!("{} {:?} {}", request.term, request.limit, request.stars))?;
        Ok(vec![SearchResult { name: "found".into(), ..SearchResult::default() }])
    }

    async fn manifest(&self, reference: &Reference, _credentials: Credentials) -> Result<Described> {
        self.call("manifest", &reference.to_string())?;
        Ok(Described { descriptor: Descriptor::default(), bytes: "{}".into() })
    }

    async fn push_list(
        &self,
        target: &Reference,
        members: Vec<Member>,
        _credentials: Credentials,
    ) -> Result<String> {
        self.call("push_list", &format!("{target} {}", members.len()))?;
        Ok("sha256:1".into())
    }

    async fn distribution(&self, name: &str, _credentials: Credentials) -> Result<Distribution> {
        self.call("distribution", name)?;
        Ok(Distribution { media_type: "x".into(), digest: "sha256:1".into(), size: 1, platforms: Vec::new() })
    }

    async fn import_image(&self, archive: ByteStream, options: ImportOptions) -> Result<String> {
        let archive = all(archive).await?;
        self.call("import_image", &format!("{:?} {archive}", options.name))?;
        Ok("sha256:1".into())
    }

    async fn import_image_from(&self, address: &str, options: ImportOptions) -> Result<String> {
        self.call("import_image_from", &format!("{:?} {address}", options.name))?;
        Ok("sha256:1".into())
    }

    async fn load_images(&self, archive: ByteStream, steps: UnboundedSender<LoadStep>) -> Result<()> {
        for _ in 0..self.with(|state| state.load_steps) {
            let step = LoadStep::Layer { id: "abc".into(), current: 1, total: 2 };
            steps.send(step).map_err(|_| Error::internal("nobody listens"))?;
        }
        all(archive).await?;
        self.call("load_images", "")?;
        let _ = steps.send(LoadStep::Loaded { name: "busybox:latest".into(), is_id: false });
        Ok(())
    }

    async fn save_images(&self, names: Vec<String>) -> Result<ByteStream> {
        self.call("save_images", &names.join(" "))?;
        Ok(bytes("a tar"))
    }

    async fn image_files(&self, name: &str) -> Result<ByteStream> {
        self.call("image_files", name)?;
        Ok(bytes("a tar"))
    }

    async fn collect_images(
        &self,
        budget: Option<u64>,
        minimum_age: Option<Duration>,
        dry_run: bool,
    ) -> Result<CollectedImages> {
        self.call("collect_images", &format!("{budget:?} {minimum_age:?} {dry_run}"))?;
        Ok(CollectedImages::default())
    }

    async fn pin_image(&self, name: &str, pinned: bool) -> Result<()> {
        self.call("pin_image", &format!("{name} {pinned}"))
    }

    async fn prune_images(&self, _filters: &Filters) -> Result<(Vec<Removal>, u64)> {
        Ok((Vec::new(), 0))
    }
}

impl sampan::backend::Backend for FakeEngine {
    async fn run(&self, spec: ContainerSpec, options: RunOptions, stream: ClientStream) -> Handed {
        match self.call("run", &format!("{} {:?} {:?}", spec.image, options.name, options.size)) {
            Ok(()) => {
                Self::echo(stream);
                Ok(())
            }
            Err(error) => Err((error, Some(stream))),
        }
    }
}

impl crate::build::backend::Backend for FakeEngine {
    async fn build(
        &self,
        request: sampan_build::Request,
        _context: crate::build::backend::Source,
        _events: tokio::sync::mpsc::UnboundedSender<sampan_build::Event>,
    ) -> Result<String> {
        self.call("build", &format!("{:?}", request.tags))?;
        Ok("sha256:built".to_owned())
    }

    async fn prune_builds(&self, pruning: sampan_build::Pruning) -> Result<Vec<sampan_build::CacheEntry>> {
        self.call("prune_builds", &format!("{pruning:?}"))?;
        Ok(Vec::new())
    }

    async fn build_cache(&self) -> Result<Vec<sampan_build::CacheEntry>> {
        Ok(Vec::new())
    }

    async fn serve_buildkit(&self, _: sampan_buildkit::Upgraded) {}

    async fn keep_session(&self, _: sampan_buildkit::Introduction, _: sampan_buildkit::Upgraded) {}
}

impl crate::fleet::backend::Backend for FakeEngine {
    async fn groups(&self) -> Result<Vec<(sampan_fleet::Group, Vec<sampan_fleet::Member>)>> {
        Ok(Vec::new())
    }

    async fn replicas(&self, container: &str) -> Result<(sampan_fleet::Group, Vec<sampan_fleet::Member>)> {
        self.call("replicas", container)?;
        Ok(Default::default())
    }

    async fn plan_scale(
        &self,
        container: &str,
        request: &sampan_fleet::ScaleRequest,
    ) -> Result<sampan_fleet::Plan> {
        self.call("plan_scale", &format!("{container} {request:?}"))?;
        Ok(Default::default())
    }

    async fn scale(
        &self,
        container: &str,
        request: &sampan_fleet::ScaleRequest,
        _: &sampan_fleet::Report,
    ) -> Result<sampan_fleet::Group> {
        self.call("scale", &format!("{container} {request:?}"))?;
        Ok(Default::default())
    }

    async fn plan_update(
        &self,
        container: &str,
        request: &sampan_fleet::UpdateRequest,
    ) -> Result<sampan_fleet::Plan> {
        self.call("plan_update", &format!("{container} {request:?}"))?;
        Ok(Default::default())
    }

    async fn roll(
        &self,
        container: &str,
        request: &sampan_fleet::UpdateRequest,
        _: &sampan_fleet::Report,
    ) -> Result<Option<sampan_fleet::Group>> {
        self.call("roll", &format!("{container} {request:?}"))?;
        Ok(None)
    }

    fn jobs(&self) -> Vec<sampan_fleet::Job> {
        Vec::new()
    }

    fn job(&self, id: &str) -> Result<sampan_fleet::Job> {
        Err(sampan_error::Error::not_found(format!("there is no job {id}")))
    }

    async fn add_job(&self, job: sampan_fleet::Job) -> Result<sampan_fleet::Job> {
        self.call("add_job", &format!("{job:?}"))?;
        Ok(job)
    }

    async fn run_job(&self, id: &str, _: &sampan_fleet::Report) -> Result<sampan_fleet::JobRun> {
        self.call("run_job", id)?;
        Ok(Default::default())
    }

    async fn pause_job(&self, id: &str, paused: bool) -> Result<()> {
        self.call("pause_job", &format!("{id} {paused}"))
    }

    async fn remove_job(&self, id: &str, _: bool) -> Result<()> {
        self.call("remove_job", id)
    }

    fn last_decision(&self, _: &str) -> Option<sampan_fleet::Decision> {
        None
    }

    async fn backup(
        &self,
        container: &str,
        request: &sampan_fleet::BackupRequest,
        _: &sampan_fleet::Report,
    ) -> Result<sampan_fleet::Snapshotted> {
        self.call("backup", &format!("{container} {request:?}"))?;
        Ok(Default::default())
    }

    async fn backups(&self, _: &sampan_fleet::Store, _: Option<&str>) -> Result<Vec<sampan_fleet::Snapshot>> {
        Ok(Vec::new())
    }

    async fn verify_backups(&self, _: &sampan_fleet::Store, _: bool) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    async fn restore_backup(
        &self,
        _: &sampan_fleet::Store,
        backup: &str,
        name: Option<&str>,
        _: &sampan_fleet::Report,
    ) -> Result<sampan_fleet::Restored> {
        self.call("restore_backup", &format!("{backup} {name:?}"))?;
        Ok(Default::default())
    }

    async fn remove_backups(&self, _: &sampan_fleet::Store, ids: &[String]) -> Result<()> {
        self.call("remove_backups", &format!("{ids:?}"))
    }
}

impl crate::ashore::backend::Backend for FakeEngine {
    fn targets(&self) -> Vec<sampan_provider::Target> {
        Vec::new()
    }

    fn target(&self, name: &str) -> Result<sampan_provider::Target> {
        self.call("target", name)?;
        Ok(sampan_provider::Target { name: name.to_owned(), ..Default::default() })
    }

    async fn create_target(&self, target: sampan_provider::Target) -> Result<sampan_provider::Target> {
        self.call("create target", &target.name)?;
        Ok(target)
    }

    async fn remove_target(&self, name: &str) -> Result<()> {
        self.call("remove target", name)
    }

    fn provider(
        &self,
        target: &str,
        _: &sampan_fleet::Environment,
    ) -> Result<(sampan_provider::Target, std::sync::Arc<dyn sampan_provider::Provider>)> {
        Err(sampan_error::Error::not_found(format!("there is no target {target}")))
    }

    async fn try_target(
        &self,
        target: &str,
        _: &sampan_fleet::Environment,
        _: &sampan_fleet::Report,
    ) -> Result<()> {
        self.call("try target", target)
    }

    async fn plan_push(
        &self,
        container: &str,
        _: &str,
        _: &sampan_fleet::PushOptions,
        _: &sampan_fleet::Environment,
    ) -> Result<sampan_fleet::Pushed> {
        self.call("plan push", container)?;
        Ok(sampan_fleet::Pushed::default())
    }

    async fn push_container(
        &self,
        container: &str,
        _: &str,
        _: &sampan_fleet::PushOptions,
        _: &sampan_fleet::Environment,
        _: &sampan_fleet::Report,
    ) -> Result<sampan_fleet::Pushed> {
        self.call("push", container)?;
        Ok(sampan_fleet::Pushed::default())
    }

    async fn plan_move(
        &self,
        container: &str,
        _: &str,
        _: &sampan_fleet::MoveOptions,
        _: &sampan_fleet::Environment,
    ) -> Result<sampan_fleet::Pushed> {
        self.call("plan move", container)?;
        Ok(sampan_fleet::Pushed::default())
    }

    async fn move_container(
        &self,
        container: &str,
        target: &str,
        _: &sampan_fleet::MoveOptions,
        _: &sampan_fleet::Environment,
        _: &sampan_fleet::Report,
    ) -> Result<sampan_fleet::Arrival> {
        self.call("move", container)?;
        Ok(sampan_fleet::Arrival { target: target.to_owned(), ..Default::default() })
    }

    async fn keep_warm(
        &self,
        container: &str,
        _: &sampan_fleet::StandbyRequest,
        _: &sampan_fleet::Environment,
        _: &sampan_fleet::Report,
    ) -> Result<String> {
        self.call("keep warm", container)?;
        Ok(String::new())
    }

    async fn grant(&self, lease: sampan_provider::Lease) -> Result<sampan_provider::Lease> {
        self.call("lease", &lease.name)?;
        Ok(lease)
    }

    fn moved(&self, _: &str) -> Option<sampan_fleet::Moved> {
        None
    }

    fn all_moved(&self) -> Vec<sampan_fleet::Moved> {
        Vec::new()
    }

    async fn pause_moved(&self, name: &str, _: bool) -> Result<()> {
        self.call("pause moved", name)
    }

    async fn documents(&self, container: &str, form: &str, _: &sampan_fleet::Environment) -> Result<String> {
        self.call("documents", &format!("{container} as={form}"))?;
        Ok("kind: Deployment\n".to_owned())
    }

    async fn end_moved(&self, name: &str) -> Result<()> {
        self.call("forget moved", name)
    }

    async fn update_moved(
        &self,
        name: &str,
        _: &str,
        _: bool,
        _: &sampan_fleet::Environment,
        _: &sampan_fleet::Report,
    ) -> Result<String> {
        self.call("update moved", name)?;
        Ok(String::new())
    }

    fn simulation(&self) -> Option<crate::ashore::backend::SimulationState> {
        None
    }

    async fn simulate(&self) -> Result<crate::ashore::backend::SimulationState> {
        Ok(Default::default())
    }

    async fn end_simulation(&self) -> Result<()> {
        Ok(())
    }
}
