//! `container scale -d MOST NAME`: as many replicas as the load needs.

mod decide;
mod simulate;

pub use decide::{Decision, Policy, Reason};
pub(crate) use decide::{History, Sample};
pub use simulate::{Simulation, Trace, simulate};

use crate::controllers::scale::ScaleRequest;
use crate::fleet::Fleet;
use crate::report::Report;
use sampan_error::Result;
use std::collections::HashMap;

/// What is remembered of a group between two looks at its load.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    history: History,
    /// CPU time of each replica, and when it was read.
    cpu: HashMap<String, (i64, u64)>,
    last: Option<Decision>,
}

impl Fleet {
    /// Looks at the load of a container's replicas and scales them when it is time; says what was decided.
    ///
    /// # Errors
    /// As scaling.
    pub(crate) async fn autoscale(
        &self,
        container: &str,
        policy: &Policy,
        report: &Report,
    ) -> Result<String> {
        let (group, _) = self.group_of(container).await?;
        if group.operation.is_some() {
            return Ok("something else is under way".to_owned());
        }
        let members = self.place().members(&group).await?;
        if members.iter().any(|member| member.id == group.leader && member.stopped) {
            return Ok("the container is stopped".to_owned());
        }
        let mut memory = self.shared().memory(&group.name);
        let now = self.place().now();
        let mut sample = Sample { wanted: group.replicas, ..Sample::default() };
        let mut read = HashMap::new();
        for member in &members {
            if !member.is_ready(&group.settings, now) {
                sample.starting += u32::from(member.running);
                continue;
            }
            sample.ready += 1;
            let Ok(load) = self.place().load(&member.id).await else { continue };
            let before = memory.cpu.get(&member.id);
            if let Some((at, time)) = before.filter(|(at, time)| *at < load.at && *time <= load.cpu_time) {
                #[expect(clippy::cast_precision_loss, reason = "a share of a CPU needs few digits")]
                let used = (load.cpu_time - time) as f64 / (load.at - at) as f64;
                sample.add("cpu", 100.0 * used / load.cpus.max(0.01));
            }
            read.insert(member.id.clone(), (load.at, load.cpu_time));
            if let Some(limit) = load.memory_limit.filter(|limit| *limit > 0) {
                #[expect(clippy::cast_precision_loss, reason = "a share of memory needs few digits")]
                sample.add("memory", 100.0 * load.memory as f64 / limit as f64);
            }
            if let Some(connections) = load.connections {
                sample.add("connections", f64::from(u32::try_from(connections).unwrap_or(u32::MAX)));
            }
        }
        memory.cpu = read;
        let decision = decide::decide(policy, now, &sample, &mut memory.history);
        memory.last = Some(decision.clone());
        self.shared().remember(&group.name, memory);
        let text = decision.to_string();
        if decision.want != group.replicas {
            let request = ScaleRequest { replicas: decision.want, ..ScaleRequest::default() };
            self.scale(container, &request, report).await?;
        }
        Ok(text)
    }

    /// The last decision about a container, with its figures.
    #[must_use]
    pub fn last_decision(&self, name: &str) -> Option<Decision> {
        self.shared().memory(name).last
    }
}
