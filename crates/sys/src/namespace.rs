//! Namespaces: sets of them, leaving them, joining those of another process.

use std::io;
use std::ops::{BitOr, BitOrAssign};
use std::os::fd::BorrowedFd;

use rustix::thread::{LinkNameSpaceType, ThreadNameSpaceType, UnshareFlags};

/// A set of namespace kinds, in the bits of clone(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Namespaces(u32);

impl Namespaces {
    /// The empty set.
    pub const NONE: Self = Self(0);
    /// Mounts.
    pub const MOUNT: Self = Self(libc::CLONE_NEWNS as u32);
    /// Host and domain name.
    pub const UTS: Self = Self(libc::CLONE_NEWUTS as u32);
    /// System V IPC and POSIX message queues.
    pub const IPC: Self = Self(libc::CLONE_NEWIPC as u32);
    /// Process numbers.
    pub const PID: Self = Self(libc::CLONE_NEWPID as u32);
    /// Network devices, addresses, routes, ports.
    pub const NETWORK: Self = Self(libc::CLONE_NEWNET as u32);
    /// Users, groups and capabilities.
    pub const USER: Self = Self(libc::CLONE_NEWUSER as u32);
    /// The view of the cgroup tree.
    pub const CGROUP: Self = Self(libc::CLONE_NEWCGROUP as u32);
    /// Offsets of the monotonic and boot-time clocks; only children get into a new one.
    pub const TIME: Self = Self(0x80);

    /// All kinds together.
    pub const ALL: Self = Self(
        Self::MOUNT.0
            | Self::UTS.0
            | Self::IPC.0
            | Self::PID.0
            | Self::NETWORK.0
            | Self::USER.0
            | Self::CGROUP.0
            | Self::TIME.0,
    );

    /// The set with these bits; those that mean no namespace are left out.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The bits as clone(2) takes them.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of `other` are in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// This set without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl BitOr for Namespaces {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Namespaces {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Leaves the current `namespaces` for new ones (unshare(2)).
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN, `ENOSPC` at the host's limit of namespaces.
pub fn unshare(namespaces: Namespaces) -> io::Result<()> {
    let flags = UnshareFlags::from_bits_retain(namespaces.0);
    // SAFETY: a `Namespaces` holds namespace bits only, never CLONE_FILES, which is what makes it unsafe.
    Ok(unsafe { rustix::thread::unshare_unsafe(flags) }?)
}

/// Joins those of the process behind `pidfd` (setns(2) with a pidfd, Linux 5.8). A pid namespace takes
/// effect for children only.
///
/// # Errors
/// `EPERM`; `ESRCH` when that process has ended; `EINVAL` for a user namespace one is in already.
pub fn join_process(pidfd: BorrowedFd<'_>, namespaces: Namespaces) -> io::Result<()> {
    Ok(rustix::thread::move_into_thread_name_spaces(
        pidfd,
        ThreadNameSpaceType::from_bits_retain(namespaces.0),
    )?)
}

/// Joins the namespace behind a descriptor of a `/proc/PID/ns/…` file, which must be of the `expected` kind.
///
/// # Errors
/// `EINVAL` when it is of another kind, `EPERM`.
pub fn join(namespace: BorrowedFd<'_>, expected: Namespaces) -> io::Result<()> {
    let kind = match expected {
        Namespaces::MOUNT => LinkNameSpaceType::Mount,
        Namespaces::UTS => LinkNameSpaceType::HostNameAndNISDomainName,
        Namespaces::IPC => LinkNameSpaceType::InterProcessCommunication,
        Namespaces::PID => LinkNameSpaceType::ProcessID,
        Namespaces::NETWORK => LinkNameSpaceType::Network,
        Namespaces::USER => LinkNameSpaceType::User,
        Namespaces::CGROUP => LinkNameSpaceType::ControlGroup,
        Namespaces::TIME => LinkNameSpaceType::Time,
        _ => return Err(io::ErrorKind::InvalidInput.into()),
    };
    Ok(rustix::thread::move_into_link_name_space(namespace, Some(kind))?)
}
