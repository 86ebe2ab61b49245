//! What cgroups limit, in the specification's (that is cgroup v1's) terms; v2 values are derived from them.

use serde::{Deserialize, Serialize};

/// All limits of a container. `None` and empty lists leave what is there.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Memory.
    pub memory: Memory,
    /// Processors.
    pub cpu: Cpu,
    /// The most processes and threads; `Some(-1)` is no limit.
    pub pids: Option<i64>,
    /// Block devices.
    pub block_io: BlockIo,
    /// Access to device nodes: the last rule that matches decides. `None` leaves device access alone.
    pub devices: Option<Vec<DeviceRule>>,
    /// Huge pages: (page size as in `2MB`, bytes; -1 is no limit).
    pub huge_pages: Vec<(String, i64)>,
    /// Network classes (v1 only).
    pub network: NetworkClass,
    /// RDMA devices.
    pub rdma: Vec<Rdma>,
    /// cgroup v2 files: (name, value).
    pub unified: Vec<(String, String)>,
}

/// Memory limits in bytes; -1 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Memory {
    /// Memory.
    pub limit: Option<i64>,
    /// Kept under memory pressure.
    pub reservation: Option<i64>,
    /// Memory and swap together.
    pub swap: Option<i64>,
    /// Kernel memory for TCP buffers (v1).
    pub kernel_tcp: Option<i64>,
    /// 0 to 100 (v1).
    pub swappiness: Option<u64>,
    /// Processes wait instead of being killed (v1).
    pub disable_oom_killer: Option<bool>,
    /// A limit below what is used already is refused.
    pub check_before_update: bool,
}

/// Processor limits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cpu {
    /// Relative weight, 2 to 262144, 1024 is usual.
    pub shares: Option<u64>,
    /// Microseconds per period; -1 is no limit.
    pub quota: Option<i64>,
    /// Microseconds that may be saved up.
    pub burst: Option<u64>,
    /// Microseconds.
    pub period: Option<u64>,
    /// Microseconds of real-time processes per real-time period.
    pub realtime_runtime: Option<i64>,
    /// Microseconds.
    pub realtime_period: Option<u64>,
    /// Processors, as a list such as `0-3,7`.
    pub cpus: Option<String>,
    /// Memory nodes, as a list.
    pub mems: Option<String>,
    /// 1 gives the container only idle time.
    pub idle: Option<i64>,
}

/// Block device limits.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlockIo {
    /// Relative weight, 10 to 1000.
    pub weight: Option<u16>,
    /// Weight against the children (v1, gone from newer kernels).
    pub leaf_weight: Option<u16>,
    /// Weights per device.
    pub weight_devices: Vec<DeviceWeight>,
    /// Bytes read per second.
    pub read_bytes: Vec<DeviceRate>,
    /// Bytes written per second.
    pub write_bytes: Vec<DeviceRate>,
    /// Reads per second.
    pub read_operations: Vec<DeviceRate>,
    /// Writes per second.
    pub write_operations: Vec<DeviceRate>,
}

/// The weight of one block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceWeight {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Weight.
    pub weight: Option<u16>,
    /// Weight against the children.
    pub leaf_weight: Option<u16>,
}

/// The limit of one block device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRate {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Per second.
    pub rate: u64,
}

/// Kinds of device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceKind {
    /// All (in rules only).
    All,
    /// Block device.
    Block,
    /// Character device.
    Character,
    /// Named pipe (as a node only).
    Fifo,
}

/// A rule on access to device nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRule {
    /// Whether the access is allowed.
    pub allow: bool,
    /// To which kind.
    pub kind: DeviceKind,
    /// Major number; `None` is any.
    pub major: Option<u32>,
    /// Minor number; `None` is any.
    pub minor: Option<u32>,
    /// Reading.
    pub read: bool,
    /// Writing.
    pub write: bool,
    /// Making nodes with mknod(2).
    pub mknod: bool,
}

/// Network classes (cgroup v1 net_cls and net_prio).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct NetworkClass {
    /// Class of packets.
    pub class: Option<u32>,
    /// (interface, priority).
    pub priorities: Vec<(String, u32)>,
}

/// Limits of one RDMA device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rdma {
    /// The device.
    pub device: String,
    /// The most handles.
    pub handles: Option<u32>,
    /// The most objects.
    pub objects: Option<u32>,
}
