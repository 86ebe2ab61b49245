//! What a container uses, as `stats` shows it, with Docker's formulas.

use serde_json::Value as Json;

use super::Fields;
use super::container::short;
use crate::format::table::{Column, Kind};
use crate::format::units;

/// The table of `stats`.
pub(crate) const TABLE: &str = "table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t{{.BlockIO}}\t{{.PIDs}}";

const NOTHING: &str = "--";

/// One reading of a container's use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Usage {
    /// The name or id it was asked for by.
    pub(crate) container: String,
    /// With its leading slash.
    pub(crate) name: String,
    /// The full id.
    pub(crate) id: String,
    /// Of one processor, in percent.
    pub(crate) cpu: f64,
    /// Bytes in use, without the page cache that could be dropped.
    pub(crate) memory: f64,
    /// The most it may use, in bytes.
    pub(crate) memory_limit: f64,
    /// Of its limit, in percent.
    pub(crate) memory_percent: f64,
    /// Bytes received and sent over all interfaces.
    pub(crate) network: (f64, f64),
    /// Bytes read and written on block devices.
    pub(crate) block: (f64, f64),
    /// Processes and threads.
    pub(crate) pids: u64,
    /// There is no reading: shown as dashes.
    pub(crate) invalid: bool,
}

impl Usage {
    /// A container that was not read yet.
    pub(crate) fn of(container: &str) -> Self {
        Self { container: container.into(), ..Self::default() }
    }

    /// Takes over a reading of `GET /containers/X/stats`.
    pub(crate) fn read(&mut self, reading: &Json) {
        let memory = reading.field("memory_stats");
        let limit = number(memory, "limit");
        let used = used_memory(memory);
        *self = Self {
            container: std::mem::take(&mut self.container),
            name: reading.text("name").into(),
            id: reading.text("id").into(),
            cpu: cpu_percent(reading),
            memory: used,
            memory_limit: limit,
            memory_percent: if limit == 0.0 { 0.0 } else { used / limit * 100.0 },
            network: network(reading),
            block: block(reading),
            pids: reading.field("pids_stats").field("current").as_u64().unwrap_or_default(),
            invalid: false,
        };
    }

    /// Forgets the numbers: nothing came for too long.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            container: std::mem::take(&mut self.container),
            name: std::mem::take(&mut self.name),
            id: std::mem::take(&mut self.id),
            invalid: true,
            ..Self::default()
        };
    }
}

#[expect(clippy::cast_precision_loss, reason = "percentages for people")]
fn number(document: &Json, key: &str) -> f64 {
    document.field(key).as_u64().unwrap_or_default() as f64
}

/// The share of the machine's time between two readings, times the number of processors.
fn cpu_percent(reading: &Json) -> f64 {
    let (now, before) = (reading.field("cpu_stats"), reading.field("precpu_stats"));
    let total = |stats: &Json| number(stats.field("cpu_usage"), "total_usage");
    let container = total(now) - total(before);
    let system = number(now, "system_cpu_usage") - number(before, "system_cpu_usage");
    let mut processors = number(now, "online_cpus");
    if processors == 0.0 {
        let listed = now.field("cpu_usage").list("percpu_usage").len();
        processors = f64::from(u32::try_from(listed).unwrap_or_default());
    }
    if system > 0.0 && container > 0.0 { container / system * processors * 100.0 } else { 0.0 }
}

/// The use without the inactive page cache: cgroup v1 counts it in `total_inactive_file`, v2 in
/// `inactive_file`.
fn used_memory(memory: &Json) -> f64 {
    let usage = memory.field("usage").as_u64().unwrap_or_default();
    let details = memory.field("stats");
    let inactive = details.get("total_inactive_file").and_then(Json::as_u64).filter(|cache| *cache < usage);
    let inactive = inactive.or_else(|| {
        Some(details.get("inactive_file").and_then(Json::as_u64).unwrap_or_default())
            .filter(|cache| *cache < usage)
    });
    #[expect(clippy::cast_precision_loss, reason = "sizes for people")]
    let used = (usage - inactive.unwrap_or_default()) as f64;
    used
}

fn network(reading: &Json) -> (f64, f64) {
    let interfaces = reading.field("networks").as_object().into_iter().flatten();
    interfaces.fold((0.0, 0.0), |(received, sent), (_, interface)| {
        (received + number(interface, "rx_bytes"), sent + number(interface, "tx_bytes"))
    })
}

fn block(reading: &Json) -> (f64, f64) {
    let entries = reading.field("blkio_stats").list("io_service_bytes_recursive");
    entries.iter().fold((0.0, 0.0), |(read, written), entry| match entry.text("op").chars().next() {
        Some('r' | 'R') => (read + number(entry, "value"), written),
        Some('w' | 'W') => (read, written + number(entry, "value")),
        _ => (read, written),
    })
}

/// A row of `stats`.
pub(crate) static STATS: Kind<Usage> = Kind {
    type_name: "*container.statsContext",
    columns: &[
        Column {
            name: "Container",
            title: Some("CONTAINER"),
            value: |item, _| item.container.as_str().into(),
        },
        Column {
            name: "Name",
            title: Some("NAME"),
            value: |item, _| if item.name.len() > 1 { item.name[1..].into() } else { NOTHING.into() },
        },
        Column { name: "ID", title: Some("CONTAINER ID"), value: |item, style| short(&item.id, style) },
        Column {
            name: "CPUPerc",
            title: Some("CPU %"),
            value: |item, _| unless_invalid(item, |item| percent(item.cpu)),
        },
        Column {
            name: "MemUsage",
            title: Some("MEM USAGE / LIMIT"),
            value: |item, _| {
                if item.invalid {
                    return "-- / --".into();
                }
                format!("{} / {}", units::bytes_size(item.memory), units::bytes_size(item.memory_limit))
                    .into()
            },
        },
        Column {
            name: "MemPerc",
            title: Some("MEM %"),
            value: |item, _| unless_invalid(item, |item| percent(item.memory_percent)),
        },
        Column {
            name: "NetIO",
            title: Some("NET I/O"),
            value: |item, _| unless_invalid(item, |item| pair(item.network)),
        },
        Column {
            name: "BlockIO",
            title: Some("BLOCK I/O"),
            value: |item, _| unless_invalid(item, |item| pair(item.block)),
        },
        Column {
            name: "PIDs",
            title: Some("PIDS"),
            value: |item, _| unless_invalid(item, |item| item.pids.to_string()),
        },
    ],
    label: None,
};

fn unless_invalid(item: &Usage, show: fn(&Usage) -> String) -> crate::format::value::Value {
    if item.invalid { NOTHING.into() } else { show(item).into() }
}

fn percent(value: f64) -> String {
    format!("{value:.2}%")
}

fn pair((first, second): (f64, f64)) -> String {
    format!(
        "{} / {}",
        units::human_size_with_precision(first, 3),
        units::human_size_with_precision(second, 3)
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn uses_dockers_formulas() {
        let mut usage = Usage::of("web");
        usage.read(&json!({
            "name": "/web", "id": "0123456789abcdef",
            "cpu_stats": {"cpu_usage": {"total_usage": 300}, "system_cpu_usage": 2000, "online_cpus": 2},
            "precpu_stats": {"cpu_usage": {"total_usage": 100}, "system_cpu_usage": 1000},
            "memory_stats": {"usage": 2048, "limit": 4096, "stats": {"total_inactive_file": 1024, "inactive_file": 1}},
            "networks": {"eth0": {"rx_bytes": 1000, "tx_bytes": 1}, "eth1": {"rx_bytes": 500, "tx_bytes": 1}},
            "blkio_stats": {"io_service_bytes_recursive": [{"op": "Read", "value": 5}, {"op": "write", "value": 7}]},
            "pids_stats": {"current": 3},
        }));
        assert_eq!(percent(usage.cpu), "40.00%");
        assert_eq!((usage.memory, usage.memory_percent), (1024.0, 25.0));
        assert_eq!(pair(usage.network), "1.5kB / 2B");
        assert_eq!(pair(usage.block), "5B / 7B");
        assert_eq!(usage.pids, 3);
    }
}
