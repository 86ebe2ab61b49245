//! A sample of a container's use of the machine.

use serde::Serialize;
use std::collections::BTreeMap;

/// `ContainerStatsResponse`.
#[derive(Debug, Serialize)]
pub(crate) struct Stats {
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) read: String,
    pub(crate) preread: String,
    pub(crate) pids_stats: Pids,
    pub(crate) blkio_stats: Blkio,
    pub(crate) num_procs: u32,
    pub(crate) storage_stats: super::Empty,
    pub(crate) cpu_stats: CpuStats,
    pub(crate) precpu_stats: CpuStats,
    pub(crate) memory_stats: MemoryStats,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) networks: BTreeMap<String, Interface>,
}

/// Processes.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Pids {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) current: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u64>,
}

/// Block I/O. Fields that the cgroup version does not have are `null`, as from Docker.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Blkio {
    pub(crate) io_service_bytes_recursive: Option<Vec<BlkioEntry>>,
    pub(crate) io_serviced_recursive: Option<Vec<BlkioEntry>>,
    pub(crate) io_queue_recursive: Option<Vec<BlkioEntry>>,
    pub(crate) io_service_time_recursive: Option<Vec<BlkioEntry>>,
    pub(crate) io_wait_time_recursive: Option<Vec<BlkioEntry>>,
    pub(crate) io_merged_recursive: Option<Vec<BlkioEntry>>,
    pub(crate) io_time_recursive: Option<Vec<BlkioEntry>>,
    pub(crate) sectors_recursive: Option<Vec<BlkioEntry>>,
}

/// One operation on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct BlkioEntry {
    pub(crate) major: u64,
    pub(crate) minor: u64,
    pub(crate) op: String,
    pub(crate) value: u64,
}

/// CPU time.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct CpuStats {
    pub(crate) cpu_usage: CpuUsage,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_cpu_usage: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) online_cpus: Option<u32>,
    pub(crate) throttling_data: Throttling,
}

/// CPU time in nanoseconds.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct CpuUsage {
    pub(crate) total_usage: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) percpu_usage: Option<Vec<u64>>,
    pub(crate) usage_in_kernelmode: u64,
    pub(crate) usage_in_usermode: u64,
}

/// How often it was held back.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Throttling {
    pub(crate) periods: u64,
    pub(crate) throttled_periods: u64,
    pub(crate) throttled_time: u64,
}

/// Memory in bytes.
#[derive(Debug, Default, Serialize)]
pub(crate) struct MemoryStats {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_usage: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) stats: BTreeMap<String, u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) failcnt: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<u64>,
}

/// Counters of an interface.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Interface {
    pub(crate) rx_bytes: u64,
    pub(crate) rx_packets: u64,
    pub(crate) rx_errors: u64,
    pub(crate) rx_dropped: u64,
    pub(crate) tx_bytes: u64,
    pub(crate) tx_packets: u64,
    pub(crate) tx_errors: u64,
    pub(crate) tx_dropped: u64,
}
