//! Making the container: parking an init, launching a plan in it, letting it go.

use std::os::fd::{AsFd, OwnedFd};

use sampan_error::{Context, Error, Result};
use sampan_runtime::cgroup::Cgroup;
use sampan_runtime::plan::{Hooks, NamespaceKind, Plan};
use sampan_runtime::{LaunchFiles, ParkPlan, Parked, Ready};
use sampan_shim::log::LogWriter;
use sampan_shim::protocol::{self, Attach, Descriptors, Event, Launch, Launched, Park, Role, Started};
use sampan_shim::timestamp::Timestamp;
use sampan_sys::namespace::Namespaces;

use super::poll::{Token, Watched};
use super::session::{AtEnd, Session, Streams};
use super::{CONTAINER, Shim, watch_reading};

/// Where the container is in its life, with what belongs to it there.
pub(crate) enum Phase {
    /// Nothing is made yet.
    Fresh,
    /// An init waits for a plan.
    Parked { init: Parked, cgroup: Option<Cgroup> },
    /// Everything is prepared, the program waits for `Start`.
    Held { ready: Ready, running: Running },
    /// The program runs.
    Running(Running),
    /// It has ended, or could not start.
    Ended,
}

/// A container with an init.
pub(crate) struct Running {
    pub(crate) pid: i32,
    pub(crate) pidfd: Watched,
    pub(crate) id: String,
    pub(crate) namespaces: Namespaces,
    /// Whether the kernel ends all processes of the container with its init.
    pub(crate) own_pids: bool,
    pub(crate) cgroup: Option<Cgroup>,
    /// The hooks, when there are some that are still to run.
    pub(crate) hooks: Option<Hooks>,
}

impl Shim {
    /// Makes an init ahead of time.
    pub(crate) fn park(&mut self, park: &Park) -> Result<protocol::Parked> {
        if !matches!(self.phase, Phase::Fresh) {
            return Err(Error::conflict("this shim has an init already"));
        }
        let cgroup = park.cgroup.as_deref().map(Cgroup::create).transpose()?;
        let create = park.namespaces.iter().fold(Namespaces::NONE, |set, kind| set | kind.set());
        let plan = ParkPlan { create, cgroup: cgroup.as_ref(), ..ParkPlan::default() };
        let init = sampan_runtime::park(&plan).inspect_err(|_| remove(cgroup.as_ref()))?;
        let pid = init.pid;
        self.phase = Phase::Parked { init, cgroup };
        Ok(protocol::Parked { pid })
    }

    /// Ends an init that nobody needs.
    pub(crate) fn discard_parked(&mut self) {
        if let Phase::Parked { init, cgroup } = std::mem::replace(&mut self.phase, Phase::Fresh) {
            init.discard();
            remove(cgroup.as_ref());
        }
    }

    /// Prepares the container and, unless it is to be held, starts it.
    pub(crate) fn launch(&mut self, launch: Launch, descriptors: Descriptors) -> Result<Launched> {
        if !matches!(self.phase, Phase::Fresh | Phase::Parked { .. }) {
            return Err(Error::conflict("this shim has a container already"));
        }
        let hold = launch.hold;
        let result = self.prepare(launch, descriptors).and_then(|clients| {
            let launched = match hold {
                true => Launched { pid: self.pid(), started_at: None },
                false => self.start()?,
            };
            // Nothing was read from the program yet, so nothing is lost. Before the start has succeeded nothing
            // is written to a client: the daemon may still have to answer it with the failure.
            self.attach_first(clients)?;
            Ok(launched)
        });
        sampan_sys::heap::trim();
        result.inspect_err(|_| self.could_not_start())
    }

    fn attach_first(&mut self, clients: Vec<(Attach, OwnedFd)>) -> Result<()> {
        let Some(session) = self.sessions.first_mut() else { return Ok(()) };
        for (attach, client) in clients {
            session.attach(client, &attach, &mut self.events).context("cannot attach a client")?;
        }
        Ok(())
    }

    /// Everything up to the program's execution. Returns the clients that are to be attached.
    fn prepare(&mut self, launch: Launch, mut descriptors: Descriptors) -> Result<Vec<(Attach, OwnedFd)>> {
        let Launch { container, directory, plan, stdio, log, attach, relays, .. } = launch;
        self.container = container;
        let at_end = if stdio.stdin_once { AtEnd::CloseInput } else { AtEnd::EndAttach };
        let mut session = Session::new(CONTAINER, None, at_end, &self.poll);
        self.listen(&directory)
            .context(format_args!("cannot use {} for the container's shim", directory.display()))?;
        let _ = std::fs::remove_file(directory.join(protocol::EXIT_NAME));
        let log_path = log.path.clone();
        session.log = Some(
            LogWriter::open(log)
                .context(format_args!("cannot open the container's log {}", log_path.display()))?,
        );
        self.sessions = vec![session];
        let reservations = descriptors.take_all(Role::Reservation);
        self.relays.replace(&relays, reservations, descriptors.take_all(Role::RelayListener))?;
        self.name_sockets = descriptors.take_all(Role::NameSocket);
        let network = descriptors.take(Role::NetworkNamespace);
        let ends = if stdio.tty { Ends::default() } else { Ends::new(stdio.open_stdin)? };
        let (mut ready, running) = self.make_init(&plan, &ends, network)?;
        let streams = match ready.console.take() {
            Some(master) => Streams::Terminal(master),
            None => ends.into_near(),
        };
        self.phase = Phase::Held { ready, running };
        let session =
            self.sessions.first_mut().ok_or_else(|| Error::internal("the container has no session"))?;
        session.connect(streams).context("cannot take the container's standard streams")?;
        Ok(attach.into_iter().zip(descriptors.take_all(Role::Client)).collect())
    }

    /// Cgroups, namespaces, and the preparation inside.
    fn make_init(&mut self, plan: &Plan, ends: &Ends, network: Option<OwnedFd>) -> Result<(Ready, Running)> {
        let (parked, mut cgroup) = match std::mem::replace(&mut self.phase, Phase::Fresh) {
            Phase::Parked { init, cgroup } => (Some(init), cgroup),
            other => {
                self.phase = other;
                (None, None)
            }
        };
        let made = (|| {
            match &mut cgroup {
                Some(cgroup) => cgroup.rename(&plan.cgroup.path)?,
                None if plan.cgroup.path.is_empty() => {}
                None => cgroup = Some(Cgroup::create(&plan.cgroup.path)?),
            }
            if let Some(cgroup) = &cgroup {
                cgroup.apply(&plan.cgroup.limits)?;
            }
            let parked = match parked {
                Some(parked) => parked,
                None => park_for(plan, cgroup.as_ref(), network.is_some())?,
            };
            let files = LaunchFiles {
                stdio: ends.far(),
                network: network.as_ref().map(AsFd::as_fd),
                ..LaunchFiles::default()
            };
            Ok::<_, Error>(parked.launch(plan, &files)?)
        })();
        let ready = made.inspect_err(|_| remove(cgroup.as_ref()))?;
        let watched = ready.pidfd.try_clone().context("cannot watch the container's init")?;
        let with_hooks = !plan.hooks.poststart.is_empty() || !plan.hooks.poststop.is_empty();
        let running = Running {
            pid: ready.pid,
            pidfd: watch_reading(watched, &self.poll, Token::Process(CONTAINER)),
            id: plan.id.clone(),
            namespaces: plan.namespace_set(),
            own_pids: plan.has_new(NamespaceKind::Pid),
            cgroup,
            hooks: with_hooks.then(|| plan.hooks.clone()),
        };
        Ok((ready, running))
    }

    /// Lets a held program run.
    pub(crate) fn start(&mut self) -> Result<Launched> {
        let (ready, running) = match std::mem::replace(&mut self.phase, Phase::Ended) {
            Phase::Held { ready, running } => (ready, running),
            other => {
                self.phase = other;
                return Err(Error::conflict("no container waits to be started"));
            }
        };
        if let Err(error) = ready.start() {
            remove(running.cgroup.as_ref());
            self.could_not_start();
            return Err(error.into());
        }
        let (pid, at) = (running.pid, Timestamp::now());
        if let Some(hooks) = &running.hooks {
            use sampan_runtime::hooks::{Stage, run};
            // The program runs already: a hook that fails changes nothing any more (OCI runtime.md, step 10).
            let _ = run(&hooks.poststart, Stage::Poststart, &hooks.state, pid);
        }
        self.phase = Phase::Running(running);
        self.started_at = Some(at);
        self.events.push(Event::Started(Started { pid, at }));
        Ok(Launched { pid, started_at: Some(at) })
    }

    /// The launch has failed: this shim is of no more use.
    fn could_not_start(&mut self) {
        if let Phase::Held { ready, running } = std::mem::replace(&mut self.phase, Phase::Ended) {
            ready.discard();
            remove(running.cgroup.as_ref());
        }
        self.relays.clear();
        self.name_sockets.clear();
        self.listener = None;
        if let Some(session) = self.session(CONTAINER) {
            session.finish(&mut Vec::new());
        }
    }

    fn pid(&self) -> i32 {
        match &self.phase {
            Phase::Held { ready, .. } => ready.pid,
            Phase::Running(running) => running.pid,
            _ => 0,
        }
    }
}

/// Makes the init for a plan now.
fn park_for(plan: &Plan, cgroup: Option<&Cgroup>, network_given: bool) -> Result<Parked> {
    let mut park = ParkPlan::for_plan(plan, cgroup)?;
    if network_given {
        // The namespace comes by descriptor: a new one would be made only to be left.
        park.create = park.create.without(Namespaces::NETWORK);
    }
    Ok(sampan_runtime::park(&park)?)
}

fn remove(cgroup: Option<&Cgroup>) {
    if let Some(cgroup) = cgroup {
        // What cannot be removed now is found by the daemon's reconciliation.
        let _ = cgroup.remove();
    }
}

/// Both ends of the standard streams.
#[derive(Debug)]
pub(crate) struct Ends {
    near: Streams,
    far: Option<[OwnedFd; 3]>,
}

impl Default for Ends {
    fn default() -> Self {
        Self { near: Streams::Pipes { input: None, output: None, error: None }, far: None }
    }
}

impl Ends {
    /// Pipes for the outputs, and one or /dev/null for the input.
    pub(crate) fn new(input: bool) -> Result<Self> {
        Self::with([input, true, true])
    }

    /// Pipes for those streams that are wanted, /dev/null for the others.
    pub(crate) fn with(wanted: [bool; 3]) -> Result<Self> {
        let null = || sampan_sys::descriptor::null().context("cannot open /dev/null");
        let pipe = |wanted: bool| -> Result<(Option<OwnedFd>, Option<OwnedFd>)> {
            if !wanted {
                return Ok((None, None));
            }
            let flags = rustix::pipe::PipeFlags::CLOEXEC;
            let (reader, writer) =
                rustix::pipe::pipe_with(flags).map_err(std::io::Error::from).context("cannot make a pipe")?;
            Ok((Some(reader), Some(writer)))
        };
        let or_null = |fd: Option<OwnedFd>| fd.map_or_else(null, Ok);
        let (input_far, input) = pipe(wanted[0])?;
        let (output, output_far) = pipe(wanted[1])?;
        let (error, error_far) = pipe(wanted[2])?;
        Ok(Self {
            near: Streams::Pipes { input, output, error },
            far: Some([or_null(input_far)?, or_null(output_far)?, or_null(error_far)?]),
        })
    }

    pub(crate) fn far(&self) -> Option<[std::os::fd::BorrowedFd<'_>; 3]> {
        self.far.as_ref().map(|far| [far[0].as_fd(), far[1].as_fd(), far[2].as_fd()])
    }

    pub(crate) fn into_near(self) -> Streams {
        self.near
    }
}
