//! cgroup v2: one directory, limits translated from the specification's v1 terms.

use std::path::Path;

use super::hierarchy::Hierarchy;
use super::{Directory, devices, read, write};
use crate::error::{During, Error, Result};
use crate::plan::{BlockIo, Cpu, DeviceRate, Limits, Memory};

/// Makes the directory with its parents, and switches on in the parents all controllers there are.
pub(super) fn create(hierarchy: &Hierarchy, path: &str) -> Result<Directory> {
    let mut directory = hierarchy.directory(path);
    let mut parent = hierarchy.root.clone();
    for part in path.split('/') {
        enable_controllers(&parent);
        parent.push(part);
        match std::fs::create_dir(&parent) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::system(format!("make {}", parent.display()), error)),
        }
    }
    if !hierarchy.controllers.is_empty() {
        let available = read(&directory.path, "cgroup.controllers")?;
        directory.controllers = available.split_whitespace().map(str::to_owned).collect();
    }
    Ok(directory)
}

/// Best effort: a parent that has processes of its own cannot give controllers to its children. Then a limit
/// that needs one is refused later, and a container without limits works.
fn enable_controllers(directory: &Path) {
    let Ok(available) = read(directory, "cgroup.controllers") else { return };
    let enabled = read(directory, "cgroup.subtree_control").unwrap_or_default();
    let missing: Vec<&str> = available
        .split_whitespace()
        .filter(|name| !enabled.split_whitespace().any(|known| known == *name))
        .collect();
    if missing.is_empty() {
        return;
    }
    let all = missing.iter().map(|name| format!("+{name}")).collect::<Vec<_>>().join(" ");
    if write(directory, "cgroup.subtree_control", all).is_err() {
        for name in missing {
            let _ = write(directory, "cgroup.subtree_control", format!("+{name}"));
        }
    }
}

/// A rename for cgroup v2: a new directory, the processes moved, the old one removed. Limits do not move.
pub(super) fn move_to(directory: &mut Directory, hierarchy: &Hierarchy, path: &str) -> Result<()> {
    if directory.path == hierarchy.root.join(path) {
        return Ok(());
    }
    let moved = create(hierarchy, path)?;
    super::membership::move_all(&directory.path, &moved.path)?;
    let _ = std::fs::remove_dir(&directory.path);
    *directory = moved;
    Ok(())
}

/// Sets the limits whose controllers this directory has.
pub(super) fn apply(directory: &Directory, limits: &Limits) -> Result<()> {
    let path = &directory.path;
    for controller in &directory.controllers {
        match controller.as_str() {
            "memory" => memory(path, &limits.memory)?,
            "cpu" => cpu(path, &limits.cpu)?,
            "cpuset" => {
                for (file, list) in [("cpuset.cpus", &limits.cpu.cpus), ("cpuset.mems", &limits.cpu.mems)] {
                    if let Some(list) = list.as_ref().filter(|list| !list.is_empty()) {
                        write(path, file, list)?;
                    }
                }
            }
            "pids" => {
                if let Some(limit) = limits.pids {
                    write(path, "pids.max", number(if limit > 0 { limit } else { -1 }))?;
                }
            }
            "io" => io(path, &limits.block_io)?,
            "hugetlb" => {
                for (size, limit) in &limits.huge_pages {
                    write(path, &format!("hugetlb.{size}.max"), number(*limit))?;
                }
            }
            "rdma" => rdma(path, limits)?,
            _ => {}
        }
    }
    if super::host_is_unified()
        && let Some(rules) = &limits.devices
    {
        devices::apply_v2(path, rules)?;
    }
    for (file, value) in &limits.unified {
        if file.contains('/') || file.starts_with("cgroup.") {
            return Err(Error::Invalid(format!("{file:?} is no file of a cgroup that can be set")));
        }
        write(path, file, value)?;
    }
    Ok(())
}

/// -1 is written as `max`.
fn number(value: i64) -> String {
    if value < 0 { "max".to_owned() } else { value.to_string() }
}

fn memory(path: &Path, memory: &Memory) -> Result<()> {
    if memory.check_before_update
        && let Some(limit) = memory.limit.filter(|limit| *limit > 0)
    {
        let used: i64 = read(path, "memory.current")?.parse().unwrap_or(0);
        if used > limit {
            return Err(Error::Invalid(format!(
                "the container uses {used} bytes of memory already, more than the new limit of {limit}"
            )));
        }
    }
    if let Some(value) = swap_alone(memory)? {
        // A kernel without swap accounting has no such file; without swap there is nothing to limit.
        if path.join("memory.swap.max").exists() {
            write(path, "memory.swap.max", number(value))?;
        }
    }
    if let Some(limit) = memory.limit.filter(|limit| *limit != 0) {
        write(path, "memory.max", number(limit))?;
    }
    if let Some(reservation) = memory.reservation.filter(|reservation| *reservation != 0) {
        write(path, "memory.low", number(reservation))?;
    }
    Ok(())
}

/// v2 limits swap apart, the specification memory and swap together.
fn swap_alone(memory: &Memory) -> Result<Option<i64>> {
    match (memory.limit.unwrap_or(0), memory.swap) {
        (-1, None) => Ok(Some(-1)),
        (_, None | Some(0)) => Ok(None),
        (_, Some(-1)) => Ok(Some(-1)),
        (limit, Some(swap)) if limit > 0 && swap >= limit => Ok(Some(swap - limit)),
        (limit, Some(swap)) => Err(Error::Invalid(format!(
            "memory and swap together ({swap}) must be at least the memory limit ({limit})"
        ))),
    }
}

/// The weight (1 to 10000, 100 is usual) for v1 shares (2 to 262144, 1024 is usual): a curve that maps the
/// usual value and both ends onto each other, as runc does since 1.3.2.
pub(super) fn weight_of_shares(shares: u64) -> u64 {
    if shares == 0 {
        return 0;
    }
    if shares <= 2 {
        return 1;
    }
    if shares >= 262_144 {
        return 10_000;
    }
    let log = (shares as f64).log2();
    let exponent = (log * log + 125.0 * log) / 612.0 - 7.0 / 34.0;
    10_f64.powf(exponent).ceil() as u64
}

fn cpu(path: &Path, cpu: &Cpu) -> Result<()> {
    if let Some(idle) = cpu.idle {
        write(path, "cpu.idle", idle.to_string())?;
    }
    if let Some(shares) = cpu.shares.filter(|shares| *shares != 0 && cpu.idle != Some(1)) {
        write(path, "cpu.weight", weight_of_shares(shares).to_string())?;
    }
    let quota = cpu.quota.filter(|quota| *quota != 0);
    let period = cpu.period.filter(|period| *period != 0);
    let value = match (quota, period) {
        (None, None) => None,
        (Some(quota), None) => Some(number(quota)),
        (None, Some(period)) => {
            let current = read(path, "cpu.max")?;
            Some(format!("{} {period}", current.split(' ').next().unwrap_or("max")))
        }
        (Some(quota), Some(period)) => Some(format!("{} {period}", number(quota))),
    };
    if let Some(value) = value {
        write(path, "cpu.max", value)?;
    }
    if let Some(burst) = cpu.burst {
        write(path, "cpu.max.burst", burst.to_string())?;
    }
    Ok(())
}

fn io(path: &Path, block_io: &BlockIo) -> Result<()> {
    let bfq = path.join("io.bfq.weight").exists();
    let scaled = |weight: u16| {
        if bfq { u64::from(weight) } else { 1 + (u64::from(weight).max(10) - 10) * 9999 / 990 }
    };
    let file = if bfq { "io.bfq.weight" } else { "io.weight" };
    if let Some(weight) = block_io.weight.filter(|weight| *weight != 0) {
        write(path, file, scaled(weight).to_string())?;
    }
    for device in &block_io.weight_devices {
        if let Some(weight) = device.weight {
            write(path, file, format!("{}:{} {}", device.major, device.minor, scaled(weight)))?;
        }
    }
    let rates: [(&str, &[DeviceRate]); 4] = [
        ("rbps", &block_io.read_bytes),
        ("wbps", &block_io.write_bytes),
        ("riops", &block_io.read_operations),
        ("wiops", &block_io.write_operations),
    ];
    for (key, list) in rates {
        for rate in list {
            let value = if rate.rate == 0 { "max".to_owned() } else { rate.rate.to_string() };
            write(path, "io.max", format!("{}:{} {key}={value}", rate.major, rate.minor))?;
        }
    }
    Ok(())
}

/// RDMA limits; the file is the same on v1.
pub(super) fn rdma(path: &Path, limits: &Limits) -> Result<()> {
    for device in &limits.rdma {
        let mut value = device.device.clone();
        for (key, limit) in [("hca_handle", device.handles), ("hca_object", device.objects)] {
            if let Some(limit) = limit {
                value.push_str(&format!(" {key}={limit}"));
            }
        }
        write(path, "rdma.max", value)?;
    }
    Ok(())
}

/// Opens the directory as clone3(2) wants it for CLONE_INTO_CGROUP.
pub(super) fn open(directory: &Directory) -> Result<std::os::fd::OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(&directory.path, flags, Mode::empty())
        .during(|| format!("open {}", directory.path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_keep_the_ends_and_the_usual_value() {
        assert_eq!(weight_of_shares(2), 1);
        assert_eq!(weight_of_shares(1024), 100);
        assert_eq!(weight_of_shares(262_144), 10_000);
        assert_eq!(weight_of_shares(0), 0);
    }

    #[test]
    fn swap_is_what_exceeds_memory() {
        let memory = |limit, swap| Memory { limit, swap, ..Memory::default() };
        assert_eq!(swap_alone(&memory(Some(100), Some(150))).unwrap(), Some(50));
        assert_eq!(swap_alone(&memory(Some(100), Some(100))).unwrap(), Some(0));
        assert_eq!(swap_alone(&memory(Some(100), Some(-1))).unwrap(), Some(-1));
        assert_eq!(swap_alone(&memory(Some(100), None)).unwrap(), None);
        assert!(swap_alone(&memory(Some(100), Some(50))).is_err());
    }
}
