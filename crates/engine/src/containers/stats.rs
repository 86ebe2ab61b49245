//! How much of the machine a container uses.

use super::{ContainerRecord, InterfaceCounters, StatsSample};
use crate::Engine;
use sampan_error::{Context, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Clock ticks per second of /proc/stat: USER_HZ, 100 on every Linux that this runs on (proc_stat(5)).
const NANOSECONDS_PER_TICK: u64 = 10_000_000;

impl Engine {
    /// One sample. A container that does not run gives zeros, as Docker does.
    ///
    /// # Errors
    /// No such container, or its cgroups cannot be read.
    pub async fn stats(&self, reference: &str) -> Result<StatsSample> {
        self.recovered().await;
        let record = self.container(reference)?.record();
        let engine = self.clone();
        crate::blocking(move || engine.sample(&record)).await
    }

    fn sample(&self, record: &Arc<ContainerRecord>) -> Result<StatsSample> {
        let mut sample = StatsSample {
            read: crate::clock::now(),
            online_cpus: self.inner.machine.cpus,
            machine_memory: self.inner.machine.memory,
            system_cpu: system_cpu()?,
            ..Default::default()
        };
        if !record.is_running() {
            return Ok(sample);
        }
        sample.cgroup = self.cgroup(record)?.statistics()?;
        sample.networks = self.interfaces(record);
        Ok(sample)
    }

    fn interfaces(&self, record: &ContainerRecord) -> BTreeMap<String, InterfaceCounters> {
        let mut interfaces = BTreeMap::new();
        for endpoint in &record.network.endpoints {
            // An endpoint that went away in this moment has no counters any more.
            let Ok(counters) = self.inner.network.statistics(endpoint) else { continue };
            interfaces.insert(
                endpoint.interface.clone(),
                InterfaceCounters {
                    received: [
                        counters.received_bytes,
                        counters.received_packets,
                        counters.received_errors,
                        counters.received_dropped,
                    ],
                    sent: [
                        counters.sent_bytes,
                        counters.sent_packets,
                        counters.sent_errors,
                        counters.sent_dropped,
                    ],
                },
            );
        }
        interfaces
    }
}

/// CPU time of the whole machine in nanoseconds, idle time included: the first seven numbers of the first
/// line of /proc/stat, as Docker's clients expect it in `system_cpu_usage`.
fn system_cpu() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let ticks: u64 = line.split_whitespace().skip(1).take(7).filter_map(|it| it.parse::<u64>().ok()).sum();
    Ok(ticks * NANOSECONDS_PER_TICK)
}
