//! The bodies of these routes.

use super::backend::SimulationState;
use crate::http::time;
use sampan_fleet::{MoveOptions, Moved, PushOptions, Pushed, loss_sentence};
use sampan_provider::{Address, Identity, Instance, Lease, LogLine, Resource, Service, Target, Usage};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// `POST /sampan/targets`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct TargetBody {
    name: String,
    provider: String,
    region: String,
    endpoint: String,
    options: BTreeMap<String, String>,
}

/// `POST /sampan/containers/{name}/push`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct PushBody {
    pub(super) target: String,
    image_only: bool,
    replicas: Option<u32>,
    pub(super) dry_run: bool,
}

/// `POST /sampan/containers/{name}/move`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct MoveBody {
    pub(super) target: String,
    image_only: bool,
    replicas: Option<u32>,
    without_relay: bool,
    pub(super) dry_run: bool,
}

/// `POST /sampan/leases/{name}`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct LeaseBody {
    pub(super) holder: String,
    pub(super) seconds: u64,
}

/// `POST …/update`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UpdateServiceBody {
    pub(super) image: String,
    pub(super) force: bool,
}

/// `POST …/scale`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ScaleServiceBody {
    pub(super) replicas: u32,
}

/// `POST …/autoscale`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AutoscaleServiceBody {
    least: Option<u32>,
    most: u32,
    cpu: Option<f64>,
    memory: Option<f64>,
    requests: Option<f64>,
}

impl TargetBody {
    pub(super) fn target(self) -> Target {
        let Self { name, provider, region, endpoint, options } = self;
        Target { name, provider, region, endpoint, options, simulated: false }
    }
}

impl MoveBody {
    pub(super) fn options(&self) -> MoveOptions {
        let Self { image_only, replicas, without_relay, .. } = *self;
        MoveOptions { replicas, image_only, without_relay }
    }
}

impl PushBody {
    pub(super) fn options(&self) -> PushOptions {
        PushOptions { image_only: self.image_only, replicas: self.replicas }
    }
}

impl AutoscaleServiceBody {
    pub(super) fn policy(&self) -> sampan_provider::AutoscalePolicy {
        let none = self.cpu.is_none() && self.memory.is_none() && self.requests.is_none();
        sampan_provider::AutoscalePolicy {
            least: self.least.unwrap_or(1),
            most: self.most,
            cpu: self.cpu.or(none.then_some(60.0)),
            memory: self.memory,
            requests: self.requests,
        }
    }
}

pub(super) fn target(target: &Target) -> Value {
    json!({
        "Name": target.name, "Provider": target.provider, "Region": target.region, "Endpoint": target.endpoint,
        "Options": target.options, "Simulated": target.simulated,
    })
}

pub(super) fn moved(moved: &Moved) -> Value {
    json!({
        "Name": moved.name, "Target": moved.target, "Image": moved.record.spec.image, "Replicas": moved.replicas,
        "Relay": moved.relay, "Moved": time::rfc3339(moved.at),
    })
}

pub(super) fn lease(lease: &Lease) -> Value {
    json!({"Name": lease.name, "Holder": lease.holder, "Epoch": lease.epoch, "Seconds": lease.seconds})
}

pub(super) fn identity(identity: &Identity) -> Value {
    json!({
        "Account": identity.account, "Principal": identity.principal, "Product": identity.product,
        "Missing": identity.missing,
    })
}

pub(super) fn resource(resource: &Resource) -> Value {
    json!({"Kind": resource.kind, "Id": resource.id, "Service": resource.service})
}

pub(super) fn service(service: &Service, target: &Target) -> Value {
    json!({
        "Name": service.name, "Target": target.name, "Simulated": target.simulated, "Id": service.id,
        "Image": service.image, "State": service.state, "Note": service.note, "Revision": service.revision,
        "Wanted": service.wanted, "Ready": service.ready, "Fingerprint": service.fingerprint,
        "Autoscale": service.autoscale.map(|(least, most)| json!({"Least": least, "Most": most})),
        "Addresses": service.addresses.iter().map(address).collect::<Vec<_>>(),
        "Rollout": service.rollout.as_ref().map(|rollout| json!({
            "Finished": rollout.finished, "Failed": rollout.failed, "Reason": rollout.reason,
            "RolledBack": rollout.rolled_back,
        })),
        "Created": if service.created == 0 { String::new() } else { time::rfc3339(service.created) },
    })
}

fn address(address: &Address) -> Value {
    json!({
        "Host": address.host, "Port": address.port, "ContainerPort": address.container_port,
        "Protocol": address.protocol,
    })
}

pub(super) fn instance(instance: &Instance) -> Value {
    json!({
        "Id": instance.id, "Name": instance.name, "State": instance.state, "Ready": instance.ready,
        "Revision": instance.revision,
        "Started": if instance.started == 0 { String::new() } else { time::rfc3339(instance.started) },
    })
}

pub(super) fn usage(usage: &Usage) -> Value {
    json!({
        "Name": usage.name, "CpuPercent": usage.cpu_percent, "CpuOfLimit": usage.cpu_of_limit,
        "Memory": usage.memory, "MemoryLimit": usage.memory_limit, "MemoryPercent": usage.memory_percent,
        "Received": usage.network.map(|(received, _)| received), "Sent": usage.network.map(|(_, sent)| sent),
        "Processes": usage.processes,
    })
}

pub(super) fn line(line: &LogLine) -> Value {
    json!({"Instance": line.instance, "At": time::rfc3339(line.at), "Error": line.error, "Text": line.text})
}

pub(super) fn plan(pushed: &Pushed) -> Value {
    json!({
        "Steps": pushed.steps,
        "Losses": pushed.losses.iter().map(|loss| json!({
            "Setting": loss.setting, "Asked": loss.asked, "Becomes": loss.becomes, "Severity": loss.severity,
            "Sentence": loss_sentence(loss),
        })).collect::<Vec<_>>(),
    })
}

/// What a client needs to speak to a simulation; its key opens nothing else.
pub(super) fn simulation(state: Option<&SimulationState>) -> Value {
    match state {
        None => json!({"Up": false}),
        Some(state) => json!({
            "Up": true, "Endpoint": state.endpoint, "Registry": state.registry,
            "AccessKeyId": state.key.0, "SecretAccessKey": state.key.1,
        }),
    }
}
