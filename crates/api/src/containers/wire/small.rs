//! Small bodies and answers.

use super::{Device, DeviceRequest, PortBinding, RestartPolicy, Throttle, Ulimit, Weight};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The answer to a wait.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Wait {
    pub(crate) status_code: i64,
    /// Absent when all is well: an empty one makes clients fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<WaitError>,
}

/// Why waiting failed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct WaitError {
    pub(crate) message: String,
}

/// A table of processes.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Top {
    pub(crate) titles: Vec<String>,
    pub(crate) processes: Vec<Vec<String>>,
}

/// A changed path.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Change {
    pub(crate) path: String,
    /// 0 changed, 1 added, 2 deleted.
    pub(crate) kind: u8,
}

/// What a prune removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Prune {
    pub(crate) containers_deleted: Vec<String>,
    pub(crate) space_reclaimed: u64,
}

/// What stat(2) says of a path; goes into a header.
#[derive(Debug, Serialize)]
pub(crate) struct PathStat {
    pub(crate) name: String,
    pub(crate) size: i64,
    pub(crate) mode: u32,
    pub(crate) mtime: String,
    #[serde(rename = "linkTarget")]
    pub(crate) link_target: String,
}

/// The answer to an update.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateReply {
    pub(crate) warnings: Vec<String>,
}

/// The answer to a commit.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CommitReply {
    pub(crate) id: String,
}

/// The body of an update: limits and the restart policy. What an update cannot change is read to be refused.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct UpdateBody {
    pub(crate) cpu_shares: i64,
    pub(crate) memory: i64,
    pub(crate) nano_cpus: i64,
    pub(crate) cgroup_parent: String,
    pub(crate) blkio_weight: u16,
    pub(crate) blkio_weight_device: Vec<Weight>,
    pub(crate) blkio_device_read_bps: Vec<Throttle>,
    pub(crate) blkio_device_write_bps: Vec<Throttle>,
    #[serde(rename = "BlkioDeviceReadIOps")]
    pub(crate) blkio_device_read_iops: Vec<Throttle>,
    #[serde(rename = "BlkioDeviceWriteIOps")]
    pub(crate) blkio_device_write_iops: Vec<Throttle>,
    pub(crate) cpu_period: i64,
    pub(crate) cpu_quota: i64,
    pub(crate) cpu_realtime_period: i64,
    pub(crate) cpu_realtime_runtime: i64,
    pub(crate) cpuset_cpus: String,
    pub(crate) cpuset_mems: String,
    pub(crate) devices: Vec<Device>,
    pub(crate) device_cgroup_rules: Option<Vec<String>>,
    pub(crate) device_requests: Option<Vec<DeviceRequest>>,
    #[serde(rename = "KernelMemoryTCP")]
    pub(crate) kernel_memory_tcp: i64,
    pub(crate) memory_reservation: i64,
    pub(crate) memory_swap: i64,
    pub(crate) memory_swappiness: Option<i64>,
    pub(crate) oom_kill_disable: Option<bool>,
    pub(crate) pids_limit: Option<i64>,
    pub(crate) ulimits: Vec<Ulimit>,
    pub(crate) cpu_count: i64,
    pub(crate) cpu_percent: i64,
    #[serde(rename = "IOMaximumIOps")]
    pub(crate) io_maximum_iops: u64,
    #[serde(rename = "IOMaximumBandwidth")]
    pub(crate) io_maximum_bandwidth: u64,
    pub(crate) restart_policy: RestartPolicy,
    /// Ours: ports to publish, as `PortBindings` of a creation.
    pub(crate) publish: BTreeMap<String, Option<Vec<PortBinding>>>,
    /// Ours: container ports that are published no more.
    pub(crate) unpublish: Vec<String>,
}
