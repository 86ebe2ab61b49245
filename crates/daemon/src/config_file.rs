//! The configuration file: the keys of Docker's `daemon.json` that mean the same here.

use crate::error::{Error, Result};
use crate::options::{Options, bytes};
use sampan_engine::spec::Ulimit;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The file. A key that we do not know is refused by its name: silence would be a setting that has no effect.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct File {
    data_root: Option<PathBuf>,
    exec_root: Option<PathBuf>,
    hosts: Vec<String>,
    group: Option<String>,
    bip: Option<ipnet::IpNet>,
    mtu: Option<u32>,
    icc: Option<bool>,
    ip: Option<std::net::IpAddr>,
    published_ports: Option<String>,
    storage_driver: Option<String>,
    log_driver: Option<String>,
    log_opts: BTreeMap<String, String>,
    default_ulimits: BTreeMap<String, Limit>,
    dns: Vec<String>,
    dns_opts: Vec<String>,
    dns_search: Vec<String>,
    labels: Vec<String>,
    cgroup_parent: Option<String>,
    no_new_privileges: Option<bool>,
    default_shm_size: Option<String>,
    warm_sandboxes: Option<usize>,
    runtimes: BTreeMap<String, Runtime>,
    shutdown_timeout: Option<u64>,
    registry_mirrors: Vec<String>,
    insecure_registries: Vec<String>,
    registries: Vec<sampan_registry::Rule>,
    registry_certificates: Vec<PathBuf>,
    max_concurrent_downloads: Option<usize>,
    max_concurrent_uploads: Option<usize>,
    max_download_attempts: Option<u32>,
    keep_blobs: Option<bool>,
    image_disk_budget: Option<String>,
    trust_policy: Option<PathBuf>,
    debug: bool,
    log_level: Option<String>,
    pidfile: Option<PathBuf>,
    /// Always so here: containers outlive the daemon.
    #[serde(rename = "live-restore")]
    _live_restore: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Limit {
    #[serde(default)]
    name: String,
    hard: i64,
    soft: i64,
}

#[derive(Debug, Deserialize)]
struct Runtime {
    path: PathBuf,
}

/// Reads the file.
///
/// # Errors
/// It cannot be read, is not JSON, or has a key or value that is not known.
pub(crate) fn read(path: &Path) -> Result<Options> {
    let text =
        std::fs::read_to_string(path).map_err(|source| Error::Path { path: path.to_owned(), source })?;
    parse(&text).map_err(|reason| Error::ConfigFile { path: path.to_owned(), reason })
}

fn parse(text: &str) -> std::result::Result<Options, String> {
    if text.trim().is_empty() {
        return Ok(Options::default());
    }
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let shm_size = file.default_shm_size.map(|text| bytes(&text).map_err(|error| error.to_string()));
    let image_budget = file.image_disk_budget.map(|text| bytes(&text).map_err(|error| error.to_string()));
    let ulimits = file.default_ulimits.into_iter().map(|(key, limit)| {
        let name = if limit.name.is_empty() { key.clone() } else { limit.name };
        (key, Ulimit { name, soft: limit.soft, hard: limit.hard })
    });
    Ok(Options {
        data_root: file.data_root,
        exec_root: file.exec_root,
        hosts: file.hosts,
        group: file.group,
        bridge_address: file.bip,
        mtu: file.mtu,
        icc: file.icc,
        binding_address: file.ip,
        published_ports: file.published_ports.map(|text| text.parse()).transpose()?,
        storage_driver: file.storage_driver,
        log_driver: file.log_driver,
        log_options: file.log_opts,
        ulimits: ulimits.collect(),
        dns: file.dns,
        dns_options: file.dns_opts,
        dns_search: file.dns_search,
        labels: file.labels,
        cgroup_parent: file.cgroup_parent,
        no_new_privileges: file.no_new_privileges,
        shm_size: shm_size.transpose()?,
        warm_sandboxes: file.warm_sandboxes,
        runtimes: file.runtimes.into_iter().map(|(name, runtime)| (name, runtime.path)).collect(),
        shutdown_timeout: file.shutdown_timeout,
        registry_mirrors: file.registry_mirrors,
        insecure_registries: file.insecure_registries,
        registries: file.registries,
        certificates: file.registry_certificates,
        downloads: file.max_concurrent_downloads,
        uploads: file.max_concurrent_uploads,
        attempts: file.max_download_attempts,
        keep_blobs: file.keep_blobs,
        image_budget: image_budget.transpose()?,
        trust_policy: file.trust_policy,
        debug: file.debug,
        log_level: file.log_level,
        pid_file: file.pidfile,
        ready_descriptor: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dockers_keys_are_read() {
        let options = parse(
            r#"{"hosts":["unix:///x"],"bip":"10.9.0.1/24","log-opts":{"max-size":"1m"},"default-shm-size":"1g",
                "default-ulimits":{"nofile":{"Name":"nofile","Hard":10,"Soft":5}},"live-restore":true}"#,
        )
        .expect("options");
        assert_eq!(options.hosts, ["unix:///x"]);
        assert_eq!(options.shm_size, Some(1 << 30));
        assert_eq!(options.ulimits["nofile"].hard, 10);
    }

    #[test]
    fn an_unknown_key_is_named() {
        assert!(parse(r#"{"nonsense":1}"#).expect_err("refused").contains("nonsense"));
        assert!(parse("{").is_err());
        assert!(parse(" ").is_ok());
    }
}
