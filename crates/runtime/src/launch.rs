//! Making a container's init, in two phases: park it in its namespaces, then launch a plan in it.

mod family;

pub(crate) use family::{Borrowed, user_namespace};

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use sampan_sys::namespace::Namespaces;
use sampan_sys::pidfd::Exit;
use sampan_sys::process::{Child, Forked};

use crate::cgroup::Cgroup;
use crate::error::{During, Error, Result};
use crate::hooks::{self, Stage};
use crate::init;
use crate::plan::{NamespaceKind, Plan, UserMappings};
use crate::wire::{self, FromInit, Launch, Prepared, ToInit};

/// A namespace that the init joins.
#[derive(Debug)]
pub struct JoinedNamespace {
    /// Its kind.
    pub kind: NamespaceKind,
    /// Its file.
    pub namespace: OwnedFd,
}

/// What an init is born into, before the plan is known.
#[derive(Debug, Default)]
pub struct ParkPlan<'a> {
    /// The namespaces that are made for it.
    pub create: Namespaces,
    /// The namespaces that it joins.
    pub join: Vec<JoinedNamespace>,
    /// The numbers in a new user namespace.
    pub user_mappings: Option<UserMappings>,
    /// Offsets of a new time namespace: (clock name, seconds, nanoseconds).
    pub time_offsets: Vec<(String, i64, u32)>,
    /// The cgroups that it lives in, made before.
    pub cgroup: Option<&'a Cgroup>,
}

impl<'a> ParkPlan<'a> {
    /// What this plan needs its init to be born into.
    ///
    /// # Errors
    /// A namespace file to join cannot be opened.
    pub fn for_plan(plan: &Plan, cgroup: Option<&'a Cgroup>) -> Result<Self> {
        let mut park = Self { cgroup, ..Self::default() };
        for namespace in &plan.namespaces {
            match &namespace.path {
                None => park.create |= namespace.kind.set(),
                Some(path) => {
                    let file = std::fs::File::open(path)
                        .during(|| format!("open the namespace {}", path.display()))?;
                    park.join.push(JoinedNamespace { kind: namespace.kind, namespace: file.into() });
                }
            }
        }
        park.user_mappings = plan.user_mappings.clone();
        park.time_offsets.clone_from(&plan.time_offsets);
        Ok(park)
    }
}

/// How long each step took.
type StepTimes = Vec<(&'static str, Duration)>;

/// An init that waits for its plan. It ends by itself when the launcher goes away.
#[derive(Debug)]
pub struct Parked {
    /// Its number in the launcher's pid namespace.
    pub pid: i32,
    /// Its descriptor.
    pub pidfd: OwnedFd,
    /// The socket to it.
    pub channel: OwnedFd,
    /// Whether it has a user namespace of its own: then mounts are prepared by the launcher.
    foreign_users: bool,
}

/// Makes an init in its namespaces and cgroups. It holds none of the caller's descriptors but the standard
/// three, and waits for a plan.
///
/// # Errors
/// The caller has more than one thread; a namespace cannot be made or joined; the cgroups cannot be entered.
pub fn park(plan: &ParkPlan<'_>) -> Result<Parked> {
    let (channel, inner) = sampan_sys::socket::pair().during(|| "make the channel to the init")?;
    match family::fork(plan)? {
        Forked::Child => init::run(inner, plan),
        Forked::Parent(child) => {
            drop(inner);
            settle(plan, child, channel)
        }
    }
}

/// What has to be done from outside: the cgroups and the user mappings.
fn settle(plan: &ParkPlan<'_>, child: Child, channel: OwnedFd) -> Result<Parked> {
    let foreign_users = plan.create.contains(Namespaces::USER)
        || plan.join.iter().any(|joined| joined.kind == NamespaceKind::User);
    let parked = Parked { pid: child.pid, pidfd: child.pidfd, channel, foreign_users };
    let outcome = (|| {
        if let Some(mappings) = &plan.user_mappings {
            family::write_mappings(parked.pid, mappings)?;
        }
        if let Some(cgroup) = plan.cgroup {
            cgroup.add_unborn(parked.pid)?;
        }
        wire::send(&parked.channel, &ToInit::Settle, &[])
    })();
    match outcome {
        Ok(()) => Ok(parked),
        Err(error) => {
            parked.discard();
            Err(error)
        }
    }
}

/// The descriptors that a container's program gets.
#[derive(Debug, Default)]
pub struct LaunchFiles<'a> {
    /// Standard input, output and error. With a terminal in the plan they are ignored; without either the
    /// launcher's own are used.
    pub stdio: Option<[BorrowedFd<'a>; 3]>,
    /// A network namespace to join now, for an init that was parked before its network was known.
    pub network: Option<BorrowedFd<'a>>,
    /// A listening unix stream socket: the init waits there for a connection that starts it, and not on its
    /// channel, so that the launcher may go away (the OCI `create` and `start`). See [`start_through`].
    pub barrier: Option<BorrowedFd<'a>>,
    /// Further descriptors; they become 3, 4, … in the program.
    pub extra: Vec<BorrowedFd<'a>>,
}

/// An init in which everything is prepared, waiting at the start barrier.
#[derive(Debug)]
pub struct Ready {
    /// Its number in the launcher's pid namespace.
    pub pid: i32,
    /// Its descriptor.
    pub pidfd: OwnedFd,
    /// The master of its terminal, when the plan asks for one.
    pub console: Option<OwnedFd>,
    /// How long each step of the preparation took, by its name.
    pub steps: Vec<(&'static str, Duration)>,
    channel: OwnedFd,
}

/// A process whose program runs.
#[derive(Debug)]
pub struct Started {
    /// Its number in the launcher's pid namespace.
    pub pid: i32,
    /// Its descriptor; the launcher is its parent and must reap it with `sampan_sys::pidfd::wait`.
    pub pidfd: OwnedFd,
    /// The master of its terminal, when the plan asks for one.
    pub console: Option<OwnedFd>,
}

impl Parked {
    /// Sends the plan and waits until everything is prepared for the program.
    ///
    /// # Errors
    /// What went wrong in which step ([`Error::Step`]); the init is gone and reaped then.
    pub fn launch(self, plan: &Plan, files: &LaunchFiles<'_>) -> Result<Ready> {
        match self.prepare(plan, files) {
            Ok((console, steps)) => {
                Ok(Ready { pid: self.pid, pidfd: self.pidfd, console, steps, channel: self.channel })
            }
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    /// Ends an init that is not needed, and reaps it.
    pub fn discard(self) {
        kill_and_reap(&self.pidfd);
    }

    fn prepare(&self, plan: &Plan, files: &LaunchFiles<'_>) -> Result<(Option<OwnedFd>, StepTimes)> {
        let prepared = init::prepare_outside(plan, self.foreign_users, self.pid)?;
        let mut descriptors: Vec<BorrowedFd<'_>> = Vec::new();
        let stdio = files.stdio.filter(|_| plan.process.terminal.is_none());
        descriptors.extend(stdio.iter().flatten());
        descriptors.extend(files.network);
        descriptors.extend(files.barrier);
        descriptors.extend(prepared.iter().map(|(_, fd)| fd.as_fd()));
        descriptors.extend(&files.extra);
        let launch = Launch {
            plan: plan.clone(),
            pid: self.pid,
            stdio: stdio.is_some(),
            network: files.network.is_some(),
            barrier: files.barrier.is_some(),
            prepared: prepared.iter().map(|(what, _)| *what).collect::<Vec<Prepared>>(),
            extra: files.extra.len(),
        };
        wire::send(&self.channel, &ToInit::Launch(Box::new(launch)), &descriptors)?;
        loop {
            match wire::receive(&self.channel)? {
                Some((FromInit::Hooks, _)) => {
                    hooks::run(&plan.hooks.prestart, Stage::CreateRuntime, &plan.hooks.state, self.pid)?;
                    hooks::run(
                        &plan.hooks.create_runtime,
                        Stage::CreateRuntime,
                        &plan.hooks.state,
                        self.pid,
                    )?;
                    wire::send(&self.channel, &ToInit::Continue, &[])?;
                }
                Some((FromInit::Listener, mut fds)) => {
                    if let (Some(listener), Some(seccomp)) = (fds.pop(), &plan.process.seccomp) {
                        hooks::hand_over_listener(seccomp, &listener, &plan.hooks.state, self.pid)?;
                    }
                }
                Some((FromInit::Ready(times), mut fds)) => {
                    let times = times.into_iter().map(|time| Duration::from_micros(u64::from(time)));
                    return Ok((fds.pop(), init::step_names().zip(times).collect()));
                }
                Some((FromInit::Failed(failure), _)) => return Err(Error::Step(failure)),
                None => return Err(ended_early(&self.pidfd)),
            }
        }
    }
}

impl Ready {
    /// Lets the init execute its program, and waits for the outcome of the execve.
    ///
    /// # Errors
    /// The program could not be executed; the init is gone and reaped then.
    pub fn start(self) -> Result<Started> {
        let outcome = wire::send(&self.channel, &ToInit::Start, &[]).and_then(|()| executed(&self.channel));
        if let Err(error) = outcome {
            kill_and_reap(&self.pidfd);
            return Err(error);
        }
        Ok(Started { pid: self.pid, pidfd: self.pidfd, console: self.console })
    }

    /// Ends an init that shall not start, and reaps it.
    pub fn discard(self) {
        kill_and_reap(&self.pidfd);
    }
}

/// Starts an init that waits at a barrier (see [`LaunchFiles::barrier`]) through a connection to its socket.
///
/// # Errors
/// The program could not be executed, or the init is gone.
pub fn start_through(connection: impl AsFd) -> Result<()> {
    wire::send(&connection, &ToInit::Start, &[])?;
    executed(connection)
}

/// The channel is closed by a successful execve, because it is close-on-exec; else a failure comes.
pub(crate) fn executed(channel: impl AsFd) -> Result<()> {
    match wire::receive(channel)? {
        None => Ok(()),
        Some((FromInit::Failed(failure), _)) => Err(Error::Step(failure)),
        Some((other, _)) => Err(Error::Protocol(format!("{other:?} instead of the program's start"))),
    }
}

pub(crate) fn kill_and_reap(pidfd: &OwnedFd) {
    // An init that has ended already is a zombie until it is reaped here; nothing else can fail.
    let _ = sampan_sys::pidfd::send_signal(pidfd, 9);
    let _ = sampan_sys::pidfd::wait(pidfd);
}

pub(crate) fn ended_early(pidfd: &OwnedFd) -> Error {
    let how = match sampan_sys::pidfd::try_wait(pidfd) {
        Ok(Some(Exit::Signal { number: 9, .. })) => {
            " (killed: the container's memory limit may be too low)".to_owned()
        }
        Ok(Some(exit)) => format!(" (exit status {})", exit.code()),
        _ => String::new(),
    };
    Error::State(format!("the container's init ended before its program could start{how}"))
}
