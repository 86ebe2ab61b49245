//! The plan of a container: what its init shall do, as plain data with nothing left to look up.
//!
//! A plan is made by `compile` from an OCI specification, travels to the container's init in a compact
//! binary form, and is carried out there step by step.

mod hook;
mod limits;
mod mount;
mod process;
mod root;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use hook::{Hook, HookState, Hooks};
pub use limits::{
    BlockIo, Cpu, DeviceKind, DeviceRate, DeviceRule, DeviceWeight, Limits, Memory, NetworkClass, Rdma,
};
pub use mount::{AttributeChange, FilesystemMount, IdMap, Mount, MountSource, Propagation};
pub use process::{
    Capabilities, Groups, IoPriority, Process, ResourceLimit, Scheduler, Seccomp, SeccompListener, Terminal,
    User,
};
pub use root::{Device, Root, RootMount};

/// Everything that the init of a container needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The container's id; names its keyring.
    pub id: String,
    /// The namespaces that are new or joined. What is missing here is shared with the launcher.
    pub namespaces: Vec<Namespace>,
    /// The numbers of users and groups in a new user namespace.
    pub user_mappings: Option<UserMappings>,
    /// Offsets of a new time namespace: (clock name as in /proc/PID/timens_offsets, seconds, nanoseconds).
    pub time_offsets: Vec<(String, i64, u32)>,
    /// The root file system and what is done with it.
    pub root: Root,
    /// Mounts below the root, in order.
    pub mounts: Vec<Mount>,
    /// Device nodes below the root.
    pub devices: Vec<Device>,
    /// Symbolic links below the root: (target, path); an existing entry is left as it is.
    pub links: Vec<(String, String)>,
    /// Paths that are hidden.
    pub masked_paths: Vec<String>,
    /// Paths that are made read-only.
    pub readonly_paths: Vec<String>,
    /// Kernel parameters: (path below /proc/sys, value).
    pub sysctls: Vec<(String, String)>,
    /// The host name of a new UTS namespace.
    pub hostname: Option<String>,
    /// The NIS domain name of a new UTS namespace.
    pub domainname: Option<String>,
    /// Execution domain for personality(2).
    pub personality: Option<u32>,
    /// The program.
    pub process: Process,
    /// Where the container's cgroups are, and their limits.
    pub cgroup: CgroupPlan,
    /// Programs run at certain points of the container's life.
    pub hooks: Hooks,
}

/// Where a container's cgroups are made and what they limit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CgroupPlan {
    /// The directory below the root of every hierarchy, without a leading slash.
    pub path: String,
    /// The limits.
    pub limits: Limits,
}

/// A namespace of the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespace {
    /// Which.
    pub kind: NamespaceKind,
    /// The namespace file to join; a new one is made when there is none.
    pub path: Option<PathBuf>,
}

/// The kinds of namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum NamespaceKind {
    /// Mounts.
    Mount,
    /// Host and domain name.
    Uts,
    /// System V IPC and POSIX message queues.
    Ipc,
    /// Process numbers.
    Pid,
    /// Network.
    Network,
    /// Users and capabilities.
    User,
    /// The view of the cgroup tree.
    Cgroup,
    /// Clock offsets.
    Time,
}

impl NamespaceKind {
    /// The set with this one kind.
    pub fn set(self) -> sampan_sys::namespace::Namespaces {
        use sampan_sys::namespace::Namespaces;
        match self {
            Self::Mount => Namespaces::MOUNT,
            Self::Uts => Namespaces::UTS,
            Self::Ipc => Namespaces::IPC,
            Self::Pid => Namespaces::PID,
            Self::Network => Namespaces::NETWORK,
            Self::User => Namespaces::USER,
            Self::Cgroup => Namespaces::CGROUP,
            Self::Time => Namespaces::TIME,
        }
    }
}

impl Plan {
    /// All namespaces, new or joined, in which the container differs from the launcher.
    pub fn namespace_set(&self) -> sampan_sys::namespace::Namespaces {
        self.namespaces.iter().fold(Default::default(), |set, namespace| set | namespace.kind.set())
    }

    /// Whether the container has a new namespace of this kind.
    pub fn has_new(&self, kind: NamespaceKind) -> bool {
        self.namespaces.iter().any(|namespace| namespace.kind == kind && namespace.path.is_none())
    }

    /// Whether the container has a namespace of this kind, new or joined.
    pub fn has(&self, kind: NamespaceKind) -> bool {
        self.namespaces.iter().any(|namespace| namespace.kind == kind)
    }
}

/// The user and group numbers of a user namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UserMappings {
    /// Users.
    pub users: Vec<IdMapping>,
    /// Groups.
    pub groups: Vec<IdMapping>,
}

/// A range of numbers: `size` numbers from `inside` on are `outside` and up on the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdMapping {
    /// The first number inside the namespace.
    pub inside: u32,
    /// The first number outside.
    pub outside: u32,
    /// How many.
    pub size: u32,
}
