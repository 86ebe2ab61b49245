//! Back to the revision before: the template of its replica set, as `kubectl rollout undo` does it.

use super::describe::revision;
use super::instances::HASH;
use super::{Kubernetes, text};
use crate::client::Kind;
use crate::names;
use sampan_provider::{Failure, Result, Service};
use serde_json::{Value, json};

impl Kubernetes {
    /// What was there before the last deployment. Its service and volumes stay as they are.
    pub(super) async fn previous(&self, name: &str) -> Result<Service> {
        let deployment = self.ours(name).await?;
        let (sets, _) = self.client.list(Kind::REPLICA_SET, &names::selector(name)).await?;
        let uid = &deployment["metadata"]["uid"];
        let is_own = |set: &&Value| {
            set["metadata"]["ownerReferences"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|owner| owner["uid"] == *uid)
        };
        let now = revision(&deployment);
        let earlier = sets.iter().filter(is_own).filter(|set| revision(set) > 0 && revision(set) < now);
        let before = earlier.max_by_key(|set| revision(set)).ok_or_else(|| {
            Failure::Conflict(format!("there was no other {name} before this one: nothing to go back to"))
        })?;
        self.client.apply(Kind::DEPLOYMENT, &with_template(&deployment, before)).await?;
        self.one(name).await
    }
}

/// A deployment with the template of one of its replica sets. It is applied, not patched: so its fields are owned as those
/// of a deployment that was specified, and the next one removes what it does not have.
fn with_template(deployment: &Value, set: &Value) -> Value {
    let mut spec = deployment["spec"].clone();
    let mut template = set["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    if let Some(metadata) = template["metadata"].as_object_mut() {
        metadata.remove("creationTimestamp");
    }
    spec["template"] = template;
    let mut annotations = deployment["metadata"]["annotations"].clone();
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.retain(|key, _| !key.contains("kubernetes.io/") && key != names::STOPPED);
    }
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": text(deployment, "/metadata/name"),
            "labels": deployment["metadata"]["labels"],
            "annotations": annotations,
        },
        "spec": spec,
    })
}
