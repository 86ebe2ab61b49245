//! What the launcher and a container's init say to each other, as frames over a unix socket.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::error::{During, Error, Failure, Result};
use crate::plan::Plan;

/// The largest frame: plans hold argument lists and environments, which the kernel limits to some megabytes.
const LIMIT: usize = 64 << 20;

/// From the launcher to the init.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum ToInit {
    /// The process is in its cgroups and its users are mapped.
    Settle,
    /// The plan, with descriptors: see [`Launch`].
    Launch(Box<Launch>),
    /// The hooks on the host have run.
    Continue,
    /// Execute the program.
    Start,
}

/// The descriptors of a launch come in the order of these fields.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Launch {
    pub(crate) plan: Plan,
    /// The init's number on the host, for the state that hooks get.
    pub(crate) pid: i32,
    /// Standard input, output and error come along (else there is a terminal, or they stay).
    pub(crate) stdio: bool,
    /// A network namespace to join.
    pub(crate) network: bool,
    /// A listening socket on which the start is awaited, instead of the channel.
    pub(crate) barrier: bool,
    /// Mounts prepared on the host: the root (as `None`) and entries of `plan.mounts`, `plan.devices`.
    pub(crate) prepared: Vec<Prepared>,
    /// How many descriptors the program gets from 3 on.
    pub(crate) extra: usize,
}

/// What a detached mount that was prepared on the host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Prepared {
    /// The root.
    Root,
    /// The entry of `plan.mounts` with this index.
    Mount(usize),
    /// The entry of `plan.devices` with this index.
    Device(usize),
}

/// From the init to the launcher.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum FromInit {
    /// The hooks on the host are due.
    Hooks,
    /// The descriptor that comes along is the seccomp listener.
    Listener,
    /// Everything is prepared; with a terminal its master comes along. The microseconds of each step.
    Ready(Vec<u32>),
    /// A step failed; the init is gone.
    Failed(Failure),
}

/// Sends a message.
pub(crate) fn send(
    socket: impl AsFd,
    message: &impl Serialize,
    descriptors: &[BorrowedFd<'_>],
) -> Result<()> {
    let bytes = postcard::to_allocvec(message).map_err(|error| Error::Protocol(error.to_string()))?;
    sampan_sys::socket::send_frame(socket, &bytes, descriptors).during(|| "talk to the container's init")
}

/// Receives a message; `None` when the other side has closed.
pub(crate) fn receive<T: DeserializeOwned>(socket: impl AsFd) -> Result<Option<(T, Vec<OwnedFd>)>> {
    let frame =
        sampan_sys::socket::receive_frame(socket, LIMIT).during(|| "listen to the container's init")?;
    let Some(frame) = frame else { return Ok(None) };
    let message = postcard::from_bytes(&frame.bytes).map_err(|error| Error::Protocol(error.to_string()))?;
    Ok(Some((message, frame.descriptors)))
}
