//! What ECS says of a service, in our words.

use super::{Aws, names};
use crate::services::ecs::revision;
use crate::services::{optional, tag_of, text};
use futures_util::{StreamExt, TryStreamExt, stream};
use sampan_provider::{Address, Instance, Result, Rollout, Service, State};
use serde_json::Value;

impl Aws {
    /// One service.
    pub(super) async fn one(&self, name: &str) -> Result<Service> {
        let found = self.ours(name).await?;
        let scaled = self.client.scaled(self.cluster(), &names::service(name)).await?;
        self.told(found, &scaled).await
    }

    /// All that are ours.
    pub(super) async fn all(&self) -> Result<Vec<Service>> {
        let mut found = self.client.services(self.cluster()).await?;
        found.retain(|service| {
            service["status"] != "INACTIVE" && tag_of(&service["tags"], "sampan.service").is_some()
        });
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let scaled = self.client.scaled(self.cluster(), "").await?;
        let tell = stream::iter(found).map(|service| self.told(service, &scaled)).buffer_unordered(8);
        let mut all: Vec<Service> = tell.try_collect().await?;
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    async fn told(&self, found: Value, scaled: &[(String, u32, u32)]) -> Result<Service> {
        let arn = text(&found, "taskDefinition");
        let definition = optional(self.client.definition(&arn).await)?.unwrap_or_default();
        let tag = |name: &str| tag_of(&definition["tags"], name).unwrap_or_default();
        let name = tag_of(&found["tags"], "sampan.service").unwrap_or_default();
        let stopped = tag_of(&found["tags"], "sampan.stopped").is_some();
        let (wanted, ready) = (number(&found, "desiredCount"), number(&found, "runningCount"));
        let rollout = rollout(&found);
        let state = match &rollout {
            _ if found["status"] == "DRAINING" => State::Removing,
            _ if stopped || wanted == 0 => State::Stopped,
            Some(rollout) if rollout.failed => State::Failed,
            Some(rollout) if !rollout.finished && deployments(&found).count() > 1 => State::Updating,
            _ if ready < wanted => State::Starting,
            _ => State::Running,
        };
        let called = text(&found, "serviceName");
        let autoscale =
            scaled.iter().find(|(name, _, _)| *name == called).map(|(_, least, most)| (*least, *most));
        let note = match state {
            State::Starting | State::Failed | State::Updating => text(&found["events"][0], "message"),
            _ => String::new(),
        };
        Ok(Service {
            id: text(&found, "serviceArn"),
            image: tag("sampan.image"),
            fingerprint: tag("sampan.fingerprint"),
            revision: revision(&arn),
            state,
            note,
            wanted,
            ready,
            autoscale,
            addresses: self.addresses(&name, &found).await?,
            rollout,
            created: nanoseconds(&found["createdAt"]),
            name,
        })
    }

    async fn addresses(&self, name: &str, found: &Value) -> Result<Vec<Address>> {
        let inside = found["loadBalancers"].as_array().cloned().unwrap_or_default();
        if inside.is_empty() {
            return Ok(Vec::new());
        }
        let Some(balancer) = self.client.balancer(&names::balancer(name)).await? else {
            return Ok(Vec::new());
        };
        let mut all = Vec::new();
        for one in self.client.listeners(&balancer.arn).await? {
            let to = inside.iter().find(|to| to["targetGroupArn"] == one.group.as_str());
            let container_port =
                to.and_then(|to| to["containerPort"].as_u64()?.try_into().ok()).unwrap_or(one.port);
            for protocol in one.protocol.to_lowercase().split('_') {
                let (host, port) = (balancer.host.clone(), one.port);
                all.push(Address { host, port, container_port, protocol: protocol.to_owned() });
            }
        }
        Ok(all)
    }

    /// Its tasks.
    pub(super) async fn copies(&self, name: &str) -> Result<Vec<Instance>> {
        let service = self.ours(name).await?;
        let tasks = self.client.tasks(self.cluster(), &text(&service, "serviceName")).await?;
        Ok(tasks.iter().map(instance).collect())
    }
}

fn instance(task: &Value) -> Instance {
    let arn = text(task, "taskArn");
    let id = arn.rsplit('/').next().unwrap_or_default().to_owned();
    let state = text(task, "lastStatus");
    // A task without a health check is never called healthy.
    let ready =
        state == "RUNNING" && task["healthStatus"] != "UNHEALTHY" && task["desiredStatus"] != "STOPPED";
    Instance {
        name: short(&id),
        id: arn,
        ready,
        state,
        revision: revision(&text(task, "taskDefinitionArn")),
        started: nanoseconds(&task["startedAt"]),
    }
}

/// The name of an instance by the id of its task.
pub(super) fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

fn deployments(service: &Value) -> impl Iterator<Item = &Value> {
    service["deployments"].as_array().into_iter().flatten()
}

fn rollout(service: &Value) -> Option<Rollout> {
    let primary = deployments(service).find(|one| one["status"] == "PRIMARY")?;
    let reason = text(primary, "rolloutStateReason");
    let older = deployments(service).any(|one| one["rolloutState"] == "FAILED");
    Some(Rollout {
        finished: primary["rolloutState"] == "COMPLETED",
        failed: primary["rolloutState"] == "FAILED",
        // The circuit breaker makes a new deployment of what was there before.
        rolled_back: older || reason.contains("circuit breaker: rolling back"),
        reason,
    })
}

fn number(value: &Value, name: &str) -> u32 {
    value[name].as_u64().and_then(|number| number.try_into().ok()).unwrap_or(0)
}

/// Seconds with a fraction, or a date, as nanoseconds.
#[expect(clippy::cast_possible_truncation, reason = "milliseconds since 1970 are far below")]
fn nanoseconds(value: &Value) -> i64 {
    let milliseconds = match value {
        Value::String(text) => {
            text.parse::<jiff::Timestamp>().map(jiff::Timestamp::as_millisecond).unwrap_or(0)
        }
        other => (other.as_f64().unwrap_or(0.0) * 1000.0) as i64,
    };
    milliseconds.saturating_mul(1_000_000)
}
