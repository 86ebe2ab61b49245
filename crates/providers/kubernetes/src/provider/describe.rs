//! What a cluster says of a service, in our words.

use super::{Kubernetes, condition, nanoseconds, number, text};
use crate::client::Kind;
use crate::names;
use sampan_provider::{Address, Result, Rollout, Service, State};
use serde_json::Value;

/// The number of a deployment's revision: an annotation of Kubernetes'.
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";

/// A deployment with what belongs to it.
#[derive(Default)]
struct Found<'a> {
    service: Option<&'a Value>,
    autoscaler: Option<&'a Value>,
    pods: &'a [Value],
}

impl Kubernetes {
    /// One service.
    pub(super) async fn one(&self, name: &str) -> Result<Service> {
        let deployment = self.ours(name).await?;
        let called = names::object(name);
        let service = self.client.get(Kind::SERVICE, &called).await?;
        let autoscaler = self.client.get(Kind::AUTOSCALER, &called).await?;
        let (pods, _) = self.client.list(Kind::POD, &names::selector(name)).await?;
        let found = Found { service: service.as_ref(), autoscaler: autoscaler.as_ref(), pods: &pods };
        Ok(self.told(&deployment, &found))
    }

    /// All that are ours.
    pub(super) async fn all(&self) -> Result<Vec<Service>> {
        let selector = format!("{}=1", names::MANAGED);
        let (deployments, _) = self.client.list(Kind::DEPLOYMENT, &selector).await?;
        if deployments.is_empty() {
            return Ok(Vec::new());
        }
        let (services, _) = self.client.list(Kind::SERVICE, &selector).await?;
        let (autoscalers, _) = self.client.list(Kind::AUTOSCALER, &selector).await?;
        let (pods, _) = self.client.list(Kind::POD, &selector).await?;
        let mut all: Vec<Service> = deployments
            .iter()
            .map(|deployment| {
                let called = text(deployment, "/metadata/name");
                let same = |one: &&Value| one["metadata"]["name"] == called.as_str();
                let is_mine = |pod: &&Value| pod["metadata"]["labels"][names::SERVICE] == called.as_str();
                let pods: Vec<Value> = pods.iter().filter(is_mine).cloned().collect();
                let found = Found {
                    service: services.iter().find(same),
                    autoscaler: autoscalers.iter().find(same),
                    pods: &pods,
                };
                self.told(deployment, &found)
            })
            .collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    fn told(&self, deployment: &Value, found: &Found<'_>) -> Service {
        let template =
            |name: &str| text(&deployment["spec"]["template"]["metadata"]["annotations"][name], "");
        let rollout = rollout(deployment);
        let state = state(deployment, &rollout);
        let note = match state {
            State::Starting | State::Updating | State::Failed => trouble(found.pods),
            _ => String::new(),
        };
        let scaled =
            found.autoscaler.map(|one| (number(one, "/spec/minReplicas"), number(one, "/spec/maxReplicas")));
        let note = if note.is_empty() && state == State::Failed { rollout.reason.clone() } else { note };
        Service {
            name: text(&deployment["metadata"]["annotations"][names::NAME], ""),
            id: text(deployment, "/metadata/uid"),
            image: template(names::IMAGE),
            fingerprint: template(names::FINGERPRINT),
            revision: revision(deployment),
            state,
            note,
            wanted: number(deployment, "/spec/replicas"),
            ready: number(deployment, "/status/readyReplicas"),
            autoscale: scaled,
            addresses: self.addresses(found),
            rollout: Some(rollout),
            created: nanoseconds(deployment, "/metadata/creationTimestamp"),
        }
    }

    fn addresses(&self, found: &Found<'_>) -> Vec<Address> {
        let Some(service) = found.service else { return Vec::new() };
        let kind = text(service, "/spec/type");
        let hosts: Vec<String> = match kind.as_str() {
            "LoadBalancer" => {
                let all = service.pointer("/status/loadBalancer/ingress").and_then(Value::as_array);
                let host = |one: &Value| {
                    [text(one, "/hostname"), text(one, "/ip")].into_iter().find(|host| !host.is_empty())
                };
                all.into_iter().flatten().filter_map(host).collect()
            }
            // A port of every node: one on which a replica is.
            "NodePort" => found
                .pods
                .iter()
                .map(|pod| text(pod, "/status/hostIP"))
                .find(|host| !host.is_empty())
                .into_iter()
                .collect(),
            // Nothing was published, unless the target publishes inside the cluster only.
            _ if self.settings.expose == "ClusterIP" => vec![text(service, "/spec/clusterIP")],
            _ => Vec::new(),
        };
        let outside = if kind == "NodePort" { "nodePort" } else { "port" };
        let ports = service["spec"]["ports"].as_array();
        let short = |port: &Value, name: &str| port[name].as_u64().and_then(|port| port.try_into().ok());
        let mut all = Vec::new();
        for host in hosts.iter().filter(|host| !host.is_empty()) {
            for port in ports.into_iter().flatten() {
                let (Some(number), Some(inside)) = (short(port, outside), short(port, "targetPort")) else {
                    continue;
                };
                all.push(Address {
                    host: host.clone(),
                    port: number,
                    container_port: inside,
                    protocol: text(port, "/protocol").to_lowercase(),
                });
            }
        }
        all
    }
}

/// The number of a revision.
pub(super) fn revision(object: &Value) -> u64 {
    text(&object["metadata"]["annotations"][REVISION], "").parse().unwrap_or(0)
}

/// As `kubectl rollout status` reads it.
fn rollout(deployment: &Value) -> Rollout {
    let progressing = condition(deployment, "Progressing");
    let failed = progressing.is_some_and(|one| one["reason"] == "ProgressDeadlineExceeded");
    let wanted = number(deployment, "/spec/replicas");
    let updated = number(deployment, "/status/updatedReplicas");
    let finished = is_observed(deployment)
        && updated >= wanted
        && number(deployment, "/status/replicas") <= updated
        && number(deployment, "/status/availableReplicas") >= updated;
    let failed = failed && is_observed(deployment) && !finished;
    let reason = progressing.filter(|_| failed).map(|one| text(one, "/message")).unwrap_or_default();
    Rollout { finished, failed, reason, rolled_back: false }
}

/// The status is of what is wanted now.
fn is_observed(deployment: &Value) -> bool {
    number(deployment, "/status/observedGeneration") >= number(deployment, "/metadata/generation")
}

fn state(deployment: &Value, rollout: &Rollout) -> State {
    let wanted = number(deployment, "/spec/replicas");
    let there = number(deployment, "/status/replicas");
    let old = there > number(deployment, "/status/updatedReplicas");
    match () {
        () if !deployment["metadata"]["deletionTimestamp"].is_null() => State::Removing,
        () if wanted == 0 && there == 0 && is_observed(deployment) => State::Stopped,
        () if rollout.failed => State::Failed,
        () if rollout.finished => State::Running,
        () if (old || !is_observed(deployment)) && revision(deployment) > 0 => State::Updating,
        () => State::Starting,
    }
}

/// Why a pod does not run: what its container waits for, or why it ended, in Kubernetes' words.
fn trouble(pods: &[Value]) -> String {
    let statuses = pods.iter().filter_map(|pod| pod.pointer("/status/containerStatuses/0"));
    for status in statuses {
        let reason = text(status, "/state/waiting/reason");
        if !matches!(reason.as_str(), "" | "ContainerCreating" | "PodInitializing") {
            let message = text(status, "/state/waiting/message");
            return if message.is_empty() { reason } else { format!("{reason}: {message}") };
        }
    }
    let unscheduled =
        pods.iter().filter_map(|pod| condition(pod, "PodScheduled")).find(|one| one["status"] == "False");
    unscheduled.map(|one| text(one, "/message")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{rollout, state, trouble};
    use sampan_provider::State;
    use serde_json::{Value, json};

    fn deployment(generation: u64, replicas: u64, status: Value) -> Value {
        json!({ "metadata": { "generation": generation, "annotations": { super::REVISION: "2" } },
            "spec": { "replicas": replicas }, "status": status })
    }

    fn read(deployment: &Value) -> State {
        state(deployment, &rollout(deployment))
    }

    #[test]
    fn it_runs_when_all_replicas_are_new_and_available() {
        let all = json!({ "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2 });
        assert_eq!(read(&deployment(3, 2, all.clone())), State::Running);
        // The controller has not seen the change yet.
        assert_eq!(read(&deployment(4, 2, all)), State::Updating);
        let old =
            json!({ "observedGeneration": 3, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2 });
        assert_eq!(read(&deployment(3, 2, old)), State::Updating);
        let unready =
            json!({ "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 1 });
        assert_eq!(read(&deployment(3, 2, unready)), State::Starting);
    }

    #[test]
    fn it_is_stopped_when_the_last_one_is_gone() {
        assert_eq!(read(&deployment(5, 0, json!({ "observedGeneration": 5 }))), State::Stopped);
        assert_ne!(
            read(&deployment(5, 0, json!({ "observedGeneration": 5, "replicas": 1 }))),
            State::Stopped
        );
        assert_ne!(read(&deployment(5, 0, json!({ "observedGeneration": 4 }))), State::Stopped);
    }

    #[test]
    fn it_failed_when_the_deadline_is_over() {
        let status = json!({ "observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "conditions": [
            { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out" }] });
        let failed = deployment(1, 1, status);
        assert_eq!((read(&failed), rollout(&failed).reason.as_str()), (State::Failed, "timed out"));
    }

    #[test]
    fn what_a_pod_waits_for_is_told() {
        let pod = json!({ "status": { "containerStatuses": [ { "state": { "waiting": { "reason": "ImagePullBackOff", "message": "no" } } } ] } });
        assert_eq!(trouble(&[pod]), "ImagePullBackOff: no");
        let pod = json!({ "status": { "conditions": [ { "type": "PodScheduled", "status": "False", "message": "0/1 nodes" } ] } });
        assert_eq!(trouble(&[pod]), "0/1 nodes");
    }
}
