//! What callers may ask of containers and what they get: plain values, no wire format.

use crate::spec::{PortBinding, PortKey, Resources, RestartPolicy};
use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// The answer to a creation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The new container's id.
    pub id: String,
    /// Sentences for the user.
    pub warnings: Vec<String>,
}

/// How a container is stopped.
#[derive(Debug, Clone, Default)]
pub struct StopOptions {
    /// Signal instead of the container's own.
    pub signal: Option<String>,
    /// Seconds until SIGKILL; negative waits for ever; `None` takes the container's own.
    pub timeout: Option<i64>,
}

/// How a container is removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct RemoveOptions {
    /// Kills it first when it runs.
    pub force: bool,
    /// Removes its anonymous volumes too.
    pub volumes: bool,
    /// Removes the link of that name, not the container.
    pub link: bool,
}

/// What a waiter waits for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WaitCondition {
    /// It does not run (at once when it does not run now).
    #[default]
    NotRunning,
    /// The next end, even when it does not run now.
    NextExit,
    /// Its removal.
    Removed,
}

/// What a waiter gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitResult {
    /// Exit code.
    pub status_code: i64,
    /// Why waiting or the removal failed.
    pub error: Option<String>,
}

/// Which containers to list. Filters are Docker's, by name; all must hold, any value of one is enough.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Also those that do not run.
    pub all: bool,
    /// At most so many, the newest; includes those that do not run. `None` or zero is no bound.
    pub limit: Option<usize>,
    /// `status`, `name`, `label`, `id`, `ancestor`, `before`, `since`, `exited`, `health`, `network`,
    /// `volume`, `publish`, `expose`, `is-task`, `isolation`.
    pub filters: Filters,
}

/// Docker's filters: name to values.
pub type Filters = BTreeMap<String, Vec<String>>;

/// What may be changed of a container that exists. `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct UpdateRequest {
    /// Limits: fields that are zero or empty are left as they are.
    pub resources: Resources,
    /// Restart policy.
    pub restart: Option<RestartPolicy>,
    /// Ports to publish, each in the place of what its container port was published as.
    pub publish: Vec<PortBinding>,
    /// Container ports that are published no more.
    pub unpublish: Vec<PortKey>,
}

/// A client's connection, taken off the HTTP library.
#[derive(Debug)]
pub struct ClientStream {
    /// The socket.
    pub socket: OwnedFd,
    /// Bytes that were read behind the request: they belong to standard input.
    pub read_ahead: Vec<u8>,
    /// Bytes to write before the first output: the HTTP response head.
    pub prologue: Vec<u8>,
    /// Frames with Docker's eight-byte header instead of raw bytes.
    pub multiplexed: bool,
}

impl ClientStream {
    /// A second descriptor of the same connection, so that a failure can still be answered on the first.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(crate) fn try_clone(&self) -> std::io::Result<Self> {
        Ok(Self {
            socket: self.socket.try_clone()?,
            read_ahead: self.read_ahead.clone(),
            prologue: self.prologue.clone(),
            multiplexed: self.multiplexed,
        })
    }
}

/// The outcome of handing a client's connection over. A connection on which nothing was written comes back
/// with the failure, so that an ordinary answer can be written on it.
pub type Handed = std::result::Result<(), (sampan_error::Error, Option<ClientStream>)>;

/// How to attach.
#[derive(Debug, Clone, Default)]
pub struct AttachOptions {
    /// What the program wrote before comes first.
    pub logs: bool,
    /// Goes on with what it writes from now on (false: only the logs).
    pub stream: bool,
    /// The client's bytes go to standard input.
    pub stdin: bool,
    /// Standard output comes.
    pub stdout: bool,
    /// Standard error comes.
    pub stderr: bool,
    /// Keys that detach, `ctrl-p,ctrl-q`; `None` is the default.
    pub detach_keys: Option<String>,
}

/// Which part of a log.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// Goes on until the container ends.
    pub follow: bool,
    /// Standard output.
    pub stdout: bool,
    /// Standard error.
    pub stderr: bool,
    /// From this time, nanoseconds since 1970; zero is the beginning.
    pub since: i64,
    /// Up to this time; zero is no end.
    pub until: i64,
    /// The last so many lines; `None` is all.
    pub tail: Option<usize>,
    /// A time before each line.
    pub timestamps: bool,
    /// Labels and variables chosen by the log options before each line.
    pub details: bool,
}

/// An exec session to make.
#[derive(Debug, Clone, Default)]
pub struct ExecOptions {
    /// Program and arguments.
    pub cmd: Vec<String>,
    /// Further variables.
    pub env: Vec<String>,
    /// User in Docker's syntax; empty is the container's.
    pub user: String,
    /// Working directory; empty is the container's.
    pub working_dir: String,
    /// A pseudo terminal.
    pub tty: bool,
    /// All capabilities.
    pub privileged: bool,
    /// Attach standard input.
    pub attach_stdin: bool,
    /// Attach standard output.
    pub attach_stdout: bool,
    /// Attach standard error.
    pub attach_stderr: bool,
    /// Keys that detach; `None` is the default.
    pub detach_keys: Option<String>,
    /// Rows and columns of the terminal.
    pub console_size: Option<(u16, u16)>,
}

/// What is known of an exec session.
#[derive(Debug, Clone, Default)]
pub struct ExecState {
    /// Its id, 64 hexadecimal digits.
    pub id: String,
    /// The container.
    pub container_id: String,
    /// As asked for.
    pub options: ExecOptions,
    /// It runs.
    pub running: bool,
    /// How it ended; `None` before that.
    pub exit_code: Option<i32>,
    /// Process id in the host's namespace; zero before the start.
    pub pid: u32,
}

/// How an exec session is started.
#[derive(Debug, Clone, Default)]
pub struct ExecStart {
    /// Nobody attaches.
    pub detach: bool,
    /// Overrides the session's terminal wish when given (old clients).
    pub tty: Option<bool>,
    /// Rows and columns of the terminal.
    pub console_size: Option<(u16, u16)>,
}

/// `sampan run` in one request.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// Name; `None` makes one up.
    pub name: Option<String>,
    /// Nobody attaches; the stream ends after the id.
    pub detach: bool,
    /// How to attach.
    pub attach: AttachOptions,
    /// Rows and columns of the client's terminal.
    pub size: Option<(u16, u16)>,
}

/// A changed path, as `docker diff` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathChange {
    /// Path in the container.
    pub path: String,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeKind {
    /// `C`.
    Modified,
    /// `A`.
    Added,
    /// `D`.
    Deleted,
}

/// A table of processes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProcessTable {
    /// Column titles.
    pub titles: Vec<String>,
    /// Rows.
    pub processes: Vec<Vec<String>>,
}

/// What stat(2) says of a path in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// Last component.
    pub name: String,
    /// Bytes.
    pub size: i64,
    /// Go's `os.FileMode` bits.
    pub mode: u32,
    /// Nanoseconds since 1970.
    pub modified: i64,
    /// Target of a symbolic link, resolved inside the container; empty otherwise.
    pub link_target: String,
}

/// How to commit.
#[derive(Debug, Clone, Default)]
pub struct CommitOptions {
    /// Reference of the new image, if any.
    pub reference: Option<String>,
    /// Author.
    pub author: String,
    /// Message.
    pub message: String,
    /// Freezes the container meanwhile.
    pub pause: bool,
    /// Dockerfile instructions to apply.
    pub changes: Vec<String>,
    /// A configuration to lay over the container's own (API body).
    pub overrides: Option<crate::spec::ProcessOptions>,
}

/// What a prune removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Ids or names.
    pub removed: Vec<String>,
    /// Bytes that are free now.
    pub reclaimed: u64,
}

/// Where a copy into a container comes from.
#[derive(Debug, Clone)]
pub struct CopyInto {
    /// Directory in the container.
    pub path: PathBuf,
    /// Refuses to replace a directory by a file and the other way round.
    pub no_overwrite_dir_non_dir: bool,
    /// Keeps the archive's user and group.
    pub copy_uid_gid: bool,
}

/// One sample of a container's use of the machine.
#[derive(Debug, Clone, Default)]
pub struct StatsSample {
    /// Nanoseconds since 1970.
    pub read: i64,
    /// The cgroup's figures.
    pub cgroup: sampan_runtime::cgroup::Statistics,
    /// CPU time of the whole machine, nanoseconds, idle time included.
    pub system_cpu: u64,
    /// CPUs that are online.
    pub online_cpus: u32,
    /// Bytes of memory of the machine (the limit when the container has none).
    pub machine_memory: u64,
    /// Interface name to counters.
    pub networks: BTreeMap<String, InterfaceCounters>,
}

/// Counters of one interface, as the container sees them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Received bytes, packets, errors, drops.
    pub received: [u64; 4],
    /// Sent bytes, packets, errors, drops.
    pub sent: [u64; 4],
}
