//! A specification as Kubernetes' objects. Nothing here asks anybody.

mod autoscaler;
mod container;
mod pod;
mod probe;
mod secrets;
mod security;
mod service;
mod volumes;

pub(crate) use autoscaler::autoscaler;
pub(crate) use container::has_plain_name;
pub(crate) use pod::{host, is_hostname};
pub(crate) use secrets::{Login, environment as environment_secret, pull as pull_secret};
pub(crate) use security::numbers;
pub(crate) use service::{NODE_PORTS, service};
pub(crate) use volumes::claim;

use crate::names;
use crate::settings::Settings;
use sampan_provider::Specification;
use serde_json::{Map, Value, json};

/// All objects of a specification, in the order in which one needs the other. `pull` is the secret with which nodes read
/// the registry.
pub(crate) fn all(specification: &Specification, settings: &Settings, pull: Option<&str>) -> Vec<Value> {
    let mut all: Vec<Value> = environment_secret(specification, settings).into_iter().collect();
    all.extend(specification.volumes.iter().map(|volume| claim(volume, &specification.name, settings)));
    all.extend(service(specification, settings));
    all.push(deployment(specification, settings, pull));
    all
}

/// What every object of a service begins with.
fn object(version: &str, kind: &str, called: &str, service: &str, settings: &Settings) -> Value {
    let mut metadata = json!({
        "name": called,
        "labels": names::labels(service),
        "annotations": { names::NAME: service },
    });
    if !settings.namespace.is_empty() {
        metadata["namespace"] = json!(settings.namespace);
    }
    json!({ "apiVersion": version, "kind": kind, "metadata": metadata })
}

/// The deployment.
pub(crate) fn deployment(specification: &Specification, settings: &Settings, pull: Option<&str>) -> Value {
    let name = &specification.name;
    let mut made = object("apps/v1", "Deployment", &names::object(name), name, settings);
    if let Some(annotations) = made["metadata"]["annotations"].as_object_mut() {
        annotations.extend(of_user(specification));
    }
    made["spec"] = json!({
        "replicas": specification.replicas,
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": 600,
        "selector": { "matchLabels": { names::MANAGED: "1", names::SERVICE: names::object(name) } },
        "strategy": strategy(specification, settings),
        "template": pod::template(specification, settings, pull),
    });
    made
}

/// The user's labels that can be annotations: as labels their values would have to be short.
fn of_user(specification: &Specification) -> Map<String, Value> {
    let kept = specification.labels.iter().filter(|(key, _)| names::is_annotation(key) && !is_own(key));
    kept.map(|(key, value)| (key.clone(), json!(value))).collect()
}

/// A key that others than the user write.
fn is_own(key: &str) -> bool {
    [names::NAME, names::FINGERPRINT, names::IMAGE, names::STOPPED].contains(&key)
        || key.contains("kubernetes.io/")
}

/// One after the other, the new one first; where a volume is written by one node only, the old ones end first.
fn strategy(specification: &Specification, settings: &Settings) -> Value {
    let writes = specification.volumes.iter().any(|volume| !volume.read_only);
    if writes && settings.is_one_writer() {
        return json!({ "type": "Recreate" });
    }
    json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } })
}

#[cfg(test)]
mod tests;
