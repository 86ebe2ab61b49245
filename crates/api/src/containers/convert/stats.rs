//! Samples of a container's use of the machine, in the shape that each version of cgroups gives Docker.

use crate::containers::wire::{
    Blkio, BlkioEntry, CpuStats, CpuUsage, Interface, MemoryStats, Pids, Stats, Throttling,
};
use crate::http::time::rfc3339;
use sampan_engine::containers::{ContainerRecord, InterfaceCounters, StatsSample};

/// A sample with the one before it, if there is one.
pub(crate) fn stats(record: &ContainerRecord, sample: &StatsSample, before: Option<&StatsSample>) -> Stats {
    let cgroup = &sample.cgroup;
    let limit = if cgroup.pids.limit == 0 { u64::MAX } else { cgroup.pids.limit };
    Stats {
        name: format!("/{}", record.name),
        id: record.id.clone(),
        read: rfc3339(sample.read),
        preread: rfc3339(before.map_or(0, |before| before.read)),
        pids_stats: Pids { current: Some(cgroup.pids.current), limit: Some(limit) },
        blkio_stats: blkio(sample),
        num_procs: 0,
        storage_stats: crate::containers::wire::Empty {},
        cpu_stats: cpu(sample),
        precpu_stats: before.map(cpu).unwrap_or_default(),
        memory_stats: memory(sample),
        networks: sample
            .networks
            .iter()
            .map(|(name, counters)| (name.clone(), interface(*counters)))
            .collect(),
    }
}

/// The answer for a container that does not run: everything is empty.
pub(crate) fn without_container(record: &ContainerRecord) -> Stats {
    Stats {
        name: format!("/{}", record.name),
        id: record.id.clone(),
        read: rfc3339(0),
        preread: rfc3339(0),
        pids_stats: Pids::default(),
        blkio_stats: Blkio::default(),
        num_procs: 0,
        storage_stats: crate::containers::wire::Empty {},
        cpu_stats: CpuStats::default(),
        precpu_stats: CpuStats::default(),
        memory_stats: MemoryStats::default(),
        networks: std::collections::BTreeMap::new(),
    }
}

fn cpu(sample: &StatsSample) -> CpuStats {
    let cpu = &sample.cgroup.cpu;
    CpuStats {
        cpu_usage: CpuUsage {
            total_usage: cpu.total,
            percpu_usage: (!cpu.per_cpu.is_empty()).then(|| cpu.per_cpu.clone()),
            usage_in_kernelmode: cpu.system,
            usage_in_usermode: cpu.user,
        },
        system_cpu_usage: Some(sample.system_cpu),
        online_cpus: Some(sample.online_cpus),
        throttling_data: Throttling {
            periods: cpu.periods,
            throttled_periods: cpu.throttled_periods,
            throttled_time: cpu.throttled,
        },
    }
}

/// Version 2 keeps neither the peak nor a count of failures in Docker's answer.
fn memory(sample: &StatsSample) -> MemoryStats {
    let memory = &sample.cgroup.memory;
    let v1 = !sample.cgroup.unified;
    MemoryStats {
        usage: Some(memory.usage),
        max_usage: v1.then_some(memory.max_usage),
        stats: memory.detail.iter().cloned().collect(),
        failcnt: v1.then_some(memory.failures).filter(|count| *count > 0),
        limit: Some(memory.limit.min(sample.machine_memory)),
    }
}

fn blkio(sample: &StatsSample) -> Blkio {
    let io = &sample.cgroup.block_io;
    macro_rules! entries {
        ($list:expr) => {
            Some($list.iter().map(|it| entry(it.major, it.minor, &it.operation, it.value)).collect())
        };
    }
    if sample.cgroup.unified {
        return Blkio { io_service_bytes_recursive: entries!(io.service_bytes), ..Blkio::default() };
    }
    let none = || Some(Vec::new());
    Blkio {
        io_service_bytes_recursive: entries!(io.service_bytes),
        io_serviced_recursive: entries!(io.serviced),
        io_queue_recursive: none(),
        io_service_time_recursive: none(),
        io_wait_time_recursive: none(),
        io_merged_recursive: none(),
        io_time_recursive: none(),
        sectors_recursive: none(),
    }
}

fn entry(major: u32, minor: u32, operation: &str, value: u64) -> BlkioEntry {
    BlkioEntry { major: major.into(), minor: minor.into(), op: operation.to_owned(), value }
}

fn interface(counters: InterfaceCounters) -> Interface {
    let ([rx_bytes, rx_packets, rx_errors, rx_dropped], [tx_bytes, tx_packets, tx_errors, tx_dropped]) =
        (counters.received, counters.sent);
    Interface { rx_bytes, rx_packets, rx_errors, rx_dropped, tx_bytes, tx_packets, tx_errors, tx_dropped }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(unified: bool) -> StatsSample {
        let mut sample = StatsSample {
            read: 1_000_000_000,
            system_cpu: 50,
            online_cpus: 2,
            machine_memory: 100,
            ..Default::default()
        };
        sample.cgroup.unified = unified;
        sample.cgroup.memory.limit = u64::MAX;
        sample.cgroup.memory.usage = 7;
        sample
            .networks
            .insert("eth0".into(), InterfaceCounters { received: [1, 2, 3, 4], sent: [5, 6, 7, 8] });
        sample
    }

    #[test]
    fn report_26_a_sample_has_what_clients_compute_with() {
        let record = ContainerRecord { id: "c".repeat(64), name: "web".into(), ..Default::default() };
        let (one, two) = (sample(false), sample(false));
        let json = serde_json::to_value(stats(&record, &two, Some(&one))).expect("json");
        assert_eq!(json["id"], "c".repeat(64));
        assert_eq!(json["name"], "/web");
        assert_eq!(json["cpu_stats"]["online_cpus"], 2);
        assert_eq!(json["precpu_stats"]["system_cpu_usage"], 50);
        assert_eq!(json["memory_stats"]["limit"], 100);
        assert_eq!(json["networks"]["eth0"]["tx_bytes"], 5);
        assert_eq!(json["blkio_stats"]["io_merged_recursive"], serde_json::json!([]));
        let json = serde_json::to_value(stats(&record, &sample(true), None)).expect("json");
        assert_eq!(json["blkio_stats"]["io_merged_recursive"], serde_json::Value::Null);
        assert_eq!(json["preread"], "0001-01-01T00:00:00Z");
        assert!(json["precpu_stats"].get("online_cpus").is_none());
        assert!(json["memory_stats"].get("max_usage").is_none());
    }
}
