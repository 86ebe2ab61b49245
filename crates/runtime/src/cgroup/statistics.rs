//! What a container uses, in the numbers that Docker's statistics show.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Cgroup, read};
use crate::error::Result;

/// What a container uses. Numbers that a host does not keep are 0 or empty.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Processors.
    pub cpu: CpuStatistics,
    /// Memory.
    pub memory: MemoryStatistics,
    /// Processes and threads.
    pub pids: PidsStatistics,
    /// Block devices.
    pub block_io: BlockIoStatistics,
    /// Huge pages.
    pub huge_pages: Vec<HugePageStatistics>,
    /// Whether the numbers come from cgroup v2, which names some of them differently.
    pub unified: bool,
}

/// Processor time in nanoseconds since the cgroup was made.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CpuStatistics {
    /// All.
    pub total: u64,
    /// In programs.
    pub user: u64,
    /// In the kernel.
    pub system: u64,
    /// Per processor (v1 only).
    pub per_cpu: Vec<u64>,
    /// Periods in which there was a quota.
    pub periods: u64,
    /// Periods in which it was used up.
    pub throttled_periods: u64,
    /// Nanoseconds spent waiting for the next period.
    pub throttled: u64,
}

/// Memory in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MemoryStatistics {
    /// In use, with the page cache.
    pub usage: u64,
    /// The most that ever was (v1; v2 since Linux 5.19).
    pub max_usage: u64,
    /// The limit; `u64::MAX` is none.
    pub limit: u64,
    /// How often the limit was hit (v1), or processes were stopped for it (v2).
    pub failures: u64,
    /// Swap in use.
    pub swap: u64,
    /// How many processes the out-of-memory killer has ended.
    pub oom_kills: u64,
    /// `memory.stat`, line by line.
    pub detail: Vec<(String, u64)>,
}

/// Processes and threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PidsStatistics {
    /// How many there are.
    pub current: u64,
    /// The limit; 0 is none.
    pub limit: u64,
}

/// Input and output of block devices.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlockIoStatistics {
    /// Bytes.
    pub service_bytes: Vec<BlockIoEntry>,
    /// Operations.
    pub serviced: Vec<BlockIoEntry>,
}

/// A counter of one block device.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BlockIoEntry {
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// What is counted: `Read`, `Write`, … on v1, `read` and `write` on v2.
    pub operation: String,
    /// The count.
    pub value: u64,
}

/// Huge pages of one size.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HugePageStatistics {
    /// The size, as in `2MB`.
    pub size: String,
    /// Bytes in use.
    pub usage: u64,
    /// The most that ever was (v1).
    pub max_usage: u64,
    /// How often the limit was hit.
    pub failures: u64,
}

impl Cgroup {
    /// Reads all counters.
    ///
    /// # Errors
    /// The cgroup is gone.
    pub fn statistics(&self) -> Result<Statistics> {
        let mut found = Statistics { unified: super::host_is_unified(), ..Statistics::default() };
        for directory in self.all() {
            let path = directory.path.as_path();
            for controller in &directory.controllers {
                match (controller.as_str(), directory.unified) {
                    ("cpuacct", false) => cpu_usage_v1(path, &mut found.cpu)?,
                    ("cpu", false) => {
                        throttling(&pairs(path, "cpu.stat"), &mut found.cpu, "throttled_time", 1);
                    }
                    ("memory", false) => memory_v1(path, &mut found.memory)?,
                    ("blkio", false) => block_io_v1(path, &mut found.block_io),
                    ("memory", true) => memory_v2(path, &mut found.memory)?,
                    ("io", true) => block_io_v2(path, &mut found.block_io),
                    ("pids", _) => found.pids = pids(path)?,
                    ("hugetlb", unified) => huge_pages(path, unified, &mut found.huge_pages),
                    _ => {}
                }
            }
            if directory.unified && found.unified {
                cpu_v2(path, &mut found.cpu)?;
            }
        }
        Ok(found)
    }

    /// How many processes of the container the out-of-memory killer has ended.
    ///
    /// # Errors
    /// The cgroup is gone.
    pub fn oom_kills(&self) -> Result<u64> {
        let Some(directory) = self.find("memory") else { return Ok(0) };
        let file = if directory.unified { "memory.events" } else { "memory.oom_control" };
        Ok(lookup(&parse_pairs(&read(&directory.path, file)?), "oom_kill"))
    }
}

/// Lines of `name value`; a file that is not there has none.
fn pairs(path: &Path, file: &str) -> Vec<(String, u64)> {
    read(path, file).map(|text| parse_pairs(&text)).unwrap_or_default()
}

fn parse_pairs(text: &str) -> Vec<(String, u64)> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(' ')?;
            Some((name.to_owned(), value.trim().parse().ok()?))
        })
        .collect()
}

fn lookup(pairs: &[(String, u64)], name: &str) -> u64 {
    pairs.iter().find(|(known, _)| known == name).map_or(0, |(_, value)| *value)
}

/// A number; `max` is `u64::MAX`, and a file that is not there gives `None`.
fn value(path: &Path, file: &str) -> Option<u64> {
    let text = read(path, file).ok()?;
    if text == "max" { Some(u64::MAX) } else { text.parse().ok() }
}

fn throttling(pairs: &[(String, u64)], cpu: &mut CpuStatistics, time: &str, unit: u64) {
    cpu.periods = lookup(pairs, "nr_periods");
    cpu.throttled_periods = lookup(pairs, "nr_throttled");
    cpu.throttled = lookup(pairs, time) * unit;
}

fn cpu_usage_v1(path: &Path, cpu: &mut CpuStatistics) -> Result<()> {
    cpu.total = read(path, "cpuacct.usage")?.parse().unwrap_or(0);
    cpu.per_cpu =
        read(path, "cpuacct.usage_percpu")?.split_whitespace().filter_map(|text| text.parse().ok()).collect();
    // The two parts in nanoseconds where the kernel has them (4.7), else in ticks of 10 ms.
    match (value(path, "cpuacct.usage_user"), value(path, "cpuacct.usage_sys")) {
        (Some(user), Some(system)) => (cpu.user, cpu.system) = (user, system),
        _ => {
            let ticks = pairs(path, "cpuacct.stat");
            cpu.user = lookup(&ticks, "user") * 10_000_000;
            cpu.system = lookup(&ticks, "system") * 10_000_000;
        }
    }
    Ok(())
}

fn cpu_v2(path: &Path, cpu: &mut CpuStatistics) -> Result<()> {
    let numbers = parse_pairs(&read(path, "cpu.stat")?);
    cpu.total = lookup(&numbers, "usage_usec") * 1000;
    cpu.user = lookup(&numbers, "user_usec") * 1000;
    cpu.system = lookup(&numbers, "system_usec") * 1000;
    throttling(&numbers, cpu, "throttled_usec", 1000);
    Ok(())
}

fn memory_v1(path: &Path, memory: &mut MemoryStatistics) -> Result<()> {
    memory.usage = read(path, "memory.usage_in_bytes")?.parse().unwrap_or(0);
    memory.max_usage = value(path, "memory.max_usage_in_bytes").unwrap_or(0);
    // The kernel's "no limit" is the largest multiple of a page in 63 bits.
    memory.limit = value(path, "memory.limit_in_bytes")
        .filter(|limit| *limit < 0x7fff_ffff_ffff_0000)
        .unwrap_or(u64::MAX);
    memory.failures = value(path, "memory.failcnt").unwrap_or(0);
    memory.detail = pairs(path, "memory.stat");
    memory.swap = lookup(&memory.detail, "total_swap");
    memory.oom_kills = lookup(&pairs(path, "memory.oom_control"), "oom_kill");
    Ok(())
}

fn memory_v2(path: &Path, memory: &mut MemoryStatistics) -> Result<()> {
    memory.usage = read(path, "memory.current")?.parse().unwrap_or(0);
    memory.max_usage = value(path, "memory.peak").unwrap_or(0);
    memory.limit = value(path, "memory.max").unwrap_or(u64::MAX);
    memory.swap = value(path, "memory.swap.current").unwrap_or(0);
    memory.detail = pairs(path, "memory.stat");
    let events = pairs(path, "memory.events");
    memory.failures = lookup(&events, "max");
    memory.oom_kills = lookup(&events, "oom_kill");
    Ok(())
}

fn pids(path: &Path) -> Result<PidsStatistics> {
    let current = read(path, "pids.current")?.parse().unwrap_or(0);
    let limit = value(path, "pids.max").filter(|limit| *limit != u64::MAX).unwrap_or(0);
    Ok(PidsStatistics { current, limit })
}

fn block_io_v1(path: &Path, found: &mut BlockIoStatistics) {
    let first = |files: [&str; 2]| {
        files
            .iter()
            .filter_map(|file| read(path, file).ok())
            .map(|text| entries_v1(&text))
            .find(|entries| !entries.is_empty())
            .unwrap_or_default()
    };
    found.service_bytes =
        first(["blkio.bfq.io_service_bytes_recursive", "blkio.throttle.io_service_bytes_recursive"]);
    found.serviced = first(["blkio.bfq.io_serviced_recursive", "blkio.throttle.io_serviced_recursive"]);
}

/// Lines such as `8:0 Read 4096`; the sum over all devices at the end has no numbers and is left out.
fn entries_v1(text: &str) -> Vec<BlockIoEntry> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (major, minor) = words.next()?.split_once(':')?;
            Some(BlockIoEntry {
                major: major.parse().ok()?,
                minor: minor.parse().ok()?,
                operation: words.next()?.to_owned(),
                value: words.next()?.parse().ok()?,
            })
        })
        .collect()
}

/// Lines such as `8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0`.
fn block_io_v2(path: &Path, found: &mut BlockIoStatistics) {
    for line in read(path, "io.stat").unwrap_or_default().lines() {
        let mut words = line.split_whitespace();
        let Some((major, minor)) = words.next().and_then(|device| device.split_once(':')) else { continue };
        let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) else { continue };
        for word in words {
            let Some((key, number)) = word.split_once('=') else { continue };
            let (list, operation) = match key {
                "rbytes" => (&mut found.service_bytes, "read"),
                "wbytes" => (&mut found.service_bytes, "write"),
                "rios" => (&mut found.serviced, "read"),
                "wios" => (&mut found.serviced, "write"),
                _ => continue,
            };
            let value = number.parse().unwrap_or(0);
            list.push(BlockIoEntry { major, minor, operation: operation.to_owned(), value });
        }
    }
}

fn huge_pages(path: &Path, unified: bool, found: &mut Vec<HugePageStatistics>) {
    let suffix = if unified { ".current" } else { ".usage_in_bytes" };
    let Ok(entries) = std::fs::read_dir(path) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(size) = name
            .to_str()
            .and_then(|name| name.strip_prefix("hugetlb.")?.strip_suffix(suffix))
            .filter(|size| !size.contains('.'))
        else {
            continue;
        };
        found.push(HugePageStatistics {
            size: size.to_owned(),
            usage: value(path, &format!("hugetlb.{size}{suffix}")).unwrap_or(0),
            max_usage: value(path, &format!("hugetlb.{size}.max_usage_in_bytes")).unwrap_or(0),
            failures: value(path, &format!("hugetlb.{size}.failcnt")).unwrap_or(0),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_entries_leave_out_the_sum() {
        let entries = entries_v1("8:0 Read 4096\n8:0 Total 4096\nTotal 4096");
        assert_eq!(entries.len(), 2);
        assert_eq!((entries[0].major, entries[0].operation.as_str(), entries[0].value), (8, "Read", 4096));
    }
}
