//! The container's init: the named steps between the fork and the program.

mod cgroup_mount;
mod command;
mod console;
mod credentials;
mod destination;
mod detached;
mod devices;
mod identity;
mod mounts;
mod outside;
mod paths;
mod process;
mod rootfs;
mod system;

use std::os::fd::{AsFd, OwnedFd};

use sampan_sys::namespace::{self, Namespaces};

use crate::error::{During, Error, Failure, Result};
use crate::exec::{ContainerHandle, ExecPlan};
use crate::hooks::{self, Stage};
use crate::launch::ParkPlan;
use crate::plan::{NamespaceKind, Plan, Process};
use crate::wire::{self, FromInit, Launch, Prepared, ToInit};

pub(crate) use outside::prepare as prepare_outside;
use process::ProcessContext;

/// What the steps of a container's init work on.
pub(crate) struct InitContext {
    pub(crate) plan: Plan,
    /// This process's number on the host.
    pub(crate) pid: i32,
    /// The root mount, not yet `/`.
    pub(crate) root: Option<OwnedFd>,
    /// Mounts prepared on the host.
    pub(crate) prepared: Vec<(Prepared, OwnedFd)>,
    /// A network namespace to join.
    pub(crate) network: Option<OwnedFd>,
    /// What concerns the program.
    pub(crate) process: ProcessContext,
}

/// A named step.
type Step<T> = (&'static str, fn(&mut T) -> Result<()>);

/// From the bare namespaces to the container's own world.
const STEPS: &[Step<InitContext>] = &[
    ("network namespace", join_network),
    ("propagation", rootfs::set_propagation),
    ("root", rootfs::mount),
    ("mounts", mounts::mount_all),
    ("devices", devices::make_all),
    ("working directory", rootfs::make_working_directory),
    ("console", console::open),
    ("hooks", run_hooks),
    ("pivot", rootfs::pivot),
    ("host name", system::set_names),
    ("sysctl", system::set_parameters),
    ("read-only paths", paths::protect),
    ("masked paths", paths::mask),
    ("personality", system::set_personality),
];

/// What the process of the container does once its world is there; an added process starts here.
const PROCESS_STEPS: &[Step<ProcessContext>] = &[
    ("keyring", process::join_keyring),
    ("terminal", console::attach),
    ("security label", process::set_label),
    ("oom score", process::set_oom_score),
    ("scheduling", process::set_scheduling),
    ("rlimits", process::set_limits),
    ("user", credentials::find_user),
    ("stdio owner", credentials::give_stdio),
    ("working directory", command::enter_directory_as_root),
    ("bounding set", credentials::limit_bounding),
    ("seccomp", process::install_filter_early),
    ("credentials", credentials::become_user),
    ("no new privileges", process::forbid_new_privileges),
    ("working directory", command::enter_directory),
    (crate::error::command::STEP, command::find),
    ("descriptors", process::arrange_descriptors),
];

/// The names of a container's steps, in order.
pub(crate) fn step_names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|(name, _)| *name).chain(PROCESS_STEPS.iter().map(|(name, _)| *name))
}

/// Takes the steps in turn; what comes back is how many microseconds each took.
fn carry_out<T>(steps: &[Step<T>], context: &mut T) -> Result<Vec<u32>, Failure> {
    let mut times = Vec::with_capacity(steps.len());
    for (name, step) in steps {
        let start = std::time::Instant::now();
        step(context).map_err(|error| error.into_failure(name))?;
        times.push(u32::try_from(start.elapsed().as_micros()).unwrap_or(u32::MAX));
    }
    Ok(times)
}

/// The child's side of [`crate::launch::park`].
pub(crate) fn run(channel: OwnedFd, plan: &ParkPlan<'_>) -> ! {
    let outcome = guarded(|| park_and_prepare(&channel, plan));
    match outcome {
        Ok(Some(context)) => finish(channel, context),
        // The launcher is gone, or does not need this init.
        Ok(None) => sampan_sys::process::exit_now(0),
        Err(failure) => fail(&channel, failure),
    }
}

/// A panic must not unwind into the launcher's frames, which this process has copies of.
fn guarded<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(body)).unwrap_or_else(|_| {
        Err(Failure::new("init", sampan_error::Kind::Internal, "the container's init has a defect (panic)"))
    })
}

fn fail(channel: &OwnedFd, failure: Failure) -> ! {
    // When the launcher is gone, nobody is left to tell.
    let _ = wire::send(channel, &FromInit::Failed(failure), &[]);
    sampan_sys::process::exit_now(1)
}

/// Everything up to the start barrier; `None` when the channel closed before a plan came.
fn park_and_prepare(channel: &OwnedFd, park: &ParkPlan<'_>) -> Result<Option<InitContext>, Failure> {
    let early = |error: Error| error.into_failure("namespaces");
    sampan_sys::descriptor::close_all_but(3, &kept(channel, park))
        .during(|| "close the launcher's descriptors")
        .map_err(early)?;
    let Some((ToInit::Settle, _)) = wire::receive(channel).map_err(early)? else { return Ok(None) };
    enter_namespaces(park).map_err(early)?;
    let Some((message, descriptors)) = wire::receive(channel).map_err(early)? else { return Ok(None) };
    let ToInit::Launch(launch) = message else {
        return Err(early(Error::Protocol("something else than a plan".into())));
    };
    let mut context = unpack(channel, *launch, descriptors).map_err(early)?;
    let mut times = carry_out(STEPS, &mut context)?;
    times.extend(carry_out(PROCESS_STEPS, &mut context.process)?);
    context.process.times = times;
    Ok(Some(context))
}

fn kept<'a>(channel: &'a OwnedFd, park: &'a ParkPlan<'_>) -> Vec<std::os::fd::BorrowedFd<'a>> {
    let mut kept = vec![channel.as_fd()];
    kept.extend(park.join.iter().map(|joined| joined.namespace.as_fd()));
    kept
}

/// Joins what is joined from inside, then takes on root of a new user namespace, then makes the namespace that
/// could not be made by the fork.
fn enter_namespaces(park: &ParkPlan<'_>) -> Result<()> {
    let own_users = park.create.contains(Namespaces::USER);
    let inside = |kind: NamespaceKind| match kind {
        NamespaceKind::Pid | NamespaceKind::Time | NamespaceKind::User => false,
        NamespaceKind::Mount => true,
        _ => !own_users,
    };
    for joined in park.join.iter().filter(|joined| inside(joined.kind)) {
        namespace::join(joined.namespace.as_fd(), joined.kind.set())
            .during(|| format!("join the {:?} namespace", joined.kind))?;
    }
    for joined in park.join.iter().filter(|joined| joined.kind == NamespaceKind::User) {
        namespace::join(joined.namespace.as_fd(), Namespaces::USER).during(|| "join the user namespace")?;
    }
    if own_users || park.join.iter().any(|joined| joined.kind == NamespaceKind::User) {
        sampan_sys::credentials::set_group(0).during(|| "become root of the user namespace")?;
        sampan_sys::credentials::set_user(0).during(|| "become root of the user namespace")?;
        // Groups of the launcher have no meaning here; without a mapping of groups they cannot be dropped.
        let _ = sampan_sys::credentials::set_groups(&[]);
    }
    if park.create.contains(Namespaces::CGROUP) {
        namespace::unshare(Namespaces::CGROUP).during(|| "make a cgroup namespace")?;
    }
    Ok(())
}

fn unpack(channel: &OwnedFd, launch: Launch, descriptors: Vec<OwnedFd>) -> Result<InitContext> {
    let mut descriptors = descriptors.into_iter();
    let mut next = || descriptors.next().ok_or_else(|| Error::Protocol("too few descriptors".into()));
    let stdio = if launch.stdio { Some([next()?, next()?, next()?]) } else { None };
    let network = if launch.network { Some(next()?) } else { None };
    let barrier = if launch.barrier { Some(next()?) } else { None };
    let mut prepared = Vec::with_capacity(launch.prepared.len());
    for what in launch.prepared {
        prepared.push((what, next()?));
    }
    let extra = (0..launch.extra).map(|_| next()).collect::<Result<Vec<_>>>()?;
    let mut plan = launch.plan;
    let process = std::mem::take(&mut plan.process);
    let process = ProcessContext::new(channel, &plan.id, process, stdio, barrier, extra)?;
    Ok(InitContext { plan, pid: launch.pid, root: None, prepared, network, process })
}

fn join_network(context: &mut InitContext) -> Result<()> {
    match context.network.take() {
        None => Ok(()),
        Some(network) => namespace::join(network.as_fd(), Namespaces::NETWORK)
            .during(|| "join the container's network namespace"),
    }
}

/// Hooks of the creation: on the host by the launcher, then in these namespaces by this process.
fn run_hooks(context: &mut InitContext) -> Result<()> {
    let hooks = &context.plan.hooks;
    if !hooks.prestart.is_empty() || !hooks.create_runtime.is_empty() {
        let channel = &context.process.channel;
        wire::send(channel, &FromInit::Hooks, &[])?;
        match wire::receive(channel)? {
            Some((ToInit::Continue, _)) => {}
            _ => return Err(Error::Protocol("the launcher went away during its hooks".into())),
        }
    }
    hooks::run(&hooks.create_container, Stage::CreateContainer, &hooks.state, context.pid)
}

/// Reports that all is prepared, waits for the start, and executes the program.
fn finish(channel: OwnedFd, mut context: InitContext) -> ! {
    let outcome = guarded(|| {
        let failed = |error: Error| error.into_failure("start");
        let master = context.process.master.take();
        let master: Vec<_> = master.iter().map(AsFd::as_fd).collect();
        let times = std::mem::take(&mut context.process.times);
        wire::send(&channel, &FromInit::Ready(times), &master).map_err(failed)?;
        await_start(&channel, &mut context.process).map_err(failed)
    });
    match outcome {
        Ok(Some(answer)) => {
            drop(channel);
            let hooks = &context.plan.hooks;
            let ran = hooks::run(&hooks.start_container, Stage::StartContainer, &hooks.state, context.pid);
            let failure = match ran {
                Ok(()) => execute(&mut context.process),
                Err(error) => error.into_failure("hooks"),
            };
            fail(&answer, failure)
        }
        Ok(None) => sampan_sys::process::exit_now(0),
        Err(failure) => fail(&channel, failure),
    }
}

/// Waits at the barrier. What comes back is the socket that hears of a failure, closed by a successful execve.
fn await_start(channel: &OwnedFd, context: &mut ProcessContext) -> Result<Option<OwnedFd>> {
    let answer = match context.barrier.take() {
        None => channel.try_clone().during(|| "copy the channel")?,
        Some(barrier) => {
            use rustix::net::{SocketFlags, accept_with};
            rustix::io::retry_on_intr(|| accept_with(&barrier, SocketFlags::CLOEXEC))
                .during(|| "wait for the start")?
        }
    };
    match wire::receive(&answer)? {
        Some((ToInit::Start, _)) => Ok(Some(answer)),
        _ => Ok(None),
    }
}

fn execute(context: &mut ProcessContext) -> Failure {
    if let Err(error) = process::install_filter_late(context) {
        return error.into_failure("seccomp");
    }
    command::execute(context).into_failure(crate::error::command::STEP)
}

/// The child's side of [`crate::exec::exec_in`].
pub(crate) fn run_exec(channel: OwnedFd, container: ContainerHandle<'_>, plan: &ExecPlan<'_>) -> ! {
    let outcome = guarded(|| prepare_exec(&channel, container, plan));
    match outcome {
        Ok(Some(mut context)) => {
            let master = context.master.take();
            let master: Vec<_> = master.iter().map(AsFd::as_fd).collect();
            let times = std::mem::take(&mut context.times);
            if wire::send(&channel, &FromInit::Ready(times), &master).is_err() {
                sampan_sys::process::exit_now(1);
            }
            let failure = execute(&mut context);
            fail(&channel, failure)
        }
        Ok(None) => sampan_sys::process::exit_now(0),
        Err(failure) => fail(&channel, failure),
    }
}

fn prepare_exec(
    channel: &OwnedFd,
    container: ContainerHandle<'_>,
    plan: &ExecPlan<'_>,
) -> Result<Option<ProcessContext>, Failure> {
    let early = |error: Error| error.into_failure("namespaces");
    // The container sees this process from its birth on. It must find nothing of the launcher's in it.
    let mut kept = vec![channel.as_fd(), container.init];
    kept.extend(plan.stdio.iter().flatten().chain(&plan.extra));
    sampan_sys::descriptor::close_all_but(3, &kept)
        .during(|| "close the launcher's descriptors")
        .map_err(early)?;
    let Some((ToInit::Settle, _)) = wire::receive(channel).map_err(early)? else { return Ok(None) };
    let mut context = exec_context(channel, container, plan).map_err(early)?;
    if context.process.terminal.is_some() {
        console::open_inside(&mut context).map_err(|error| error.into_failure("console"))?;
    }
    context.times = carry_out(PROCESS_STEPS, &mut context)?;
    Ok(Some(context))
}

fn exec_context(
    channel: &OwnedFd,
    container: ContainerHandle<'_>,
    plan: &ExecPlan<'_>,
) -> Result<ProcessContext> {
    let copy = |fd: std::os::fd::BorrowedFd<'_>| {
        fd.try_clone_to_owned().during(|| "copy the descriptors of the process")
    };
    let stdio = match plan.stdio.filter(|_| plan.process.terminal.is_none()) {
        Some([input, output, error]) => Some([copy(input)?, copy(output)?, copy(error)?]),
        None => None,
    };
    let extra = plan.extra.iter().map(|fd| copy(*fd)).collect::<Result<Vec<_>>>()?;
    // Opened before the container's namespaces are joined: this is the host's own procfs.
    let process: Process = plan.process.clone();
    let context = ProcessContext::new(channel, container.id, process, stdio, None, extra)?;
    let joined = container.namespaces.without(Namespaces::PID | Namespaces::TIME);
    if !joined.is_empty() {
        namespace::join_process(container.init, joined).during(|| "join the container's namespaces")?;
    }
    if container.namespaces.contains(Namespaces::USER) {
        sampan_sys::credentials::set_group(0).during(|| "become root of the user namespace")?;
        sampan_sys::credentials::set_user(0).during(|| "become root of the user namespace")?;
    }
    Ok(context)
}
