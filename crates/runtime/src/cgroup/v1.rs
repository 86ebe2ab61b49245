//! cgroup v1: a directory per hierarchy, limits in the specification's own terms.

use std::path::Path;

use super::hierarchy::Hierarchy;
use super::{Directory, devices, read, write};
use crate::error::{During, Error, Result};
use crate::plan::{BlockIo, Cpu, DeviceRate, Limits, Memory};

/// Makes the directory with its parents; a cpuset directory is of no use before it has processors and nodes.
pub(super) fn create(hierarchy: &Hierarchy, path: &str) -> Result<Directory> {
    let directory = hierarchy.directory(path);
    let cpuset = hierarchy.controllers.iter().any(|name| name == "cpuset");
    if !cpuset {
        match std::fs::create_dir(&directory.path) {
            Ok(()) => return Ok(directory),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(directory),
            Err(error) => return Err(Error::system(format!("make {}", directory.path.display()), error)),
        }
        std::fs::create_dir_all(&directory.path).during(|| format!("make {}", directory.path.display()))?;
        return Ok(directory);
    }
    let mut parent = hierarchy.root.clone();
    for part in path.split('/') {
        let child = parent.join(part);
        match std::fs::create_dir(&child) {
            Ok(()) => inherit_cpuset(&parent, &child)?,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::system(format!("make {}", child.display()), error)),
        }
        parent = child;
    }
    Ok(directory)
}

fn inherit_cpuset(parent: &Path, child: &Path) -> Result<()> {
    for file in ["cpuset.cpus", "cpuset.mems"] {
        if read(child, file)?.is_empty() {
            write(child, file, read(parent, file)?)?;
        }
    }
    Ok(())
}

/// Renames the directory within its hierarchy; its processes stay in it.
pub(super) fn rename(directory: &mut Directory, hierarchy: &Hierarchy, path: &str) -> Result<()> {
    let target = hierarchy.root.join(path);
    if directory.path == target {
        return Ok(());
    }
    // v1 renames within one parent only.
    if directory.path.parent() != target.parent() {
        let moved = create(hierarchy, path)?;
        super::membership::move_all(&directory.path, &moved.path)?;
        let _ = std::fs::remove_dir(&directory.path);
        directory.path = moved.path;
        return Ok(());
    }
    std::fs::rename(&directory.path, &target)
        .during(|| format!("rename {} to {}", directory.path.display(), target.display()))?;
    directory.path = target;
    Ok(())
}

/// Sets the limits that belong to this hierarchy's controllers.
pub(super) fn apply(directory: &Directory, limits: &Limits) -> Result<()> {
    let path = &directory.path;
    for controller in &directory.controllers {
        match controller.as_str() {
            "memory" => memory(path, &limits.memory)?,
            "cpu" => cpu(path, &limits.cpu)?,
            "cpuset" => cpuset(path, &limits.cpu)?,
            "pids" => {
                if let Some(limit) = limits.pids {
                    let value = if limit > 0 { limit.to_string() } else { "max".to_owned() };
                    write(path, "pids.max", value)?;
                }
            }
            "blkio" => block_io(path, &limits.block_io)?,
            "devices" => {
                if let Some(rules) = &limits.devices {
                    devices::apply_v1(path, rules)?;
                }
            }
            "hugetlb" => {
                for (size, limit) in &limits.huge_pages {
                    write(path, &format!("hugetlb.{size}.limit_in_bytes"), limit.to_string())?;
                }
            }
            "net_cls" => {
                if let Some(class) = limits.network.class {
                    write(path, "net_cls.classid", class.to_string())?;
                }
            }
            "net_prio" => {
                for (interface, priority) in &limits.network.priorities {
                    write(path, "net_prio.ifpriomap", format!("{interface} {priority}"))?;
                }
            }
            "rdma" => super::v2::rdma(path, limits)?,
            _ => {}
        }
    }
    Ok(())
}

/// The limit on memory and the one on memory with swap must never cross, whichever is raised or lowered.
fn memory(path: &Path, memory: &Memory) -> Result<()> {
    const LIMIT: &str = "memory.limit_in_bytes";
    const WITH_SWAP: &str = "memory.memsw.limit_in_bytes";
    if memory.check_before_update
        && let Some(limit) = memory.limit.filter(|limit| *limit > 0)
    {
        let used: i64 = read(path, "memory.usage_in_bytes")?.parse().unwrap_or(0);
        if used > limit {
            return Err(Error::Invalid(format!(
                "the container uses {used} bytes of memory already, more than the new limit of {limit}"
            )));
        }
    }
    // An unlimited memory makes no sense under a limit with swap.
    let swap = if memory.limit == Some(-1) && memory.swap.is_none() { Some(-1) } else { memory.swap };
    match (memory.limit, swap) {
        (Some(limit), Some(swap)) => {
            let current: i64 = read(path, LIMIT)?.parse().unwrap_or(i64::MAX);
            let swap_accounting = path.join(WITH_SWAP).exists();
            if swap_accounting && (swap == -1 || current < swap) {
                write(path, WITH_SWAP, swap.to_string()).or_else(|error| too_low(path, limit, error))?;
                write(path, LIMIT, limit.to_string()).or_else(|error| too_low(path, limit, error))?;
            } else {
                write(path, LIMIT, limit.to_string()).or_else(|error| too_low(path, limit, error))?;
                if swap_accounting {
                    write(path, WITH_SWAP, swap.to_string())?;
                }
            }
        }
        (Some(limit), None) => {
            write(path, LIMIT, limit.to_string()).or_else(|error| too_low(path, limit, error))?;
        }
        (None, Some(swap)) => write(path, WITH_SWAP, swap.to_string())?,
        (None, None) => {}
    }
    if let Some(reservation) = memory.reservation {
        write(path, "memory.soft_limit_in_bytes", reservation.to_string())?;
    }
    if let Some(bytes) = memory.kernel_tcp {
        write(path, "memory.kmem.tcp.limit_in_bytes", bytes.to_string())?;
    }
    if memory.disable_oom_killer == Some(true) {
        write(path, "memory.oom_control", "1")?;
    }
    match memory.swappiness {
        Some(value @ 0..=100) => write(path, "memory.swappiness", value.to_string()),
        Some(u64::MAX) | None => Ok(()),
        Some(other) => Err(Error::Invalid(format!("swappiness must be 0 to 100, not {other}"))),
    }
}

fn too_low(path: &Path, limit: i64, error: Error) -> Result<()> {
    if error.errno() != Some(16) {
        return Err(error);
    }
    let used = read(path, "memory.usage_in_bytes")?;
    Err(Error::Invalid(format!(
        "unable to set memory limit to {limit} (current usage: {used}): the container uses more than that"
    )))
}

fn cpu(path: &Path, cpu: &Cpu) -> Result<()> {
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0) {
        write(path, "cpu.shares", shares.to_string())?;
        // The kernel clamps silently; a value outside is a mistake to be told.
        let set: u64 = read(path, "cpu.shares")?.parse().unwrap_or(shares);
        if set != shares {
            let word = if shares > set { "maximum" } else { "minimum" };
            return Err(Error::Invalid(format!("the {word} allowed cpu-shares is {set}")));
        }
    }
    if let Some(idle) = cpu.idle {
        write(path, "cpu.idle", idle.to_string())?;
    }
    // A period must fit the quota that is set, and the reverse: try the period before and after.
    let period = cpu.period.filter(|period| *period != 0);
    let mut late_period = None;
    if let Some(period) = period
        && let Err(error) = write(path, "cpu.cfs_period_us", period.to_string())
    {
        if cpu.quota.is_none_or(|quota| quota == 0) {
            return Err(error);
        }
        late_period = Some(period);
    }
    if let Some(burst) = cpu.burst.filter(|_| cpu.quota.is_none()) {
        write(path, "cpu.cfs_burst_us", burst.to_string())?;
    }
    if let Some(quota) = cpu.quota.filter(|quota| *quota != 0) {
        write(path, "cpu.cfs_quota_us", quota.to_string())?;
        if let Some(period) = late_period {
            write(path, "cpu.cfs_period_us", period.to_string())?;
        }
        if let Some(burst) = cpu.burst {
            write(path, "cpu.cfs_burst_us", burst.to_string())?;
        }
    }
    if let Some(period) = cpu.realtime_period.filter(|period| *period != 0) {
        write(path, "cpu.rt_period_us", period.to_string())?;
    }
    if let Some(runtime) = cpu.realtime_runtime.filter(|runtime| *runtime != 0) {
        write(path, "cpu.rt_runtime_us", runtime.to_string())?;
    }
    Ok(())
}

fn cpuset(path: &Path, cpu: &Cpu) -> Result<()> {
    for (file, list) in [("cpuset.cpus", &cpu.cpus), ("cpuset.mems", &cpu.mems)] {
        if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
            write(path, file, list)?;
        }
    }
    Ok(())
}

fn block_io(path: &Path, block_io: &BlockIo) -> Result<()> {
    // The weight files belong to the bfq scheduler, or on old kernels to cfq.
    let weight = if path.join("blkio.weight").exists() { "blkio.weight" } else { "blkio.bfq.weight" };
    if let Some(value) = block_io.weight.filter(|value| *value != 0) {
        write(path, weight, value.to_string())?;
    }
    if let Some(value) = block_io.leaf_weight.filter(|value| *value != 0) {
        write(path, "blkio.leaf_weight", value.to_string())?;
    }
    for device in &block_io.weight_devices {
        if let Some(value) = device.weight {
            write(path, &format!("{weight}_device"), format!("{}:{} {value}", device.major, device.minor))?;
        }
        if let Some(value) = device.leaf_weight {
            let value = format!("{}:{} {value}", device.major, device.minor);
            write(path, "blkio.leaf_weight_device", value)?;
        }
    }
    let throttles: [(&str, &[DeviceRate]); 4] = [
        ("blkio.throttle.read_bps_device", &block_io.read_bytes),
        ("blkio.throttle.write_bps_device", &block_io.write_bytes),
        ("blkio.throttle.read_iops_device", &block_io.read_operations),
        ("blkio.throttle.write_iops_device", &block_io.write_operations),
    ];
    for (file, rates) in throttles {
        for rate in rates {
            write(path, file, format!("{}:{} {}", rate.major, rate.minor, rate.rate))?;
        }
    }
    Ok(())
}
