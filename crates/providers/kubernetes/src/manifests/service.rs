//! Ports as a service.

use super::container::protocol;
use super::object;
use crate::names;
use crate::settings::Settings;
use sampan_provider::{Port, Specification};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The ports that a cluster takes from its nodes, unless it was told otherwise.
pub(crate) const NODE_PORTS: std::ops::RangeInclusive<u16> = 30_000..=32_767;

/// The service; `None` for a container without ports. One that publishes none is reached by its name in the cluster only.
pub(crate) fn service(specification: &Specification, settings: &Settings) -> Option<Value> {
    let published: Vec<&Port> = specification.published().collect();
    let (kind, ports) = match published.is_empty() {
        false => (settings.expose, published),
        true => ("ClusterIP", specification.ports.iter().collect()),
    };
    let mut seen = BTreeSet::new();
    let mut list = Vec::new();
    for port in ports {
        let outside = port.published.filter(|outside| *outside != 0).unwrap_or(port.container);
        if !seen.insert((outside, port.protocol)) {
            continue;
        }
        let mut one = json!({
            "name": format!("{}-{outside}", port.protocol),
            "port": outside,
            "targetPort": port.container,
            "protocol": protocol(port.protocol),
        });
        if kind == "NodePort" && NODE_PORTS.contains(&outside) {
            one["nodePort"] = json!(outside);
        }
        list.push(one);
    }
    if list.is_empty() {
        return None;
    }
    let name = &specification.name;
    let mut made = object("v1", "Service", &names::object(name), name, settings);
    made["spec"] = json!({
        "type": kind,
        "selector": { names::MANAGED: "1", names::SERVICE: names::object(name) },
        "ports": list,
    });
    Some(made)
}
