//! What a new daemon does with the containers of the one before: it finds the running ones by their shims,
//! learns how the others ended, adopts what has lost its record, and removes what nobody owns.

use crate::Engine;
use crate::containers::container::{Container, Live};
use crate::containers::exit::Ending;
use crate::containers::{ContainerRecord, Status};
use crate::spec::RestartKind;
use crate::supervisor::Supervisor;
use sampan_error::{Kind, Result};
use sampan_shim::protocol::State;
use sampan_state::Durability;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

impl Engine {
    /// Recovers all containers, then lets requests about containers through. Nothing stops it: what cannot be
    /// recovered is reported in the log and left as it is.
    pub async fn recover(&self) {
        let engine = self.clone();
        let loaded = crate::blocking(move || Ok(engine.load())).await.unwrap_or_default();
        let mut tasks = tokio::task::JoinSet::new();
        for container in loaded {
            let engine = self.clone();
            tasks.spawn(async move { engine.recover_one(&container).await });
        }
        let mut later = Vec::new();
        while let Some(outcome) = tasks.join_next().await {
            later.extend(outcome.ok().flatten());
        }
        let engine = self.clone();
        if let Err(error) = crate::blocking(move || engine.sweep()).await {
            tracing::warn!(%error, "leftovers of an earlier daemon could not be removed in full");
        }
        self.inner.recovered.send_replace(true);
        self.keep_ruleset();
        self.refill_later();
        for container in later {
            self.start_recovered(&container).await;
        }
        self.remove_build_steps().await;
    }

    /// Reads all records, and adopts writable layers whose record the database does not know.
    fn load(&self) -> Vec<Arc<Container>> {
        let mut records = match self.inner.records.load() {
            Ok(loaded) => {
                for damaged in loaded.damaged {
                    tracing::error!(container = %damaged.key, reason = %damaged.reason, "a container's record is damaged and was set aside");
                }
                loaded.records
            }
            Err(error) => {
                tracing::error!(%error, "the records of containers cannot be read");
                Vec::new()
            }
        };
        let known: BTreeSet<String> = records.iter().map(|record| record.id.clone()).collect();
        records.extend(self.adopted(&known));
        // Before anything can be started: what running containers hold is taken. One that has ended meanwhile
        // gives it back when its end is taken over.
        for record in records.iter().filter(|record| record.is_running()) {
            self.inner.network.adopt(&record.network.endpoints, &record.network.published);
            self.announce_names(record);
        }
        records.into_iter().map(|record| self.enlist(record)).collect()
    }

    /// Containers whose data is here and whose record is not: the database is new, or an old copy.
    fn adopted(&self, known: &BTreeSet<String>) -> Vec<ContainerRecord> {
        let writables = match self.inner.storage.all_writables() {
            Ok(writables) => writables,
            Err(error) => {
                tracing::error!(%error, "the layers of containers cannot be listed");
                return Vec::new();
            }
        };
        let mut adopted = Vec::new();
        let unknown = |id: &str| !known.contains(id) && !crate::builds::is_build_layer(id);
        for writable in writables.into_iter().filter(|it| unknown(&it.id)) {
            let parsed = writable.record.as_deref().map(serde_json::from_slice::<ContainerRecord>);
            match parsed {
                Some(Ok(mut record)) => {
                    record.state.status = Status::Exited;
                    if let Err(error) = self.save(&record, Durability::Full) {
                        tracing::error!(container = %record.id, %error, "an adopted container could not be recorded");
                    }
                    tracing::warn!(container = %record.id, name = %record.name, "adopted a container that the database did not know");
                    adopted.push(record);
                }
                _ => tracing::error!(
                    path = %writable.path.display(),
                    "a writable layer has no readable record; it is kept and belongs to no container"
                ),
            }
        }
        adopted
    }

    /// Puts a record into the registry, under another name when its own is taken (two halves of a rename).
    fn enlist(&self, mut record: ContainerRecord) -> Arc<Container> {
        if self.inner.registry.reserve_name(&record.name, &record.id).is_err() {
            let short: String = record.id.chars().take(12).collect();
            tracing::warn!(container = %record.id, name = %record.name, "its name is another container's now; it is called by its id");
            record.name = short;
            let _ = self.inner.registry.reserve_name(&record.name, &record.id);
        }
        let container = Container::new(record);
        self.inner.registry.insert(Arc::clone(&container));
        container
    }

    /// One container; gives it back when its restart policy wants it started.
    async fn recover_one(&self, container: &Arc<Container>) -> Option<Arc<Container>> {
        let record = container.record();
        let directory = self.inner.run_directory.join("c").join(&record.id);
        if let Some(found) = self.reconnect(container, &directory).await {
            return found;
        }
        match Supervisor::exit_record(&directory) {
            Ok(Some(exit)) if record.is_running() || record.state.started <= exit.at.0 => {
                let ending = Ending { code: exit.code, at: exit.at.0, oom_killed: exit.oom_killed };
                if record.is_running() || record.state.status == Status::Restarting {
                    self.settle_missed(container, ending).await
                } else {
                    self.wants_start(container, false)
                }
            }
            _ if record.is_running() => {
                // No shim and no word of it: the machine went down, or somebody killed the shim. Nobody would
                // ever hear of a program that still runs, so it is ended.
                if let Ok(cgroup) = self.cgroup(&record) {
                    let _ = crate::blocking(move || Ok(cgroup.kill_all()?)).await;
                }
                let ending = Ending { code: 255, at: crate::clock::now(), oom_killed: false };
                self.settle_missed(container, ending).await
            }
            Err(error) => {
                tracing::warn!(container = %record.id, %error, "how a container ended is not known");
                self.wants_start(container, false)
            }
            Ok(_) => self.wants_start(container, false),
        }
    }

    /// Connects to a shim that is alive. `None` when there is none.
    #[allow(clippy::option_option)]
    async fn reconnect(
        &self,
        container: &Arc<Container>,
        directory: &std::path::Path,
    ) -> Option<Option<Arc<Container>>> {
        let (supervisor, events) = match Supervisor::connect(directory).await {
            Ok(connected) => connected,
            Err(error) => {
                if error.kind() != Kind::NotFound {
                    tracing::warn!(container = %container.id, %error, "a supervisor does not answer");
                }
                return None;
            }
        };
        let status = supervisor.status().await.ok()?;
        let live = Arc::new(Live { supervisor, process: OnceLock::new(), ended: CancellationToken::new() });
        match (status.state, status.exit) {
            (State::Running, _) => {
                if let Err(error) = self.serve_names_again(container, &live.supervisor).await {
                    tracing::error!(container = %container.id, %error, "a container has no name server until its next start");
                }
                self.still_holds_volumes(&container.record());
                container.set_live(Some(Arc::clone(&live)));
                let record = container.change(|record| {
                    if record.state.status != Status::Paused {
                        record.state.status = Status::Running;
                    }
                    record.state.pid = status.pid.unsigned_abs();
                    if let Some(at) = status.started_at {
                        record.state.started = at.0;
                    }
                });
                container.announce_start();
                self.save_soon(&record);
                self.follow(container, events);
                if record.state.status == Status::Running {
                    self.thaw_left(container).await;
                }
                self.watch_health(container, &live);
                self.watch_readiness(container, &live);
                Some(None)
            }
            (_, Some(exit)) => {
                container.set_live(Some(live));
                let ending = Ending { code: exit.code, at: exit.at.0, oom_killed: exit.oom_killed };
                Some(self.settle_missed(container, ending).await)
            }
            _ => None,
        }
    }

    /// A daemon that was killed while it copied a volume or took a backup left its container standing still.
    async fn thaw_left(&self, container: &Arc<Container>) {
        if let Err(error) = self.thaw(container).await {
            tracing::warn!(container = %container.id, %error, "a container may stand still: docker unpause lets it go on");
        }
    }

    /// Takes over an end that happened while there was no daemon.
    async fn settle_missed(&self, container: &Arc<Container>, ending: Ending) -> Option<Arc<Container>> {
        self.ended(container, ending).await;
        self.wants_start(container, true)
    }

    /// Whether the restart policy wants a container started with the daemon: `always` in any case,
    /// `unless-stopped` unless a user stopped it. One that ended just now is restarted by its exit already.
    fn wants_start(&self, container: &Arc<Container>, just_ended: bool) -> Option<Arc<Container>> {
        let record = container.record();
        if record.spec.host.auto_remove && !record.is_running() && record.state.status != Status::Created {
            // Its removal was cut short.
            return Some(Arc::clone(container));
        }
        if just_ended || record.state.started == 0 || record.leased {
            return None;
        }
        let wanted = match record.spec.host.restart.kind {
            RestartKind::Always => true,
            RestartKind::UnlessStopped => !record.stopped_by_user,
            RestartKind::OnFailure => record.state.status == Status::Restarting,
            RestartKind::No => false,
        };
        wanted.then(|| Arc::clone(container))
    }

    /// Steps of builds that a killed daemon left are of no use to anybody.
    async fn remove_build_steps(&self) {
        for container in self.inner.registry.all() {
            if Engine::is_build_step(&container.record()) {
                let options = crate::containers::RemoveOptions { force: true, volumes: true, link: false };
                if let Err(error) = self.remove(&container.id, options).await {
                    tracing::warn!(container = %container.id, %error, "a step of an unfinished build stays");
                }
            }
        }
    }

    async fn start_recovered(&self, container: &Arc<Container>) {
        let _operation = container.operation.lock().await;
        let record = container.record();
        if record.spec.host.auto_remove {
            if let Err(error) = self.remove_locked(container, true).await
                && error.kind() != Kind::NotFound
            {
                tracing::error!(container = %record.id, %error, "a container with --rm could not be removed");
            }
            return;
        }
        if let Err(error) = self.start_locked(container, None).await
            && error.kind() != Kind::NotModified
        {
            tracing::error!(container = %record.id, %error, "a container could not be started with the daemon");
        }
    }

    /// Removes kernel objects and run directories of this instance that belong to nobody.
    fn sweep(&self) -> Result<()> {
        let running: BTreeSet<String> = self
            .inner
            .registry
            .all()
            .iter()
            .map(|container| container.record())
            .filter(|record| record.is_running())
            .map(|record| record.id.clone())
            .collect();
        self.sweep_volumes();
        self.sweep_builds();
        self.build_flush();
        self.inner.network.reconcile()?;
        let parent = self.inner.run_directory.join("c");
        for entry in std::fs::read_dir(&parent).into_iter().flatten().flatten() {
            if !running.contains(entry.file_name().to_string_lossy().as_ref()) {
                let _ = std::fs::remove_dir_all(entry.path());
            }
        }
        let cgroups = format!("sampan-{}", self.inner.instance);
        sampan_runtime::cgroup::remove_children_except(&cgroups, &|name| running.contains(name))?;
        Ok(())
    }
}
