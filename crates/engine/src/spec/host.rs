//! The host's part of a container: resources, namespaces, security, mounts, restart, logs.

use super::{Bind, MountRequest, NetworkMode, PortBinding};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a container runs on this host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostOptions {
    /// Limits and devices.
    pub resources: Resources,
    /// Short-form binds and volumes, in the order given (clients compare it).
    pub binds: Vec<Bind>,
    /// Long-form mounts.
    pub mounts: Vec<MountRequest>,
    /// tmpfs mounts: path to options (`size=64m,mode=1777`).
    pub tmpfs: BTreeMap<String, String>,
    /// Containers whose volumes are mounted too: `name[:ro|rw]`.
    pub volumes_from: Vec<String>,
    /// Driver of volumes named in `binds`; empty is `local`.
    pub volume_driver: String,
    /// File that the client writes the id to; kept for inspect only.
    pub container_id_file: String,
    /// Where the output goes.
    pub log: LogConfig,
    /// The network namespace and first network.
    pub network_mode: NetworkMode,
    /// The words of the network mode as the caller gave them (`default`, `bridge`, …), for inspect.
    pub network_mode_text: String,
    /// Published ports.
    pub port_bindings: Vec<PortBinding>,
    /// Publishes each exposed port on a free port of the host.
    pub publish_all_ports: bool,
    /// What happens when the program ends.
    pub restart: RestartPolicy,
    /// Removes the container when it ends.
    pub auto_remove: bool,
    /// Rows and columns of the first terminal.
    pub console_size: Option<(u16, u16)>,
    /// Annotations for the runtime.
    pub annotations: BTreeMap<String, String>,
    /// Capabilities beside the default ones, without `CAP_`, upper case; `ALL` is all.
    pub cap_add: Vec<String>,
    /// Default capabilities to leave out.
    pub cap_drop: Vec<String>,
    /// Cgroup namespace.
    pub cgroup_namespace: CgroupNamespace,
    /// Name servers.
    pub dns: Vec<String>,
    /// Resolver options.
    pub dns_options: Vec<String>,
    /// Search domains.
    pub dns_search: Vec<String>,
    /// `name:address` lines for /etc/hosts.
    pub extra_hosts: Vec<String>,
    /// Supplementary groups, names or numbers.
    pub group_add: Vec<String>,
    /// IPC namespace.
    pub ipc: IpcMode,
    /// Old-style links: `container:alias`.
    pub links: Vec<String>,
    /// oom_score_adj, -1000 to 1000.
    pub oom_score_adj: i32,
    /// PID namespace.
    pub pid: PidMode,
    /// All capabilities, all devices, no masks, no seccomp.
    pub privileged: bool,
    /// The root file system is read-only.
    pub read_only_rootfs: bool,
    /// `seccomp=…`, `apparmor=…`, `label=…`, `no-new-privileges[:true]`, `systempaths=unconfined`.
    pub security_options: Vec<String>,
    /// Options of the storage driver: `size`.
    pub storage_options: BTreeMap<String, String>,
    /// UTS namespace.
    pub uts: UtsMode,
    /// User namespace.
    pub user_namespace: UserNamespace,
    /// Bytes of /dev/shm; zero is 64 MiB.
    pub shm_size: u64,
    /// Kernel parameters of the container's namespaces.
    pub sysctls: BTreeMap<String, String>,
    /// Name of the runtime; empty is our own.
    pub runtime: String,
    /// Paths hidden in the container; `None` is the default list, an empty list hides nothing.
    pub masked_paths: Option<Vec<String>>,
    /// Read-only paths; `None` is the default list.
    pub readonly_paths: Option<Vec<String>>,
    /// Runs our small init as process 1.
    pub init: Option<bool>,
}

/// Limits and devices. Zero or empty is "no limit" unless said otherwise.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Relative weight of CPU time (v1 scale, default 1024).
    pub cpu_shares: i64,
    /// Bytes of memory.
    pub memory: i64,
    /// Parent cgroup; empty is the instance's own.
    pub cgroup_parent: String,
    /// Relative weight of block I/O, 10 to 1000.
    pub blkio_weight: u16,
    /// The same per device.
    pub blkio_weight_device: Vec<WeightDevice>,
    /// Bytes read per second by device.
    pub blkio_device_read_bps: Vec<ThrottleDevice>,
    /// Bytes written per second by device.
    pub blkio_device_write_bps: Vec<ThrottleDevice>,
    /// Reads per second by device.
    pub blkio_device_read_iops: Vec<ThrottleDevice>,
    /// Writes per second by device.
    pub blkio_device_write_iops: Vec<ThrottleDevice>,
    /// Microseconds of a CFS period.
    pub cpu_period: i64,
    /// Microseconds of CPU time per period.
    pub cpu_quota: i64,
    /// Microseconds of a real-time period.
    pub cpu_realtime_period: i64,
    /// Microseconds of real-time CPU time per period.
    pub cpu_realtime_runtime: i64,
    /// CPUs to run on: `0-2,4`.
    pub cpuset_cpus: String,
    /// Memory nodes to use.
    pub cpuset_mems: String,
    /// Devices of the host to show.
    pub devices: Vec<DeviceMapping>,
    /// Rules of the device cgroup: `c 42:* rmw`.
    pub device_cgroup_rules: Vec<String>,
    /// Devices asked of a device driver (GPUs, CDI).
    pub device_requests: Vec<DeviceRequest>,
    /// Bytes of memory kept under pressure.
    pub memory_reservation: i64,
    /// Bytes of memory and swap together; -1 is unlimited swap.
    pub memory_swap: i64,
    /// 0 to 100; `None` is the host's.
    pub memory_swappiness: Option<i64>,
    /// CPU time in billionths of a CPU.
    pub nano_cpus: i64,
    /// The kernel's out-of-memory killer is off.
    pub oom_kill_disable: Option<bool>,
    /// Number of processes; zero or less is no limit.
    pub pids_limit: Option<i64>,
    /// Resource limits.
    pub ulimits: Vec<Ulimit>,
}

/// Weight of block I/O of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WeightDevice {
    /// Path of the device.
    pub path: String,
    /// 10 to 1000.
    pub weight: u16,
}

/// A rate of one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThrottleDevice {
    /// Path of the device.
    pub path: String,
    /// Bytes or operations per second.
    pub rate: u64,
}

/// A device of the host inside the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceMapping {
    /// Path on the host.
    pub host_path: String,
    /// Path in the container.
    pub container_path: String,
    /// Any of `r`, `w`, `m`.
    pub permissions: String,
}

/// Devices asked of a driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceRequest {
    /// The driver (`nvidia`, `cdi`).
    pub driver: String,
    /// How many; -1 is all.
    pub count: i64,
    /// Which.
    pub device_ids: Vec<String>,
    /// Alternatives of capability lists.
    pub capabilities: Vec<Vec<String>>,
    /// Options of the driver.
    pub options: BTreeMap<String, String>,
}

/// A resource limit, getrlimit(2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ulimit {
    /// Name without `RLIMIT_`, lower case: `nofile`.
    pub name: String,
    /// Soft limit; -1 is unlimited.
    pub soft: i64,
    /// Hard limit; -1 is unlimited.
    pub hard: i64,
}

/// Where the output goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    /// Driver; empty is the daemon's default.
    pub driver: String,
    /// Its options.
    pub options: BTreeMap<String, String>,
}

/// What happens when the program ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RestartPolicy {
    /// When to start again.
    pub kind: RestartKind,
    /// At most so often (`on-failure` only); zero is no bound.
    pub maximum_retries: u32,
}

/// When a container is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum RestartKind {
    /// Never.
    #[default]
    No,
    /// Always.
    Always,
    /// When the exit code is not zero.
    OnFailure,
    /// Always, unless a user stopped it.
    UnlessStopped,
}

/// Cgroup namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CgroupNamespace {
    /// By the daemon's default: private on cgroup v2, the host's on v1.
    #[default]
    Default,
    /// Its own.
    Private,
    /// The host's.
    Host,
}

/// IPC namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpcMode {
    /// The daemon's default: private.
    #[default]
    Default,
    /// Its own, with /dev/shm not shareable.
    Private,
    /// Its own, and others may join it.
    Shareable,
    /// The host's.
    Host,
    /// Its own, without /dev/shm.
    None,
    /// Another container's.
    Container(String),
}

/// PID namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum PidMode {
    /// Its own.
    #[default]
    Private,
    /// The host's.
    Host,
    /// Another container's.
    Container(String),
}

/// UTS namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UtsMode {
    /// Its own.
    #[default]
    Private,
    /// The host's.
    Host,
}

/// User namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserNamespace {
    /// The daemon's default (the host's, as long as no remapping is configured).
    #[default]
    Default,
    /// The host's.
    Host,
}
