//! Limits of a specification.

use oci_spec::runtime::{
    LinuxBlockIo, LinuxDeviceCgroup, LinuxDeviceType, LinuxMemory, LinuxResources, LinuxThrottleDevice,
};

use crate::error::{Error, Result};
use crate::plan::{
    BlockIo, Cpu, DeviceKind, DeviceRate, DeviceRule, DeviceWeight, Limits, Memory, NetworkClass, Rdma,
};

/// Compiles the limits of a container, or those of an update.
///
/// # Errors
/// A value makes no sense; the sentence names the field.
pub fn limits(resources: &LinuxResources) -> Result<Limits> {
    let mut limits = Limits {
        memory: resources.memory().as_ref().map(memory).transpose()?.unwrap_or_default(),
        pids: resources.pids().map(|pids| pids.limit()),
        block_io: resources.block_io().as_ref().map(block_io).transpose()?.unwrap_or_default(),
        ..Limits::default()
    };
    if let Some(cpu) = resources.cpu() {
        limits.cpu = Cpu {
            shares: cpu.shares(),
            quota: cpu.quota(),
            burst: cpu.burst(),
            period: cpu.period(),
            realtime_runtime: cpu.realtime_runtime(),
            realtime_period: cpu.realtime_period(),
            cpus: cpu.cpus().clone().filter(|list| !list.is_empty()),
            mems: cpu.mems().clone().filter(|list| !list.is_empty()),
            idle: cpu.idle(),
        };
    }
    if let Some(devices) = resources.devices() {
        limits.devices = Some(rules(devices)?);
    }
    for page in resources.hugepage_limits().iter().flatten() {
        if page.page_size().contains('/') {
            return Err(Error::Invalid(format!("hugepageLimits: {:?} is no size", page.page_size())));
        }
        limits.huge_pages.push((page.page_size().clone(), page.limit()));
    }
    if let Some(network) = resources.network() {
        let priorities = network.priorities().iter().flatten();
        limits.network = NetworkClass {
            class: network.class_id(),
            priorities: priorities.map(|entry| (entry.name().clone(), entry.priority())).collect(),
        };
    }
    for (device, limit) in resources.rdma().iter().flatten() {
        limits.rdma.push(Rdma {
            device: device.clone(),
            handles: limit.hca_handles(),
            objects: limit.hca_objects(),
        });
    }
    limits
        .unified
        .extend(resources.unified().iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    limits.unified.sort();
    Ok(limits)
}

fn memory(given: &LinuxMemory) -> Result<Memory> {
    let memory = Memory {
        limit: given.limit().filter(|limit| *limit != 0),
        reservation: given.reservation().filter(|limit| *limit != 0),
        swap: given.swap().filter(|limit| *limit != 0),
        kernel_tcp: given.kernel_tcp().filter(|limit| *limit != 0),
        swappiness: given.swappiness(),
        disable_oom_killer: given.disable_oom_killer(),
        check_before_update: given.check_before_update().unwrap_or(false),
    };
    if let (Some(limit), Some(swap)) = (memory.limit, memory.swap)
        && swap != -1
        && swap < limit
    {
        return Err(Error::Invalid(format!(
            "memory.swap ({swap}), which counts memory and swap together, is below memory.limit ({limit})"
        )));
    }
    Ok(memory)
}

/// The rules as they are given; the last that matches decides.
fn rules(list: &[LinuxDeviceCgroup]) -> Result<Vec<DeviceRule>> {
    list.iter()
        .map(|rule| {
            let access = rule.access().clone().unwrap_or_else(|| "rwm".into());
            if let Some(wrong) = access.chars().find(|letter| !"rwm".contains(*letter)) {
                return Err(Error::Invalid(format!("devices: {wrong:?} is no access, r, w and m are")));
            }
            let number = |value: Option<i64>| match value {
                None | Some(-1) => Ok(None),
                Some(value) => u32::try_from(value)
                    .map(Some)
                    .map_err(|_| Error::Invalid(format!("devices: {value} is no device number"))),
            };
            let (major, minor) = (number(rule.major())?, number(rule.minor())?);
            let kind = match rule.typ().unwrap_or(LinuxDeviceType::A) {
                LinuxDeviceType::A => DeviceKind::All,
                LinuxDeviceType::B => DeviceKind::Block,
                LinuxDeviceType::C | LinuxDeviceType::U => DeviceKind::Character,
                LinuxDeviceType::P => {
                    return Err(Error::Invalid("devices: access to named pipes cannot be limited".into()));
                }
            };
            Ok(DeviceRule {
                allow: rule.allow(),
                kind,
                major,
                minor,
                read: access.contains('r'),
                write: access.contains('w'),
                mknod: access.contains('m'),
            })
        })
        .collect()
}

fn block_io(given: &LinuxBlockIo) -> Result<BlockIo> {
    let weight_range = |weight: Option<u16>| match weight {
        Some(weight) if weight != 0 && !(10..=1000).contains(&weight) => {
            Err(Error::Invalid(format!("blockIO: a weight must be 10 to 1000, not {weight}")))
        }
        other => Ok(other),
    };
    let mut found = BlockIo {
        weight: weight_range(given.weight())?,
        leaf_weight: weight_range(given.leaf_weight())?,
        read_bytes: rates(given.throttle_read_bps_device())?,
        write_bytes: rates(given.throttle_write_bps_device())?,
        read_operations: rates(given.throttle_read_iops_device())?,
        write_operations: rates(given.throttle_write_iops_device())?,
        ..BlockIo::default()
    };
    for device in given.weight_device().iter().flatten() {
        found.weight_devices.push(DeviceWeight {
            major: device_number(device.major())?,
            minor: device_number(device.minor())?,
            weight: weight_range(device.weight())?,
            leaf_weight: weight_range(device.leaf_weight())?,
        });
    }
    Ok(found)
}

fn rates(list: &Option<Vec<LinuxThrottleDevice>>) -> Result<Vec<DeviceRate>> {
    list.iter()
        .flatten()
        .map(|device| {
            let (major, minor) = (device_number(device.major())?, device_number(device.minor())?);
            Ok(DeviceRate { major, minor, rate: device.rate() })
        })
        .collect()
}

fn device_number(value: i64) -> Result<u32> {
    u32::try_from(value).map_err(|_| Error::Invalid(format!("{value} is no device number")))
}
