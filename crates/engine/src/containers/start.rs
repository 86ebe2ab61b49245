//! Starting a container: the hot path.
//!
//! Everything that blocks is done in one go on a blocking thread (network, name files, plan); then the shim
//! is told once, and its answer is the program's start.

use super::container::{Container, Live};
use super::exit::Ending;
use super::{ContainerRecord, Status};
use crate::Engine;
use crate::error::Error;
use crate::network::Connected;
use crate::oci::Surroundings;
use crate::spec::{IpcMode, NetworkMode, PidMode};
use crate::supervisor::{Events, LaunchDescriptors};
use sampan_error::{Context, Kind, Result};
use sampan_runtime::plan::Plan;
use sampan_shim::log::{LogDriver, LogOptions};
use sampan_shim::protocol::{Attach, Event, Launch, StdioOptions};
use sampan_state::Durability;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// A client that is attached before the first byte of output.
pub(crate) struct FirstClient {
    pub(crate) attach: Attach,
    pub(crate) socket: OwnedFd,
}

/// All that a launch needs, made on a blocking thread.
struct Prepared {
    plan: Plan,
    connected: Connected,
    directory: PathBuf,
}

impl Engine {
    /// Starts a container.
    ///
    /// # Errors
    /// No such container; `NotModified` when it runs; whatever the network or the runtime refuses.
    pub async fn start(&self, reference: &str) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let _operation = container.operation.lock().await;
        if container.record().leased {
            return Err(Error::Conflict(format!(
                "{0} may run at another place, and starts here by itself when it does not: `sampan job rm {0}.move` \
                 where it came from ends that",
                container.record().name
            ))
            .into());
        }
        self.start_locked(&container, None).await
    }

    /// The start itself; the caller holds the container's operation.
    pub(crate) async fn start_locked(
        &self,
        container: &Arc<Container>,
        client: Option<FirstClient>,
    ) -> Result<()> {
        let record = container.record();
        match record.state.status {
            Status::Running => return Err(Error::AlreadyRunning(record.id.clone()).into()),
            Status::Paused => return Err(Error::StartPaused.into()),
            Status::Removing | Status::Dead => return Err(Error::MarkedForRemoval.into()),
            Status::Created | Status::Exited | Status::Restarting => {}
        }
        if self.inner.registry.find(&record.id).is_err() {
            return Err(Error::NoSuchContainer(record.id.clone()).into());
        }
        let prepared = {
            let (engine, record) = (self.clone(), Arc::clone(&record));
            crate::blocking(move || engine.prepare(&record)).await
        };
        let launched = match prepared {
            Ok(prepared) => self.launch(container, &record, prepared, client).await,
            Err(error) => Err(error),
        };
        if let Err(error) = launched {
            self.start_failed(container, &error).await;
            return Err(error);
        }
        Ok(())
    }

    fn prepare(&self, record: &ContainerRecord) -> Result<Prepared> {
        let around = self.surroundings(record)?;
        self.volumes_present(record)?;
        self.hold_volumes(record)?;
        let mut connected = self.connect_network(record).inspect_err(|_| self.release_volumes(record))?;
        let rest = (|| {
            self.write_name_files(record, &connected)?;
            let directory = self.inner.run_directory.join("c").join(&record.id);
            make_directory(&directory)?;
            Ok((self.plan(record, &around)?, directory))
        })();
        match rest {
            Ok((plan, directory)) => Ok(Prepared { plan, connected, directory }),
            Err(error) => {
                self.release_network(&std::mem::take(&mut connected.hold));
                self.release_volumes(record);
                Err(error)
            }
        }
    }

    /// Processes of the containers whose namespaces are joined: they must run.
    fn surroundings(&self, record: &ContainerRecord) -> Result<Surroundings> {
        let pid_of = |name: &str, what: &str| -> Result<Option<u32>> {
            let other = self.container(name)?.record();
            if other.is_running() {
                return Ok(Some(other.state.pid));
            }
            Err(Error::Conflict(format!("cannot join {what} of a non running container: {}", other.id))
                .into())
        };
        let host = &record.spec.host;
        let mut around = Surroundings::default();
        if let NetworkMode::Container(name) = &host.network_mode {
            around.network_of = pid_of(name, "network namespace")?;
        }
        if let IpcMode::Container(name) = &host.ipc {
            around.ipc_of = pid_of(name, "IPC namespace")?;
            around.shm_of = around.ipc_of;
        }
        if let PidMode::Container(name) = &host.pid {
            around.pid_of = pid_of(name, "PID namespace")?;
        }
        Ok(around)
    }

    async fn launch(
        &self,
        container: &Arc<Container>,
        record: &Arc<ContainerRecord>,
        prepared: Prepared,
        client: Option<FirstClient>,
    ) -> Result<()> {
        let Prepared { plan, mut connected, directory } = prepared;
        let mut waiting = self.inner.waiting_clients.take(&record.id);
        waiting.splice(0..0, client);
        let (attach, clients) = waiting.into_iter().map(|client| (client.attach, client.socket)).unzip();
        let process = plan.process.clone();
        let served = self.serve_names(record, &mut connected);
        let mut descriptors = LaunchDescriptors {
            network_namespace: connected.namespace,
            reservations: connected.reservations,
            clients,
            ..Default::default()
        };
        let (mut relays, mut listeners) = crate::network::relays(connected.relays);
        relays.append(&mut connected.passes.0);
        listeners.append(&mut connected.passes.1);
        descriptors.relay_listeners = listeners;
        let launch = Launch {
            container: record.id.clone(),
            directory,
            plan,
            stdio: StdioOptions {
                tty: record.spec.process.tty,
                open_stdin: record.spec.process.open_stdin,
                stdin_once: record.spec.process.stdin_once,
            },
            log: log_options(record),
            attach,
            relays,
            hold: false,
        };
        let started = async {
            descriptors.name_sockets = served?;
            let (supervisor, events) = self.take_supervisor(record)?;
            let launched = supervisor.launch(&launch, descriptors).await?;
            Ok((supervisor, events, launched))
        }
        .await;
        let (supervisor, events, launched) = match started {
            Ok(started) => started,
            Err(error) => {
                self.inner.names.forget(&record.id);
                let (engine, hold, failed) = (self.clone(), connected.hold, Arc::clone(record));
                let _ = crate::blocking(move || {
                    engine.release_network(&hold);
                    engine.release_volumes(&failed);
                    let _ = engine.cgroup(&failed).and_then(|cgroup| Ok(cgroup.remove()?));
                    Ok(())
                })
                .await;
                self.clear_run_directory(&record.id).await;
                return Err(error);
            }
        };
        let live =
            Arc::new(Live { supervisor, process: OnceLock::from(process), ended: CancellationToken::new() });
        container.set_live(Some(Arc::clone(&live)));
        let record = container.change(|record| {
            record.endpoints = connected.endpoints;
            record.published = connected.ports;
            record.network = connected.hold;
            note_start(record, launched.pid.unsigned_abs());
        });
        container.announce_start();
        self.save_soon(&record);
        self.container_event(&record, "start", &[]);
        self.follow(container, events);
        self.watch_health(container, &live);
        self.watch_readiness(container, &live);
        Ok(())
    }

    /// Follows what a shim tells until the container's end.
    pub(crate) fn follow(&self, container: &Arc<Container>, mut events: Events) {
        let (engine, container) = (self.clone(), Arc::clone(container));
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                match event {
                    Event::Exited(ended) => {
                        let exit = ended.exit;
                        let ending = Ending { code: exit.code, at: exit.at.0, oom_killed: exit.oom_killed };
                        engine.ended(&container, ending).await;
                        return;
                    }
                    Event::ExecExited(ended) => engine.exec_ended(&container.record(), &ended.id, ended.code),
                    Event::AttachEnded(ended) => engine.attach_ended(&container.record(), &ended),
                    Event::Started(_) | Event::ExecStarted(_) | Event::OutOfMemory(_) => {}
                }
            }
            engine.supervisor_lost(&container).await;
        });
    }

    /// A shim is gone without a word: somebody killed it. Nobody holds the container's output any more, so
    /// what is left of it is ended too: an end with the code of a kill.
    async fn supervisor_lost(&self, container: &Arc<Container>) {
        let directory = self.inner.run_directory.join("c").join(&container.id);
        let ending = match crate::supervisor::Supervisor::exit_record(&directory) {
            Ok(Some(exit)) => Ending { code: exit.code, at: exit.at.0, oom_killed: exit.oom_killed },
            _ => {
                tracing::error!(container = %container.id, "the supervisor of a container was killed from outside");
                let record = container.record();
                if let Ok(cgroup) = self.cgroup(&record) {
                    let _ = crate::blocking(move || Ok(cgroup.kill_all()?)).await;
                }
                Ending { code: 137, at: crate::clock::now(), oom_killed: false }
            }
        };
        self.ended(container, ending).await;
    }

    /// Notes a failed start the way Docker does: 127 and 126 for the command, 128 for the rest.
    async fn start_failed(&self, container: &Arc<Container>, error: &sampan_error::Error) {
        if error.kind() == Kind::NotModified {
            return;
        }
        let code = match error.kind() {
            Kind::CommandNotFound => 127,
            Kind::CommandNotExecutable => 126,
            _ => 128,
        };
        let record = container.change(|record| {
            record.state.exit_code = code;
            record.state.error = error.to_string();
            if record.state.status == Status::Restarting {
                record.state.status = Status::Exited;
            }
        });
        self.save_soon(&record);
        if record.spec.host.auto_remove
            && let Err(error) = self.remove_locked(container, true).await
        {
            tracing::error!(container = %record.id, %error, "a container with --rm could not be removed");
        }
    }

    /// Saves a record on the way, without a flush and without keeping the caller.
    pub(crate) fn save_soon(&self, record: &Arc<ContainerRecord>) {
        if let Err(error) = self.save(record, Durability::Normal) {
            tracing::error!(container = %record.id, %error, "a container's state could not be recorded");
        }
    }

    /// Saves a record on a blocking thread.
    ///
    /// # Errors
    /// The database failed.
    pub(crate) async fn save_now(&self, record: &Arc<ContainerRecord>, durability: Durability) -> Result<()> {
        let (engine, record) = (self.clone(), Arc::clone(record));
        crate::blocking(move || engine.save(&record, durability)).await
    }
}

fn note_start(record: &mut ContainerRecord, pid: u32) {
    let state = &mut record.state;
    state.status = Status::Running;
    state.pid = pid;
    state.exit_code = 0;
    state.oom_killed = false;
    state.error.clear();
    state.started = crate::clock::now();
    state.health = crate::health::initial(record.resolved.healthcheck.as_ref());
    state.ready = record.resolved.labels.contains_key(crate::probe::READINESS).then_some(false);
    record.stopped_by_user = false;
    record.exec_ids.clear();
}

fn make_directory(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .context(format!("cannot make {}", path.display()))
}

/// How the shim keeps this container's output.
pub(crate) fn log_options(record: &ContainerRecord) -> LogOptions {
    let log = &record.spec.host.log;
    let option = |name: &str| log.options.get(name).map(String::as_str);
    let driver = match log.driver.as_str() {
        "none" => LogDriver::None,
        "local" => LogDriver::Local,
        _ => LogDriver::JsonFile,
    };
    // `local` is bounded unless somebody says otherwise: five files of 20 MB, as Docker has it.
    let (size, files) = if driver == LogDriver::Local { (20 << 20, 5) } else { (0, 1) };
    LogOptions {
        driver,
        path: record.log_path.clone(),
        max_size: option("max-size").and_then(crate::units::bytes).unwrap_or(size),
        max_files: option("max-file").and_then(|text| text.parse().ok()).unwrap_or(files),
        attributes: crate::logging::attributes(record),
    }
}
