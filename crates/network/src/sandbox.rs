//! A container's network namespace, held by descriptor only.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::error::{NetworkError, Result};

/// A network namespace, with loopback up.
///
/// When the last descriptor and the last process are gone the kernel removes it with all that is in it.
#[derive(Debug)]
pub struct Sandbox {
    namespace: OwnedFd,
}

impl Sandbox {
    /// A namespace with a veth pair whose peer `eth0` was born inside; the host end belongs to no network yet.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn create(_instance: &str, _mtu: u32) -> Result<Self> {
        Err(not_yet())
    }

    /// A namespace with nothing but loopback, for the network `none`.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn create_isolated() -> Result<Self> {
        Err(not_yet())
    }

    /// The namespace of a process: to find a container's again after a restart, or of `--network container:X`.
    ///
    /// # Errors
    /// The process is gone.
    pub fn from_pid(_pid: i32) -> Result<Self> {
        Err(not_yet())
    }

    /// The namespace this program runs in, for the network `host`.
    ///
    /// # Errors
    /// `/proc` is not there.
    pub fn host() -> Result<Self> {
        Err(not_yet())
    }

    /// The namespace's descriptor, for `setns` by the shim or the runtime. It has close-on-exec.
    pub fn descriptor(&self) -> BorrowedFd<'_> {
        self.namespace.as_fd()
    }
}

/// Sandboxes made ahead of need.
#[derive(Debug)]
pub struct SandboxPool {}

impl SandboxPool {
    /// An empty pool for up to `size` sandboxes; `mtu` in bytes is a guess that `connect` corrects.
    pub fn new(_instance: &str, _size: usize, _mtu: u32) -> Result<Self> {
        Err(not_yet())
    }

    /// Takes a ready one, or makes one when the pool is empty. Never waits for a refill.
    ///
    /// # Errors
    /// As [`Sandbox::create`].
    pub fn take(&self) -> Result<Sandbox> {
        Err(not_yet())
    }

    /// The same for the network `none`.
    ///
    /// # Errors
    /// As [`Sandbox::create_isolated`].
    pub fn take_isolated(&self) -> Result<Sandbox> {
        Err(not_yet())
    }

    /// Makes as many as are missing; the owner calls it in the background, after a take.
    ///
    /// # Errors
    /// As [`Sandbox::create`].
    pub fn refill(&self) -> Result<()> {
        Err(not_yet())
    }

    /// How many are ready.
    pub fn ready(&self) -> usize {
        0
    }
}

/// Gateway and the like are read by tests and by the name files.
pub(crate) fn not_yet() -> NetworkError {
    let _: Option<IpAddr> = None;
    NetworkError::Unsupported { reason: "container networking is not built yet".to_owned() }
}
