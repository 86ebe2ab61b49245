//! The program of a plan: what is executed, as whom, with which rights.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// A process inside a container: its first one, or one that exec adds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Process {
    /// The command and its arguments.
    pub args: Vec<String>,
    /// The environment, as `NAME=value`.
    pub env: Vec<String>,
    /// The working directory, absolute.
    pub cwd: String,
    /// Whether a missing working directory is made.
    pub create_cwd: bool,
    /// As whom.
    pub user: User,
    /// The capability sets; `None` keeps what the launcher has.
    pub capabilities: Option<Capabilities>,
    /// Resource limits.
    pub rlimits: Vec<ResourceLimit>,
    /// Whether the process and its children can never gain privileges.
    pub no_new_privileges: bool,
    /// The AppArmor profile, in the host's name space of profiles.
    pub apparmor_profile: Option<String>,
    /// The SELinux label.
    pub selinux_label: Option<String>,
    /// Its standing before the out-of-memory killer, -1000 to 1000.
    pub oom_score_adj: Option<i32>,
    /// A terminal as standard input and outputs.
    pub terminal: Option<Terminal>,
    /// The system call filter.
    pub seccomp: Option<Seccomp>,
    /// Scheduling policy.
    pub scheduler: Option<Scheduler>,
    /// Input/output priority.
    pub io_priority: Option<IoPriority>,
    /// The processors it may run on once it is in its cgroup (a list such as `0-3,7`).
    pub cpu_affinity: Option<String>,
    /// Gives the process a session keyring of its own.
    pub new_keyring: bool,
}

/// As whom a process runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum User {
    /// By numbers, as the OCI specification has it.
    Numbers {
        /// User.
        uid: u32,
        /// Group.
        gid: u32,
        /// Supplementary groups.
        additional: Vec<u32>,
        /// File mode creation mask.
        umask: Option<u32>,
    },
    /// In Docker's syntax, looked up in the container's own /etc/passwd and /etc/group.
    Docker {
        /// `name`, `uid`, `name:group`, `uid:gid` or empty for root.
        user: String,
        /// Further groups, by name or number.
        groups: Groups,
        /// Whether HOME is set from the user's entry when the environment has none.
        set_home: bool,
        /// File mode creation mask.
        umask: Option<u32>,
    },
}

impl Default for User {
    fn default() -> Self {
        Self::Numbers { uid: 0, gid: 0, additional: Vec::new(), umask: None }
    }
}

/// Groups by name or number, as `--group-add` takes them.
pub type Groups = Vec<String>;

/// The five capability sets, bit N = capability N.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capabilities {
    /// The limit of what can ever be gained.
    pub bounding: u64,
    /// In force.
    pub effective: u64,
    /// Kept across execve together with a file's inheritable set.
    pub inheritable: u64,
    /// May be put in force.
    pub permitted: u64,
    /// Kept across execve of plain programs.
    pub ambient: u64,
}

/// A limit for setrlimit(2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceLimit {
    /// The resource's number on Linux (`RLIMIT_NOFILE` is 7).
    pub resource: u32,
    /// Soft limit; `u64::MAX` is no limit.
    pub soft: u64,
    /// Hard limit.
    pub hard: u64,
}

/// The window of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Terminal {
    /// Characters high; 0 leaves the kernel's value.
    pub rows: u16,
    /// Characters wide.
    pub columns: u16,
}

/// A compiled system call filter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seccomp {
    /// Classic BPF, packed as `sampan_sys::seccomp::install` takes it.
    pub program: Vec<u64>,
    /// `SECCOMP_FILTER_FLAG_*`.
    pub flags: u32,
    /// Who answers the calls that the filter hands out.
    pub listener: Option<SeccompListener>,
}

/// The receiver of a seccomp listener descriptor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeccompListener {
    /// Its unix socket.
    pub path: PathBuf,
    /// Text handed over with it.
    pub metadata: String,
}

/// A scheduling policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scheduler {
    /// `SCHED_*` number.
    pub policy: u32,
    /// `SCHED_FLAG_*`.
    pub flags: u64,
    /// Nice value.
    pub nice: i32,
    /// Real-time priority.
    pub priority: u32,
    /// Nanoseconds per period (deadline policy).
    pub runtime: u64,
    /// Deadline in nanoseconds.
    pub deadline: u64,
    /// Period in nanoseconds.
    pub period: u64,
}

/// Input/output priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IoPriority {
    /// 1 real time, 2 best effort, 3 idle.
    pub class: u8,
    /// 0 (first) to 7.
    pub level: u16,
}
