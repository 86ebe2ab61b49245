//! What `/info` says of registries.

use serde::Serialize;
use std::collections::BTreeMap;

/// Loopback addresses, which may always do without TLS.
const LOOPBACK: [&str; 2] = ["::1/128", "127.0.0.0/8"];

/// `RegistryServiceConfig`.
#[derive(Debug, Serialize)]
pub(super) struct RegistryConfig {
    #[serde(rename = "InsecureRegistryCIDRs")]
    insecure: Vec<String>,
    #[serde(rename = "IndexConfigs")]
    index: BTreeMap<String, Index>,
    #[serde(rename = "Mirrors")]
    mirrors: Vec<String>,
}

/// One registry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    mirrors: Vec<String>,
    name: String,
    official: bool,
    secure: bool,
}

/// The configuration as Docker shows it: networks apart from hosts, mirrors with a slash at their ends.
pub(super) fn config(insecure: &[String], mirrors: &[String]) -> RegistryConfig {
    let mirrors: Vec<String> =
        mirrors.iter().map(|mirror| format!("{}/", mirror.trim_end_matches('/'))).collect();
    let (networks, hosts): (Vec<String>, Vec<String>) =
        insecure.iter().cloned().partition(|entry| entry.contains('/'));
    let hub = Index { mirrors: mirrors.clone(), name: "docker.io".to_owned(), official: true, secure: true };
    let others = hosts
        .into_iter()
        .map(|name| (name.clone(), Index { mirrors: Vec::new(), name, official: false, secure: false }));
    RegistryConfig {
        insecure: LOOPBACK.iter().map(ToString::to_string).chain(networks).collect(),
        index: std::iter::once(("docker.io".to_owned(), hub)).chain(others).collect(),
        mirrors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_and_hosts_are_told_apart() {
        let shown = config(&["10.0.0.0/8".into(), "a.example:5000".into()], &["https://m.example".into()]);
        assert_eq!(shown.insecure, ["::1/128", "127.0.0.0/8", "10.0.0.0/8"]);
        assert_eq!(shown.mirrors, ["https://m.example/"]);
        assert!(!shown.index["a.example:5000"].secure);
        assert!(shown.index["docker.io"].official);
    }
}
