//! Limits, in the specification's terms and in the runtime's.

use crate::containers::ContainerRecord;
use crate::error::Error;
use crate::spec::{Resources, ThrottleDevice};
use sampan_error::Result;
use sampan_runtime::plan::{BlockIo, Cpu, DeviceRate, DeviceWeight, Limits, Memory};
use serde_json::{Map, Value, json};

/// Microseconds of the CFS period that `--cpus` is reckoned in.
const PERIOD: u64 = 100_000;

pub(super) fn specification(record: &ContainerRecord) -> Result<Value> {
    let resources = &record.spec.host.resources;
    let mut value = json!({ "devices": super::devices::rules(record)? });
    value["memory"] = memory(resources);
    value["cpu"] = cpu(resources);
    // Zero and less is no limit.
    if let Some(limit) = resources.pids_limit.filter(|limit| *limit > 0) {
        value["pids"] = json!({ "limit": limit });
    }
    value["blockIO"] = block_io(resources)?;
    Ok(value)
}

fn set(map: &mut Map<String, Value>, name: &str, value: i64) {
    if value != 0 {
        map.insert(name.into(), value.into());
    }
}

fn memory(resources: &Resources) -> Value {
    let mut map = Map::new();
    set(&mut map, "limit", resources.memory);
    set(&mut map, "reservation", resources.memory_reservation);
    set(&mut map, "swap", swap(resources));
    if let Some(swappiness) = resources.memory_swappiness.filter(|value| *value >= 0) {
        map.insert("swappiness".into(), swappiness.into());
    }
    if resources.oom_kill_disable == Some(true) {
        map.insert("disableOOMKiller".into(), true.into());
    }
    Value::Object(map)
}

/// Memory and swap together: twice the memory when nobody says, as Docker has it.
fn swap(resources: &Resources) -> i64 {
    if resources.memory > 0 && resources.memory_swap == 0 {
        resources.memory * 2
    } else {
        resources.memory_swap
    }
}

/// Quota and period of `--cpus` or of `--cpu-quota` and `--cpu-period`.
fn quota(resources: &Resources) -> (Option<i64>, Option<u64>) {
    if resources.nano_cpus > 0 {
        let quota = resources.nano_cpus.saturating_mul(PERIOD.cast_signed()) / 1_000_000_000;
        return (Some(quota), Some(PERIOD));
    }
    let period = u64::try_from(resources.cpu_period).ok().filter(|period| *period > 0);
    (Some(resources.cpu_quota).filter(|quota| *quota != 0), period)
}

fn cpu(resources: &Resources) -> Value {
    let mut map = Map::new();
    set(&mut map, "shares", resources.cpu_shares.max(0));
    let (quota, period) = quota(resources);
    if let Some(quota) = quota {
        map.insert("quota".into(), quota.into());
    }
    if let Some(period) = period {
        map.insert("period".into(), period.into());
    }
    set(&mut map, "realtimePeriod", resources.cpu_realtime_period);
    set(&mut map, "realtimeRuntime", resources.cpu_realtime_runtime);
    for (name, text) in [("cpus", &resources.cpuset_cpus), ("mems", &resources.cpuset_mems)] {
        if !text.is_empty() {
            map.insert(name.into(), text.as_str().into());
        }
    }
    Value::Object(map)
}

fn block_io(resources: &Resources) -> Result<Value> {
    let mut map = Map::new();
    set(&mut map, "weight", i64::from(resources.blkio_weight));
    let weights = weight_devices(resources)?;
    if !weights.is_empty() {
        let list: Vec<_> = weights
            .iter()
            .map(|it| json!({ "major": it.major, "minor": it.minor, "weight": it.weight }))
            .collect();
        map.insert("weightDevice".into(), list.into());
    }
    for (name, list) in [
        ("throttleReadBpsDevice", &resources.blkio_device_read_bps),
        ("throttleWriteBpsDevice", &resources.blkio_device_write_bps),
        ("throttleReadIOPSDevice", &resources.blkio_device_read_iops),
        ("throttleWriteIOPSDevice", &resources.blkio_device_write_iops),
    ] {
        if !list.is_empty() {
            let list: Vec<_> = rates(list)?
                .iter()
                .map(|it| json!({ "major": it.major, "minor": it.minor, "rate": it.rate }))
                .collect();
            map.insert(name.into(), list.into());
        }
    }
    Ok(Value::Object(map))
}

fn weight_devices(resources: &Resources) -> Result<Vec<DeviceWeight>> {
    resources
        .blkio_weight_device
        .iter()
        .map(|it| {
            let (major, minor) = block_device(&it.path)?;
            Ok(DeviceWeight { major, minor, weight: Some(it.weight), leaf_weight: None })
        })
        .collect()
}

fn rates(list: &[ThrottleDevice]) -> Result<Vec<DeviceRate>> {
    list.iter()
        .map(|it| {
            let (major, minor) = block_device(&it.path)?;
            Ok(DeviceRate { major, minor, rate: it.rate })
        })
        .collect()
}

fn block_device(path: &str) -> Result<(u32, u32)> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let found = std::fs::metadata(path)
        .map_err(|_| Error::Invalid(format!("error gathering device information: {path}: no such device")))?;
    if !found.file_type().is_block_device() {
        return Err(Error::Invalid(format!("{path} is not a block device")).into());
    }
    Ok((rustix::fs::major(found.rdev()), rustix::fs::minor(found.rdev())))
}

/// The limits as the runtime changes them in a running container.
///
/// # Errors
/// A device that does not exist.
pub(crate) fn limits(resources: &Resources) -> Result<Limits> {
    let (quota, period) = quota(resources);
    let some = |value: i64| Some(value).filter(|value| *value != 0);
    let text = |value: &String| Some(value.clone()).filter(|value| !value.is_empty());
    Ok(Limits {
        memory: Memory {
            limit: some(resources.memory),
            reservation: some(resources.memory_reservation),
            swap: some(swap(resources)),
            swappiness: resources.memory_swappiness.and_then(|value| u64::try_from(value).ok()),
            disable_oom_killer: resources.oom_kill_disable.filter(|value| *value),
            ..Memory::default()
        },
        cpu: Cpu {
            shares: some(resources.cpu_shares).and_then(|value| u64::try_from(value).ok()),
            quota,
            period,
            realtime_runtime: some(resources.cpu_realtime_runtime),
            realtime_period: u64::try_from(resources.cpu_realtime_period).ok().filter(|value| *value > 0),
            cpus: text(&resources.cpuset_cpus),
            mems: text(&resources.cpuset_mems),
            ..Cpu::default()
        },
        pids: resources.pids_limit.map(|limit| if limit > 0 { limit } else { -1 }),
        block_io: BlockIo {
            weight: Some(resources.blkio_weight).filter(|weight| *weight > 0),
            weight_devices: weight_devices(resources)?,
            read_bytes: rates(&resources.blkio_device_read_bps)?,
            write_bytes: rates(&resources.blkio_device_write_bps)?,
            read_operations: rates(&resources.blkio_device_read_iops)?,
            write_operations: rates(&resources.blkio_device_write_iops)?,
            ..BlockIo::default()
        },
        ..Limits::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpus_become_a_quota_and_swap_is_twice_the_memory() {
        let resources = Resources { nano_cpus: 1_500_000_000, memory: 64 << 20, ..Default::default() };
        assert_eq!(quota(&resources), (Some(150_000), Some(100_000)));
        let limits = limits(&resources).expect("limits");
        assert_eq!(limits.memory.swap, Some(128 << 20));
        assert_eq!(limits.pids, None);
    }

    #[test]
    fn a_file_is_no_block_device() {
        let list = [ThrottleDevice { path: "/dev/null".into(), rate: 1 }];
        assert!(rates(&list).expect_err("refused").to_string().contains("not a block device"));
    }
}
