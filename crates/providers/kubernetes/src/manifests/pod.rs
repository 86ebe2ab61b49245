//! The template of a deployment's pods.

use super::{container, of_user, security, volumes};
use crate::names;
use crate::settings::Settings;
use sampan_provider::Specification;
use serde_json::{Value, json};

/// Seconds that Docker gives a program to end.
const STOP: u64 = 10;

/// The template.
pub(super) fn template(specification: &Specification, settings: &Settings, pull: Option<&str>) -> Value {
    let name = &specification.name;
    let mut annotations = of_user(specification);
    annotations.insert(names::NAME.to_owned(), json!(name));
    annotations.insert(names::FINGERPRINT.to_owned(), json!(specification.fingerprint()));
    annotations.insert(names::IMAGE.to_owned(), json!(specification.image.reference));
    let mut spec = json!({
        "containers": [container::container(specification)],
        "terminationGracePeriodSeconds": specification.stop_timeout.unwrap_or(STOP),
        // A container knows nothing of the cluster unless it was told.
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "nodeSelector": node(specification),
    });
    if let Some(secret) = settings.pull_secret.as_deref().or(pull) {
        spec["imagePullSecrets"] = json!([{ "name": secret }]);
    }
    let volumes = volumes::of_pod(specification);
    if !volumes.is_empty() {
        spec["volumes"] = json!(volumes);
    }
    let context = security::of_pod(specification);
    if !context.is_empty() {
        spec["securityContext"] = Value::Object(context);
    }
    names_and_network(specification, &mut spec);
    json!({
        "metadata": { "labels": names::labels(name), "annotations": annotations },
        "spec": spec,
    })
}

fn node(specification: &Specification) -> Value {
    let mut node = json!({ "kubernetes.io/os": "linux" });
    if !specification.image.architecture.is_empty() {
        node["kubernetes.io/arch"] = json!(specification.image.architecture);
    }
    node
}

fn names_and_network(specification: &Specification, spec: &mut Value) {
    let text = |name: &str| specification.setting(name).and_then(Value::as_str);
    if text("HostConfig.NetworkMode") == Some("host") {
        spec["hostNetwork"] = json!(true);
        spec["dnsPolicy"] = json!("ClusterFirstWithHostNet");
    }
    if text("HostConfig.PidMode") == Some("host") {
        spec["hostPID"] = json!(true);
    }
    if let Some(hostname) = text("Config.Hostname").filter(|name| is_hostname(name)) {
        spec["hostname"] = json!(hostname);
    }
    let list = |name: &str| {
        let all = specification.setting(name).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(Value::as_str).collect::<Vec<_>>()
    };
    let mut dns = json!({});
    for (setting, field) in [("HostConfig.Dns", "nameservers"), ("HostConfig.DnsSearch", "searches")] {
        let values = list(setting);
        if !values.is_empty() {
            dns[field] = json!(values);
        }
    }
    let options: Vec<Value> = list("HostConfig.DnsOptions").into_iter().map(option).collect();
    if !options.is_empty() {
        dns["options"] = json!(options);
    }
    if dns != json!({}) {
        spec["dnsConfig"] = dns;
    }
    let hosts: Vec<Value> = list("HostConfig.ExtraHosts").into_iter().filter_map(host).collect();
    if !hosts.is_empty() {
        spec["hostAliases"] = json!(hosts);
    }
}

/// A label of RFC 1123: what a pod's hostname may be.
pub(crate) fn is_hostname(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len()) && name.chars().all(fits) && !name.starts_with('-') && !name.ends_with('-')
}

/// `ndots:2`
fn option(text: &str) -> Value {
    match text.split_once(':') {
        Some((name, value)) => json!({ "name": name, "value": value }),
        None => json!({ "name": text }),
    }
}

/// `name:address`; `host-gateway` is an address of Docker's only.
pub(crate) fn host(text: &str) -> Option<Value> {
    let (name, address) = text.split_once([':', '='])?;
    let address = address.trim_matches(['[', ']']);
    address.parse::<std::net::IpAddr>().ok()?;
    Some(json!({ "ip": address, "hostnames": [name] }))
}
