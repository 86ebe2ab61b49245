//! The pods of a service.

use super::describe::revision;
use super::{Kubernetes, condition, nanoseconds, text};
use crate::client::Kind;
use crate::names;
use sampan_provider::{Instance, Result};
use serde_json::Value;
use std::collections::BTreeMap;

/// Which revision a pod and its replica set are of: a label of Kubernetes'.
pub(super) const HASH: &str = "pod-template-hash";

impl Kubernetes {
    /// The running copies.
    pub(super) async fn copies(&self, name: &str) -> Result<Vec<Instance>> {
        self.ours(name).await?;
        let (pods, _) = self.client.list(Kind::POD, &names::selector(name)).await?;
        let (sets, _) = self.client.list(Kind::REPLICA_SET, &names::selector(name)).await?;
        let revisions: BTreeMap<String, u64> =
            sets.iter().map(|set| (text(&set["metadata"]["labels"][HASH], ""), revision(set))).collect();
        let mut all: Vec<Instance> =
            pods.iter().filter(|pod| !is_over(pod)).map(|pod| instance(pod, &revisions)).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }
}

/// Its programs ended for good; another one takes its place.
fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase").as_str(), "Succeeded" | "Failed")
}

fn instance(pod: &Value, revisions: &BTreeMap<String, u64>) -> Instance {
    let ending = !pod["metadata"]["deletionTimestamp"].is_null();
    let waiting = text(pod, "/status/containerStatuses/0/state/waiting/reason");
    let state = match () {
        () if ending => "Terminating".to_owned(),
        () if !waiting.is_empty() => waiting,
        () => text(pod, "/status/phase"),
    };
    let hash = text(&pod["metadata"]["labels"][HASH], "");
    Instance {
        id: text(pod, "/metadata/uid"),
        name: text(pod, "/metadata/name"),
        state,
        ready: !ending && condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True"),
        revision: revisions.get(&hash).copied().unwrap_or(0),
        started: nanoseconds(pod, "/status/startTime"),
    }
}
