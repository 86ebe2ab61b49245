//! What the daemon can ask of a shim.

use std::net::SocketAddr;
use std::path::PathBuf;

use sampan_runtime::plan::{NamespaceKind, Plan, Process};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Bytes;
use crate::log::{LogOptions, Selection};
use crate::timestamp::Timestamp;

/// A request: its name on the wire and what its reply holds.
pub trait Request: Serialize + DeserializeOwned {
    /// The `kind` of its frame.
    const NAME: &'static str;
    /// What a success is answered with.
    type Reply: Serialize + DeserializeOwned;
}

macro_rules! requests {
    ($($request:ident $name:literal -> $reply:ty;)*) => {
        $(impl Request for $request {
            const NAME: &'static str = $name;
            type Reply = $reply;
        })*
    };
}

requests! {
    Park "park" -> Parked;
    Launch "launch" -> Launched;
    Start "start" -> Launched;
    Attach "attach" -> ();
    Exec "exec" -> Launched;
    Resize "resize" -> ();
    Signal "signal" -> ();
    CloseStdin "close_stdin" -> ();
    StatusRequest "status" -> super::Status;
    SetLog "set_log" -> ();
    SetSockets "set_sockets" -> ();
    ChangeSockets "change_sockets" -> ();
    HoldNameSockets "hold_name_sockets" -> ();
    GiveNameSockets "give_name_sockets" -> ();
    Expire "expire" -> ();
    Shutdown "shutdown" -> ();
}

/// Makes an init ahead of time, before it is known for which container. A shim whose daemon goes away while
/// its init is only parked ends both.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Park {
    /// The namespaces made for it. The network is given at launch.
    pub namespaces: Vec<NamespaceKind>,
    /// Its cgroups, made now: the directory below the root of every hierarchy, without a leading slash. At
    /// launch they are renamed to what the plan says, so both must have the same parent.
    pub cgroup: Option<String>,
}

/// The answer to [`Park`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The init's process number.
    pub pid: i32,
}

/// Prepares the container and starts its program, in the parked init or in a new one.
///
/// Descriptors: at most one `network_namespace`; any number of `reservation` and `relay_listener` as for
/// [`SetSockets`]; `name_socket` as for [`HoldNameSockets`]; a `client` for each `attach`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Launch {
    /// The container's full id.
    pub container: String,
    /// The shim's own directory (mode 0700): its socket and the exit record. On a tmpfs, absolute.
    pub directory: PathBuf,
    /// What shall run. A shim is launched by the daemon that started it, so both have the same idea of a plan.
    #[serde(with = "super::bytes::packed")]
    pub plan: Plan,
    /// How its standard streams behave.
    #[serde(default)]
    pub stdio: StdioOptions,
    /// Where its output is kept.
    #[serde(default)]
    pub log: LogOptions,
    /// Clients that get the very first byte. Nothing is written to them before the start has succeeded, so
    /// that the daemon can answer them itself when it fails. The n-th belongs to the n-th `client` descriptor.
    #[serde(default)]
    pub attach: Vec<Attach>,
    /// The relays that go with the `relay_listener` descriptors.
    #[serde(default)]
    pub relays: Vec<Relay>,
    /// Stop when everything is prepared, until [`Start`] (the OCI `created` state).
    #[serde(default)]
    pub hold: bool,
}

/// Lets a held container's program run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {}

/// The answer to [`Launch`], [`Start`] and [`Exec`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launched {
    /// The process number on the host.
    pub pid: i32,
    /// When the program was executed; absent while it is held.
    pub started_at: Option<Timestamp>,
}

/// The size of a terminal, in characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Size {
    /// Height.
    pub rows: u16,
    /// Width.
    pub columns: u16,
}

/// How a container's standard streams behave (Docker's names).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StdioOptions {
    /// A terminal. The plan's process must ask for one as well; its size is there.
    pub tty: bool,
    /// Standard input stays open for clients to write to; otherwise it is /dev/null.
    pub open_stdin: bool,
    /// Standard input is closed when the first client that was attached to it ends its side.
    pub stdin_once: bool,
}

/// A client's connection, attached to a container's or an exec's streams.
///
/// Descriptor: one `client`, a connected stream socket. The shim owns it from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attach {
    /// A number of the daemon's choice, which [`AttachEnded`](super::AttachEnded) repeats.
    pub id: u64,
    /// The client's bytes go to standard input.
    pub stdin: bool,
    /// Standard output goes to the client.
    pub stdout: bool,
    /// Standard error goes to the client.
    pub stderr: bool,
    /// The keys that detach a client of a terminal, as bytes; empty is none.
    pub detach_keys: Bytes,
    /// How output is put on the wire.
    pub framing: AttachFraming,
    /// Written to the client before anything else: the head of the HTTP response, or the first frame of a run
    /// stream.
    pub prologue: Bytes,
    /// What the client has sent already: it belongs to standard input.
    pub read_ahead: Bytes,
    /// The container's earlier output, from its log, before what comes now (`logs=1`).
    pub replay: Option<Selection>,
}

/// How an attached client gets output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AttachFraming {
    /// Bytes as they are.
    Raw,
    /// Docker's eight-byte frames.
    #[default]
    Multiplexed,
    /// The frames of `sampan run`: as multiplexed, and at the end 17 with `{"StatusCode":n}`, once a daemon has
    /// recorded it, or 18 when the client detached by its keys.
    Run,
}

/// Adds a process to the running container.
///
/// Descriptor: a `client` when `attach` is given. Without one the process has /dev/null. The reply comes when
/// the program was executed; when that failed, the client has got its prologue and the sentence, and the
/// reply says the failure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Exec {
    /// The exec's id.
    pub id: String,
    /// What shall run. With a terminal its size is there.
    pub process: Process,
    /// A terminal.
    #[serde(default)]
    pub tty: bool,
    /// The client.
    #[serde(default)]
    pub attach: Option<Attach>,
}

/// Changes the size of a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resize {
    /// The exec whose terminal it is; the container's when absent.
    pub exec: Option<String>,
    /// The new size.
    pub size: Size,
}

/// Sends a signal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Signal {
    /// To this exec's process; to the container's init when absent.
    pub exec: Option<String>,
    /// The signal's number.
    pub signal: i32,
}

/// Closes the container's standard input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseStdin {}

/// Asks for everything that a new daemon must know.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusRequest {}

/// Changes where output is kept, from the next line on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetLog {
    /// The new choice.
    pub log: LogOptions,
}

/// Transport of a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelayProtocol {
    /// The descriptor listens.
    Tcp,
    /// The descriptor is bound.
    Udp,
}

/// Where a relay sends what arrives on its socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// The kind of socket.
    pub protocol: RelayProtocol,
    /// The address, as seen from the shim's network namespace.
    pub target: SocketAddr,
    /// Only private, link-local and loopback addresses may use it.
    #[serde(default)]
    pub only_near: bool,
    /// A name by which it can be aimed elsewhere ([`ChangeSockets::aims`]), one for all sockets of a port; empty for the
    /// relay of a published port. A named one stays when published ports change.
    #[serde(default)]
    pub name: String,
    /// New connections wait in the listener's queue until it is aimed; the target counts for nothing.
    #[serde(default)]
    pub held: bool,
}

/// Where a named relay sends its next flows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aim {
    /// [`Relay::name`].
    pub name: String,
    /// The address, as seen from the shim's network namespace.
    pub target: SocketAddr,
    /// As [`Relay::held`].
    #[serde(default)]
    pub held: bool,
}

/// Replaces the sockets that the shim holds for published ports. Connections that are being relayed go on.
///
/// Descriptors: any number of `reservation`; one `relay_listener` for each of `relays`, in the same order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SetSockets {
    /// The relays.
    pub relays: Vec<Relay>,
}

/// Adds sockets for published ports and lets others go; the rest stays as it is. Connections that are being relayed go
/// on.
///
/// Descriptors: as for [`SetSockets`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeSockets {
    /// The relays of the new sockets.
    pub relays: Vec<Relay>,
    /// What those are bound to that are closed. Named relays are not looked at.
    pub closed: Vec<(RelayProtocol, SocketAddr)>,
    /// Named relays that lead elsewhere from now on. Flows that exist go on as they are.
    #[serde(default)]
    pub aims: Vec<Aim>,
}

/// Kills the container's first process after this time, whatever happens to the daemon, unless another such request comes
/// before: for a container that may run here only as long as somebody else says so. Time in which the machine sleeps
/// counts, too (CLOCK_BOOTTIME, clock_getres(2)).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Expire {
    /// From now on; `None` lets it run for ever.
    pub milliseconds: Option<u64>,
}

/// Replaces the sockets on which the container's name server is asked. The shim never reads them: while there is no
/// daemon, queries wait in them for the next one.
///
/// Descriptors: any number of `name_socket`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldNameSockets {}

/// Asks for copies of those sockets, which come with the reply as `name_socket`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveNameSockets {}

/// The daemon has recorded the exit status: the shim ends once its clients have got everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shutdown {}

/// What a follower does (`logs -f`): a process of the same program, which sends a log to one client until the
/// container ends or the client goes away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FollowOptions {
    /// The log's current file.
    pub path: PathBuf,
    /// What is wanted.
    pub selection: Selection,
    /// Written before anything else: the head of the HTTP response.
    pub prologue: Bytes,
    /// The body is sent in HTTP's chunked coding.
    pub chunked: bool,
}
