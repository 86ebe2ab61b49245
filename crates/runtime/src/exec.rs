//! Adding a process to a running container.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use sampan_sys::namespace::Namespaces;
use sampan_sys::process::Forked;

use crate::cgroup::Cgroup;
use crate::error::{During, Error, Result};
use crate::init;
use crate::launch::{Started, ended_early, executed, kill_and_reap};
use crate::plan::Process;
use crate::wire::{self, FromInit, ToInit};

/// A running container, as its supervisor knows it.
#[derive(Debug, Clone, Copy)]
pub struct ContainerHandle<'a> {
    /// The container's id; names the keyring.
    pub id: &'a str,
    /// The descriptor of its init.
    pub init: BorrowedFd<'a>,
    /// The namespaces in which it differs from the caller: [`crate::Plan::namespace_set`].
    pub namespaces: Namespaces,
    /// Its cgroups.
    pub cgroup: Option<&'a Cgroup>,
}

/// What is executed, and the descriptors it gets.
#[derive(Debug)]
pub struct ExecPlan<'a> {
    /// The process.
    pub process: &'a Process,
    /// Standard input, output and error; ignored with a terminal. Without either the caller's own are used.
    pub stdio: Option<[BorrowedFd<'a>; 3]>,
    /// Further descriptors; they become 3, 4, … in the program.
    pub extra: Vec<BorrowedFd<'a>>,
}

/// Runs a process inside a container. It is a child of the caller, which must reap it.
///
/// # Errors
/// As for launching: [`Error::Step`] with the same sentences; the process is gone and reaped then.
pub fn exec_in(container: ContainerHandle<'_>, plan: &ExecPlan<'_>) -> Result<Started> {
    let (channel, inner) = sampan_sys::socket::pair().during(|| "make the channel to the process")?;
    let child = match fork_inside(container)? {
        Forked::Child => init::run_exec(inner, container, plan),
        Forked::Parent(child) => child,
    };
    drop(inner);
    match supervise(container, plan, &child, &channel) {
        Ok(console) => Ok(Started { pid: child.pid, pidfd: child.pidfd, console }),
        Err(error) => {
            kill_and_reap(&child.pidfd);
            Err(error)
        }
    }
}

/// Forks a child that is in the container's pid namespace, and on cgroup v2 in its cgroup, from birth.
fn fork_inside(container: ContainerHandle<'_>) -> Result<Forked> {
    let directory = container.cgroup.map(Cgroup::birth_directory).transpose()?.flatten();
    let mut borrowed = crate::launch::Borrowed::default();
    let children = [Namespaces::PID, Namespaces::TIME]
        .into_iter()
        .filter(|kind| container.namespaces.contains(*kind))
        .fold(Namespaces::NONE, |set, kind| set | kind);
    if !children.is_empty() {
        borrowed.join_pid_of(container.init, children)?;
    }
    let forked = sampan_sys::process::fork(Namespaces::NONE, directory.as_ref().map(AsFd::as_fd))
        .during(|| "make a process in the container")?;
    match forked {
        Forked::Child => std::mem::forget(borrowed),
        Forked::Parent(_) => borrowed.give_back()?,
    }
    Ok(forked)
}

fn supervise(
    container: ContainerHandle<'_>,
    plan: &ExecPlan<'_>,
    child: &sampan_sys::process::Child,
    channel: &OwnedFd,
) -> Result<Option<OwnedFd>> {
    if let Some(cgroup) = container.cgroup {
        cgroup.add_unborn(child.pid)?;
    }
    wire::send(channel, &ToInit::Settle, &[])?;
    let console;
    loop {
        match wire::receive(channel)? {
            Some((FromInit::Listener, mut fds)) => {
                if let (Some(listener), Some(seccomp)) = (fds.pop(), &plan.process.seccomp) {
                    let state = crate::plan::HookState { id: container.id.into(), ..Default::default() };
                    crate::hooks::hand_over_listener(seccomp, &listener, &state, child.pid)?;
                }
            }
            Some((FromInit::Ready(_), mut fds)) => {
                console = fds.pop();
                break;
            }
            Some((FromInit::Failed(failure), _)) => return Err(Error::Step(failure)),
            Some((other, _)) => return Err(Error::Protocol(format!("{other:?} from an added process"))),
            None => return Err(ended_early(&child.pidfd)),
        }
    }
    executed(channel)?;
    Ok(console)
}
