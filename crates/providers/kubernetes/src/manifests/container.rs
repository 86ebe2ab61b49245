//! The container of a pod.

use super::{probe, security, volumes};
use crate::{names, quantity};
use sampan_provider::{Protocol, Specification};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Words in the name of a variable that say that its value is a secret.
const SECRET: [&str; 6] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "KEY", "CREDENTIAL"];
/// The label that names more of them, between commas.
const SECRET_LABEL: &str = "sampan.secret";

/// The container, called as the service.
pub(super) fn container(specification: &Specification) -> Value {
    let image = &specification.image;
    let mut made = json!({
        "name": names::object(&specification.name),
        "image": if image.located.is_empty() { &image.reference } else { &image.located },
        "imagePullPolicy": "IfNotPresent",
    });
    for (field, words) in [("command", &specification.entrypoint), ("args", &specification.command)] {
        if let Some(words) = words {
            made[field] = words.iter().map(|word| literal(word)).collect();
        }
    }
    if !specification.working_directory.is_empty() {
        made["workingDir"] = json!(specification.working_directory);
    }
    for (field, setting) in [("tty", "Config.Tty"), ("stdin", "Config.OpenStdin")] {
        if specification.setting(setting) == Some(&Value::Bool(true)) {
            made[field] = json!(true);
        }
    }
    let mut set = |field: &str, list: Vec<Value>| {
        if !list.is_empty() {
            made[field] = Value::Array(list);
        }
    };
    set("env", environment(specification));
    set("ports", ports(specification));
    set("volumeMounts", volumes::of_container(specification));
    if let Some(health) = &specification.health {
        // A failing check takes a replica off its ports, as it does here; nobody ends it for that.
        made["readinessProbe"] = probe::probe(health);
    }
    let resources = resources(specification);
    if resources != json!({}) {
        made["resources"] = resources;
    }
    made["securityContext"] = Value::Object(security::of_container(specification));
    made
}

/// Kubernetes replaces `$(NAME)` in commands, arguments and values, and takes `$$` for one `$`.
fn literal(text: &str) -> String {
    if text.contains("$(") || text.contains("$$") { text.replace('$', "$$") } else { text.to_owned() }
}

/// Whether a name can be one of a secret's keys.
pub(crate) fn has_plain_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (1..=253).contains(&name.len()) && name.chars().all(fits) && name != "." && !name.starts_with("..")
}

/// Whether a variable's value goes into a secret: by its name, or because the label `sampan.secret` names it.
pub(super) fn is_secret(specification: &Specification, name: &str) -> bool {
    let upper = name.to_uppercase();
    let named = specification.labels.get(SECRET_LABEL);
    let is_named = named.is_some_and(|all| all.split(',').any(|one| one.trim() == name));
    has_plain_name(name) && (is_named || SECRET.iter().any(|word| upper.contains(word)))
}

/// Variables by name; the last of several of one name counts.
pub(super) fn variables(specification: &Specification) -> Vec<(&str, &str)> {
    let mut seen = BTreeSet::new();
    let mut all: Vec<(&str, &str)> = specification
        .environment
        .iter()
        .rev()
        .filter(|(name, _)| !name.is_empty() && seen.insert(name.as_str()))
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    all.reverse();
    all
}

fn environment(specification: &Specification) -> Vec<Value> {
    let secret = names::environment_secret(&specification.name, &specification.fingerprint());
    let one = |(name, value): (&str, &str)| match is_secret(specification, name) {
        true => json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": secret, "key": name } } }),
        false => json!({ "name": name, "value": literal(value) }),
    };
    variables(specification).into_iter().map(one).collect()
}

/// A protocol as Kubernetes writes it.
pub(super) fn protocol(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
}

fn ports(specification: &Specification) -> Vec<Value> {
    let distinct: BTreeSet<(u16, Protocol)> =
        specification.ports.iter().map(|port| (port.container, port.protocol)).collect();
    let one = |(number, kind)| json!({ "containerPort": number, "protocol": protocol(kind) });
    distinct.into_iter().map(one).collect()
}

fn resources(specification: &Specification) -> Value {
    let mut limits = Map::new();
    if specification.nano_cpus > 0 {
        limits.insert("cpu".to_owned(), json!(quantity::cpus(specification.nano_cpus)));
    }
    if specification.memory > 0 {
        limits.insert("memory".to_owned(), json!(specification.memory.to_string()));
    }
    let mut requests = limits.clone();
    let reserved = specification.setting("HostConfig.MemoryReservation").and_then(Value::as_u64);
    if let Some(bytes) = reserved.filter(|bytes| *bytes > 0) {
        requests.insert("memory".to_owned(), json!(bytes.to_string()));
    }
    let mut resources = json!({});
    for (field, values) in [("limits", limits), ("requests", requests)] {
        if !values.is_empty() {
            resources[field] = Value::Object(values);
        }
    }
    resources
}
