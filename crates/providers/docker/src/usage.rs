//! What replicas use.

use crate::engine::{Docker, name_of, number, text};
use sampan_engine_client::Query;
use sampan_provider::{Result, Usage};
use serde_json::Value;

impl Docker {
    pub(crate) async fn usage_of(&self, service: &str) -> Result<Vec<Usage>> {
        let members = self.members(service).await?;
        let running = members.now.iter().filter(|one| text(one, "/State") == "running");
        let all = running.map(|one| async move {
            let query = Query::path("/containers/{}/stats", &[text(one, "/Id")]).with("stream", "0");
            self.get(query).await.map(|stats| usage(name_of(one), &stats))
        });
        futures_util::future::try_join_all(all).await
    }
}

/// As `docker stats` counts it.
fn usage(name: &str, stats: &Value) -> Usage {
    #[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
    let part = |pointer: &str| number(stats, pointer).unwrap_or(0) as f64;
    let cpu = part("/cpu_stats/cpu_usage/total_usage") - part("/precpu_stats/cpu_usage/total_usage");
    let system = part("/cpu_stats/system_cpu_usage") - part("/precpu_stats/system_cpu_usage");
    let networks = stats.get("networks").and_then(Value::as_object);
    let sum =
        |field: &str| networks.map(|all| all.values().filter_map(|one| number(one, field)).sum::<u64>());
    let memory = number(stats, "/memory_stats/usage");
    let cache = ["/memory_stats/stats/total_inactive_file", "/memory_stats/stats/inactive_file"];
    let cache = cache.into_iter().find_map(|pointer| number(stats, pointer)).unwrap_or(0);
    let at = text(stats, "/read").parse::<jiff::Timestamp>().ok();
    Usage {
        name: name.to_owned(),
        cpu_percent: (system > 0.0 && cpu >= 0.0)
            .then(|| cpu / system * part("/cpu_stats/online_cpus").max(1.0) * 100.0),
        memory: memory.map(|bytes| bytes.saturating_sub(cache)),
        memory_limit: number(stats, "/memory_stats/limit"),
        network: sum("/rx_bytes").zip(sum("/tx_bytes")),
        processes: number(stats, "/pids_stats/current"),
        at: at.and_then(|at| i64::try_from(at.as_nanosecond()).ok()).unwrap_or(0),
        ..Usage::default()
    }
}
