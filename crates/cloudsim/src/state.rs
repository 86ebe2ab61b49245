//! What a region knows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::wire::members::Tags;

/// Everything of one region; what belongs to no region is in the one named `global`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Region {
    pub(crate) name: String,
    /// Tags of everything, by ARN or id.
    pub(crate) tags: BTreeMap<String, Tags>,
    /// Things that only are: by kind (`cluster`, `role`, `log-group` …), then by name, as they are described.
    pub(crate) things: BTreeMap<String, BTreeMap<String, Value>>,
    /// The last revision of each family of task definitions.
    pub(crate) revisions: BTreeMap<String, u64>,
    /// By ARN.
    pub(crate) services: BTreeMap<String, Service>,
    /// By ARN.
    pub(crate) tasks: BTreeMap<String, Task>,
    /// Load balancers' targets, by target group and then by `address:port`.
    pub(crate) targets: BTreeMap<String, BTreeMap<String, Target>>,
}

impl Region {
    /// A thing.
    pub(crate) fn thing(&self, kind: &str, name: &str) -> Option<&Value> {
        self.things.get(kind)?.get(name)
    }

    /// The things of a kind.
    pub(crate) fn all(&self, kind: &str) -> impl Iterator<Item = &Value> {
        self.things.get(kind).into_iter().flat_map(BTreeMap::values)
    }

    /// Keeps a thing.
    pub(crate) fn keep(&mut self, kind: &str, name: &str, thing: Value) {
        self.things.entry(kind.into()).or_default().insert(name.into(), thing);
    }

    /// Forgets a thing and says whether it was there.
    pub(crate) fn forget(&mut self, kind: &str, name: &str) -> Option<Value> {
        self.things.get_mut(kind)?.remove(name)
    }

    /// Adds tags.
    pub(crate) fn tag(&mut self, arn: &str, tags: Tags) {
        if !tags.is_empty() {
            self.tags.entry(arn.into()).or_default().extend(tags);
        }
    }
}

/// A service of ECS.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Service {
    pub(crate) arn: String,
    pub(crate) name: String,
    /// The cluster's ARN.
    pub(crate) cluster: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub(crate) status: String,
    pub(crate) desired: usize,
    /// Members of the request that are only given back.
    pub(crate) given: Value,
    pub(crate) deployments: Vec<Deployment>,
    /// The task definition of the last rollout that was completed.
    pub(crate) proven: Option<String>,
    pub(crate) events: Vec<(i64, String)>,
    pub(crate) created: i64,
    /// No task is started before: what fails again and again is tried less often.
    pub(crate) not_before: i64,
}

impl Service {
    /// Says what happened, newest first.
    pub(crate) fn say(&mut self, now: i64, what: &str) {
        self.events.insert(0, (now, format!("(service {}) {what}", self.name)));
        self.events.truncate(100);
    }

    /// The deployment that is wanted.
    pub(crate) fn primary(&mut self) -> Option<&mut Deployment> {
        self.deployments.iter_mut().find(|deployment| deployment.is_primary)
    }
}

/// One task definition on its way into a service, or in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) definition: String,
    pub(crate) is_primary: bool,
    pub(crate) failed_tasks: usize,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub(crate) rollout: String,
    pub(crate) reason: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// Stays in progress: an ordered fault.
    pub(crate) is_stuck: bool,
    /// Whether it is the circuit breaker's way back.
    pub(crate) is_rollback: bool,
}

/// A task of ECS.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Task {
    pub(crate) arn: String,
    pub(crate) id: String,
    pub(crate) cluster: String,
    pub(crate) definition: String,
    /// The service's ARN, if it is of one.
    pub(crate) service: Option<String>,
    pub(crate) group: String,
    pub(crate) started_by: String,
    /// Whether it is wanted.
    pub(crate) is_wanted: bool,
    /// `PROVISIONING`, `PENDING`, `RUNNING`, `DEACTIVATING`, `STOPPING` or `STOPPED`.
    pub(crate) status: String,
    /// By the names of the definition, in its order.
    pub(crate) containers: Vec<Container>,
    pub(crate) address: Option<String>,
    pub(crate) overrides: Value,
    pub(crate) created: i64,
    pub(crate) started: Option<i64>,
    pub(crate) stopping: Option<i64>,
    pub(crate) stopped: Option<i64>,
    pub(crate) stop_code: String,
    pub(crate) stop_reason: String,
    /// It failed by itself and was counted.
    pub(crate) is_counted: bool,
}

/// A container of a task.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Container {
    pub(crate) name: String,
    /// The engine's id.
    pub(crate) id: Option<String>,
    pub(crate) image: String,
    pub(crate) is_essential: bool,
    /// Whether its definition has a health check.
    pub(crate) is_checked: bool,
    /// `UNKNOWN`, `HEALTHY` or `UNHEALTHY`.
    pub(crate) health: String,
    pub(crate) is_running: bool,
    pub(crate) exit_code: Option<i64>,
    pub(crate) reason: Option<String>,
}

/// A target of a load balancer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Target {
    /// `initial`, `healthy`, `unhealthy` or `draining`.
    pub(crate) state: String,
    pub(crate) since: i64,
}
