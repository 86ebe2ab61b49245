//! `events`: what a container uses, as runc writes it.

use std::time::Duration;

use sampan_error::{Error, Result};
use sampan_runtime::cgroup::{BlockIoEntry, Statistics};

use crate::arguments::Flag;
use crate::store::{Status, Store};

const FLAGS: &[Flag] = &[Flag::switch("stats"), Flag::value("interval")];

pub(crate) fn run(given: &[String], store: &Store) -> Result<u8> {
    let (arguments, id) = super::with_id(FLAGS, given)?;
    let pause = interval(arguments.value("interval").unwrap_or("5s"))?;
    loop {
        let record = store.load(&id)?;
        if record.status(store) == Status::Stopped {
            return Err(Error::conflict(format!("container with id {id} is not running")));
        }
        println!("{}", document(&id, &record.cgroup.statistics()?));
        if arguments.has("stats") {
            return Ok(0);
        }
        std::thread::sleep(pause);
    }
}

/// Go's notation of durations, as far as anybody gives one here.
fn interval(text: &str) -> Result<Duration> {
    let wrong = || Error::invalid(format!("{text:?} is no interval such as 5s"));
    let (number, unit) =
        text.split_at(text.find(|letter: char| letter.is_alphabetic()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let milliseconds = match unit {
        "ms" => number,
        "s" | "" => number * 1000,
        "m" => number * 60_000,
        _ => return Err(wrong()),
    };
    if milliseconds == 0 { Err(wrong()) } else { Ok(Duration::from_millis(milliseconds)) }
}

fn document(id: &str, found: &Statistics) -> serde_json::Value {
    let entries = |list: &[BlockIoEntry]| -> Vec<serde_json::Value> {
        let entry = |entry: &BlockIoEntry| {
            serde_json::json!({
                "major": entry.major, "minor": entry.minor, "op": entry.operation, "value": entry.value,
            })
        };
        list.iter().map(entry).collect()
    };
    let raw: serde_json::Map<String, serde_json::Value> =
        found.memory.detail.iter().map(|(name, value)| (name.clone(), (*value).into())).collect();
    let cache = raw.get("cache").or_else(|| raw.get("file")).cloned().unwrap_or_default();
    let huge_pages: serde_json::Map<String, serde_json::Value> = found
        .huge_pages
        .iter()
        .map(|page| {
            let value =
                serde_json::json!({"usage": page.usage, "max": page.max_usage, "failcnt": page.failures});
            (page.size.clone(), value)
        })
        .collect();
    serde_json::json!({
        "type": "stats",
        "id": id,
        "data": {
            "cpu": {
                "usage": {
                    "total": found.cpu.total, "percpu": found.cpu.per_cpu,
                    "kernel": found.cpu.system, "user": found.cpu.user,
                },
                "throttling": {
                    "periods": found.cpu.periods, "throttledPeriods": found.cpu.throttled_periods,
                    "throttledTime": found.cpu.throttled,
                },
            },
            "memory": {
                "cache": cache,
                "usage": {
                    "limit": found.memory.limit, "usage": found.memory.usage,
                    "max": found.memory.max_usage, "failcnt": found.memory.failures,
                },
                "raw": raw,
            },
            "pids": { "current": found.pids.current, "limit": found.pids.limit },
            "blkio": {
                "ioServiceBytesRecursive": entries(&found.block_io.service_bytes),
                "ioServicedRecursive": entries(&found.block_io.serviced),
            },
            "hugetlb": huge_pages,
        },
    })
}
