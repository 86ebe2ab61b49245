//! Limits: memory, CPU, block devices, processes.

use serde_json::{Map, Value, json};

use super::devices;
use crate::flags::{FlagSet, Parsed};

/// Flags that only an engine on Windows knows.
const WINDOWS_ONLY: [&str; 4] = ["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"];

/// Refuses flags of engines on Windows, in docker's words.
///
/// # Errors
/// One sentence per flag.
pub(crate) fn refuse_windows_flags(parsed: &Parsed) -> Result<(), String> {
    let sentences: Vec<String> = WINDOWS_ONLY
        .iter()
        .filter(|name| parsed.changed(name))
        .map(|name| {
            format!(
                "\"--{name}\" is only supported on a Docker daemon running on windows, but the Docker daemon is \
                 running on linux"
            )
        })
        .collect();
    if sentences.is_empty() { Ok(()) } else { Err(sentences.join("\n")) }
}

/// Reads a device and its limit.
type Rate = fn(&str) -> Result<Value, String>;

/// The flags of limits: sizes in bytes, CPUs in billionths, CPU times in microseconds.
#[derive(Default)]
pub(crate) struct Resources {
    blkio_weight: u64,
    blkio_weight_devices: Vec<Value>,
    read_bytes: Vec<Value>,
    write_bytes: Vec<Value>,
    read_operations: Vec<Value>,
    write_operations: Vec<Value>,
    memory: Memory,
    swappiness: i64,
    oom_score: i64,
    cpu_count: i64,
    cpu_percent: i64,
    cpu_shares: i64,
    cpu_period: i64,
    cpu_quota: i64,
    cpu_rt_period: i64,
    cpu_rt_runtime: i64,
    cpus: i64,
    cpuset_cpus: String,
    cpuset_mems: String,
    io_bandwidth: i64,
    io_operations: u64,
    pids_limit: i64,
    cgroup_parent: String,
}

/// The flags of memory; sizes in bytes.
#[derive(Default)]
struct Memory {
    limit: i64,
    reservation: i64,
    swap: i64,
    kernel: i64,
    shared: i64,
    oom_kill_disable: bool,
}

impl Resources {
    /// The values before any flag is read.
    pub(super) fn new() -> Self {
        Self { swappiness: -1, ..Self::default() }
    }

    pub(super) fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.unsigned(
            &mut self.blkio_weight,
            "blkio-weight",
            "uint16",
            u64::from(u16::MAX),
            "Block IO (relative weight), between 10 and 1000, or 0 to disable (default 0)",
        );
        let rates: [(&mut Vec<Value>, _, _, Rate); 5] = [
            (
                &mut self.blkio_weight_devices,
                "blkio-weight-device",
                "Block IO weight (relative device weight)",
                devices::parse_weight,
            ),
            (
                &mut self.read_bytes,
                "device-read-bps",
                "Limit read rate (bytes per second) from a device",
                devices::parse_byte_rate,
            ),
            (
                &mut self.read_operations,
                "device-read-iops",
                "Limit read rate (IO per second) from a device",
                devices::parse_operation_rate,
            ),
            (
                &mut self.write_bytes,
                "device-write-bps",
                "Limit write rate (bytes per second) to a device",
                devices::parse_byte_rate,
            ),
            (
                &mut self.write_operations,
                "device-write-iops",
                "Limit write rate (IO per second) to a device",
                devices::parse_operation_rate,
            ),
        ];
        for (target, name, usage, parse) in rates {
            flags
                .value(name, "", "list", usage, move |text| {
                    target.push(parse(text)?);
                    Ok(())
                })
                .shown_default("[]");
        }
        let ints = [
            (&mut self.cpu_period, "cpu-period", "", "Limit CPU CFS (Completely Fair Scheduler) period"),
            (&mut self.cpu_quota, "cpu-quota", "", "Limit CPU CFS (Completely Fair Scheduler) quota"),
            (&mut self.cpu_rt_period, "cpu-rt-period", "", "Limit CPU real-time period in microseconds"),
            (&mut self.cpu_rt_runtime, "cpu-rt-runtime", "", "Limit CPU real-time runtime in microseconds"),
            (&mut self.cpu_shares, "cpu-shares", "c", "CPU shares (relative weight)"),
            (&mut self.swappiness, "memory-swappiness", "", "Tune container memory swappiness (0 to 100)"),
            (&mut self.oom_score, "oom-score-adj", "", "Tune host's OOM preferences (-1000 to 1000)"),
            (&mut self.pids_limit, "pids-limit", "", "Tune container pids limit (set -1 for unlimited)"),
        ];
        for (target, name, shorthand, usage) in ints {
            flags.int(target, name, shorthand, usage);
        }
        flags.int(&mut self.cpu_count, "cpu-count", "", "CPU count (Windows only)").hidden();
        flags.int(&mut self.cpu_percent, "cpu-percent", "", "CPU percent (Windows only)").hidden();
        flags.string(&mut self.cpuset_cpus, "cpuset-cpus", "", "CPUs in which to allow execution (0-3, 0,1)");
        flags.string(&mut self.cpuset_mems, "cpuset-mems", "", "MEMs in which to allow execution (0-3, 0,1)");
        flags.cpus(&mut self.cpus, "cpus", "Number of CPUs");
        flags.size(&mut self.io_bandwidth, "io-maxbandwidth", "", "Maximum IO bandwidth").hidden();
        flags.unsigned(&mut self.io_operations, "io-maxiops", "uint", u64::MAX, "Maximum IOps").hidden();
        flags.string(
            &mut self.cgroup_parent,
            "cgroup-parent",
            "",
            "Optional parent cgroup for the container",
        );
        self.memory.flags(flags);
    }

    /// Adds to the API's `HostConfig`; `speaks_kernel_memory` where the API still has that field.
    pub(super) fn fill(
        &self,
        host: &mut Map<String, Value>,
        speaks_kernel_memory: bool,
    ) -> Result<(), String> {
        if self.swappiness != -1 && !(0..=100).contains(&self.swappiness) {
            return Err(format!(
                "invalid value: {}. Valid memory swappiness range is 0-100",
                self.swappiness
            ));
        }
        let mut set = |name: &str, value: Value| host.insert(name.to_owned(), value);
        set("OomScoreAdj", json!(self.oom_score));
        set("ShmSize", json!(self.memory.shared));
        set("CgroupParent", json!(self.cgroup_parent));
        set("Memory", json!(self.memory.limit));
        set("MemoryReservation", json!(self.memory.reservation));
        set("MemorySwap", json!(self.memory.swap));
        set("MemorySwappiness", json!(self.swappiness));
        if speaks_kernel_memory && self.memory.kernel != 0 {
            set("KernelMemory", json!(self.memory.kernel));
        }
        set("OomKillDisable", json!(self.memory.oom_kill_disable));
        set("NanoCpus", json!(self.cpus));
        set("CpuCount", json!(self.cpu_count));
        set("CpuPercent", json!(self.cpu_percent));
        set("CpuShares", json!(self.cpu_shares));
        set("CpuPeriod", json!(self.cpu_period));
        set("CpuQuota", json!(self.cpu_quota));
        set("CpuRealtimePeriod", json!(self.cpu_rt_period));
        set("CpuRealtimeRuntime", json!(self.cpu_rt_runtime));
        set("CpusetCpus", json!(self.cpuset_cpus));
        set("CpusetMems", json!(self.cpuset_mems));
        set("PidsLimit", json!(self.pids_limit));
        set("BlkioWeight", json!(self.blkio_weight));
        set("BlkioWeightDevice", json!(self.blkio_weight_devices));
        set("BlkioDeviceReadBps", json!(self.read_bytes));
        set("BlkioDeviceWriteBps", json!(self.write_bytes));
        set("BlkioDeviceReadIOps", json!(self.read_operations));
        set("BlkioDeviceWriteIOps", json!(self.write_operations));
        set("IOMaximumIOps", json!(self.io_operations));
        set("IOMaximumBandwidth", json!(self.io_bandwidth));
        Ok(())
    }
}

impl Memory {
    fn flags<'a>(&'a mut self, flags: &mut FlagSet<'a>) {
        flags.size(&mut self.kernel, "kernel-memory", "", "Kernel memory limit");
        flags.size(&mut self.limit, "memory", "m", "Memory limit");
        flags.size(&mut self.reservation, "memory-reservation", "", "Memory soft limit");
        flags.swap_size(
            &mut self.swap,
            "memory-swap",
            "Swap limit equal to memory plus swap: '-1' to enable unlimited swap",
        );
        flags.bool(&mut self.oom_kill_disable, "oom-kill-disable", "", "Disable OOM Killer");
        flags.size(&mut self.shared, "shm-size", "", "Size of /dev/shm");
    }
}
