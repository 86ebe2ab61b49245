//! How the daemon and a shim talk: frames of JSON over a unix stream socket.
//!
//! A frame is a 32-bit little-endian length and so many bytes of JSON: [`Frame`]. Descriptors travel with the
//! first bytes of a frame (SCM_RIGHTS); `descriptors` says what each is for. The daemon sends requests, each
//! with a number of its own; the shim answers each with a `reply` of the same number, and sends events, which
//! have none. The first frame on every connection is the shim's [`Greeting`].
//!
//! A daemon may be newer than a shim that it finds again: fields that a reader does not know are ignored, new
//! fields have defaults, and a request that the shim does not know is answered with `NotImplemented`.

mod bytes;
mod channel;
mod events;
mod failure;
mod frame;
mod requests;

pub use bytes::Bytes;
pub use channel::{Incoming, Outgoing};
pub use events::{
    AttachEnd, AttachEnded, Event, ExecExited, ExecStarted, ExecStatus, Exit, Exited, Greeting, OutOfMemory,
    Started, State, Status,
};
pub use failure::Failure;
pub use frame::{Descriptors, Frame, Message, Packet, Role};
pub use requests::{
    Aim, Attach, AttachFraming, ChangeSockets, CloseStdin, Exec, Expire, FollowOptions, GiveNameSockets,
    HoldNameSockets, Launch, Launched, Park, Parked, Relay, RelayProtocol, Request, Resize, SetLog,
    SetSockets, Shutdown, Signal, Size, Start, StatusRequest, StdioOptions,
};

/// The version of this protocol. A change that an older side would misunderstand raises it.
pub const VERSION: u32 = 1;

/// The largest frame, in bytes. A plan is some tens of kilobytes.
pub const LARGEST_FRAME: usize = 16 << 20;

/// The name of the shim's socket inside its directory.
pub const SOCKET_NAME: &str = "shim.sock";

/// The name of the exit record inside the shim's directory.
pub const EXIT_NAME: &str = "exit.json";
