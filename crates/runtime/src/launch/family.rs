//! The fork that makes an init, with the namespaces that only a parent can give to its child.

use std::os::fd::{AsFd, OwnedFd};

use sampan_sys::namespace::{self, Namespaces};
use sampan_sys::process::Forked;

use super::ParkPlan;
use crate::error::{During, Error, Result};
use crate::plan::{IdMapping, NamespaceKind, UserMappings};

/// Forks the init of `plan` into its new namespaces.
///
/// A pid or time namespace that is joined takes effect for children only, so this process joins it for a
/// moment. The same is done with every joined namespace when the child gets a user namespace of its own,
/// because from there it could not join one of the host's.
pub(super) fn fork(plan: &ParkPlan<'_>) -> Result<Forked> {
    let directory = plan.cgroup.map(|cgroup| cgroup.birth_directory()).transpose()?.flatten();
    let mut borrowed = Borrowed::default();
    let own_users = plan.create.contains(Namespaces::USER);
    for joined in &plan.join {
        let through_parent = match joined.kind {
            NamespaceKind::Pid | NamespaceKind::Time => true,
            NamespaceKind::User | NamespaceKind::Mount => false,
            _ => own_users,
        };
        if through_parent {
            borrowed.join(joined.kind, joined.namespace.as_fd())?;
        }
    }
    if plan.create.contains(Namespaces::TIME) {
        borrowed.new_time(&plan.time_offsets)?;
    }
    // The cgroup namespace shows the cgroup at the time it is made: the child makes it once it is there.
    let flags = plan.create.without(Namespaces::CGROUP | Namespaces::TIME);
    let forked = sampan_sys::process::fork(flags, directory.as_ref().map(AsFd::as_fd))
        .during(|| format!("make a process in new namespaces ({:#x})", flags.bits()))?;
    match forked {
        Forked::Child => {
            // The namespaces are wanted here; only the way back is not.
            std::mem::forget(borrowed);
            Ok(Forked::Child)
        }
        Forked::Parent(child) => {
            borrowed.give_back()?;
            Ok(Forked::Parent(child))
        }
    }
}

/// Namespaces that this process has joined for a moment, with its own to return to.
#[derive(Default)]
pub(crate) struct Borrowed {
    own: Vec<(NamespaceKind, OwnedFd)>,
}

impl Borrowed {
    fn remember(&mut self, kind: NamespaceKind) -> Result<()> {
        let name = match kind {
            NamespaceKind::Uts => "uts",
            NamespaceKind::Ipc => "ipc",
            NamespaceKind::Network => "net",
            NamespaceKind::Cgroup => "cgroup",
            NamespaceKind::Time => "time",
            // Only children are affected, so the way back is to this process's own.
            NamespaceKind::Pid => "pid",
            NamespaceKind::Mount | NamespaceKind::User => {
                return Err(Error::Unsupported("this namespace cannot be joined for a child".into()));
            }
        };
        let path = format!("/proc/self/ns/{name}");
        let own = std::fs::File::open(&path).during(|| format!("open {path}"))?;
        self.own.push((kind, own.into()));
        Ok(())
    }

    /// Joins a namespace until [`Borrowed::give_back`].
    pub(crate) fn join(&mut self, kind: NamespaceKind, target: std::os::fd::BorrowedFd<'_>) -> Result<()> {
        self.remember(kind)?;
        namespace::join(target, kind.set()).during(|| format!("join the {kind:?} namespace"))
    }

    /// Joins the pid namespace of a process, for children, until [`Borrowed::give_back`].
    pub(crate) fn join_pid_of(
        &mut self,
        pidfd: std::os::fd::BorrowedFd<'_>,
        kinds: Namespaces,
    ) -> Result<()> {
        for kind in [NamespaceKind::Pid, NamespaceKind::Time] {
            if kinds.contains(kind.set()) {
                self.remember(kind)?;
            }
        }
        namespace::join_process(pidfd, kinds).during(|| "join the container's pid namespace")
    }

    fn new_time(&mut self, offsets: &[(String, i64, u32)]) -> Result<()> {
        self.remember(NamespaceKind::Time)?;
        namespace::unshare(Namespaces::TIME).during(|| "make a time namespace")?;
        for (clock, seconds, nanoseconds) in offsets {
            std::fs::write("/proc/self/timens_offsets", format!("{clock} {seconds} {nanoseconds}\n"))
                .during(|| format!("set the offset of the clock {clock}"))?;
        }
        Ok(())
    }

    /// Returns to the process's own namespaces.
    pub(crate) fn give_back(mut self) -> Result<()> {
        self.restore()
    }

    fn restore(&mut self) -> Result<()> {
        for (kind, own) in std::mem::take(&mut self.own) {
            namespace::join(own.as_fd(), kind.set())
                .during(|| format!("return to the launcher's own {kind:?} namespace"))?;
        }
        Ok(())
    }
}

impl Drop for Borrowed {
    fn drop(&mut self) {
        // An error before the fork: the error that is on its way is the one to report.
        let _ = self.restore();
    }
}

/// Writes /proc/PID/uid_map and gid_map of a process in a new user namespace.
pub(crate) fn write_mappings(pid: i32, mappings: &UserMappings) -> Result<()> {
    let text = |ranges: &[IdMapping]| {
        ranges.iter().fold(String::new(), |text, range| {
            format!("{text}{} {} {}\n", range.inside, range.outside, range.size)
        })
    };
    for (file, ranges) in [("uid_map", &mappings.users), ("gid_map", &mappings.groups)] {
        std::fs::write(format!("/proc/{pid}/{file}"), text(ranges))
            .during(|| format!("map the users of the container ({file})"))?;
    }
    Ok(())
}

/// A user namespace with these mappings that no process lives in, as a descriptor.
pub(crate) fn user_namespace(mappings: &UserMappings) -> Result<std::fs::File> {
    let what = || "make a user namespace for a mount";
    match sampan_sys::process::fork(Namespaces::USER, None).during(what)? {
        // The child only has to be there while its namespace is opened; it is killed below.
        Forked::Child => loop {
            std::thread::park();
        },
        Forked::Parent(child) => {
            let outcome = write_mappings(child.pid, mappings)
                .and_then(|()| std::fs::File::open(format!("/proc/{}/ns/user", child.pid)).during(what));
            super::kill_and_reap(&child.pidfd);
            outcome
        }
    }
}
