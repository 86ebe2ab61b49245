//! What the daemon is told: by its configuration file, then by its flags, which win.

use crate::error::{Error, Result};
use ipnet::IpNet;
use sampan_engine::EngineConfig;
use sampan_engine::spec::{LogConfig, Ulimit};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The data root when nobody says.
const DEFAULT_DATA_ROOT: &str = "/var/lib/sampan";
/// Where sockets and exit files are when nobody says.
const DEFAULT_EXEC_ROOT: &str = "/run/sampan";
/// Where the daemon listens when nobody says.
const DEFAULT_SOCKET: &str = "unix:///run/sampan.sock";

/// Where certificates of registries are when nobody says: Docker's folder, then our own.
const CERTIFICATES: [&str; 2] = ["/etc/docker/certs.d", "/etc/sampan/certs.d"];

/// All options, each `None` or empty when it was not given.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) data_root: Option<PathBuf>,
    pub(crate) exec_root: Option<PathBuf>,
    /// Addresses to listen on, `unix://`, `tcp://`, `fd://`.
    pub(crate) hosts: Vec<String>,
    pub(crate) group: Option<String>,
    pub(crate) bridge_address: Option<IpNet>,
    pub(crate) mtu: Option<u32>,
    pub(crate) icc: Option<bool>,
    pub(crate) binding_address: Option<IpAddr>,
    /// For whom ports are published that name no address.
    pub(crate) published_ports: Option<sampan_engine::Reach>,
    pub(crate) storage_driver: Option<String>,
    pub(crate) log_driver: Option<String>,
    pub(crate) log_options: BTreeMap<String, String>,
    pub(crate) ulimits: BTreeMap<String, Ulimit>,
    pub(crate) dns: Vec<String>,
    pub(crate) dns_options: Vec<String>,
    pub(crate) dns_search: Vec<String>,
    pub(crate) labels: Vec<String>,
    pub(crate) cgroup_parent: Option<String>,
    pub(crate) no_new_privileges: Option<bool>,
    pub(crate) shm_size: Option<u64>,
    pub(crate) warm_sandboxes: Option<usize>,
    pub(crate) runtimes: BTreeMap<String, PathBuf>,
    pub(crate) shutdown_timeout: Option<u64>,
    /// Places that are asked first for images of Docker Hub.
    pub(crate) registry_mirrors: Vec<String>,
    pub(crate) insecure_registries: Vec<String>,
    /// Folders with a folder per registry of private authorities and client certificates.
    pub(crate) certificates: Vec<PathBuf>,
    /// Where images by the beginning of their names are; only in the file.
    pub(crate) registries: Vec<sampan_registry::Rule>,
    /// Layers that are fetched and sent at a time.
    pub(crate) downloads: Option<usize>,
    pub(crate) uploads: Option<usize>,
    pub(crate) attempts: Option<u32>,
    pub(crate) keep_blobs: Option<bool>,
    /// Bytes that images may take.
    pub(crate) image_budget: Option<u64>,
    pub(crate) trust_policy: Option<PathBuf>,
    pub(crate) debug: bool,
    pub(crate) log_level: Option<String>,
    pub(crate) pid_file: Option<PathBuf>,
    /// A descriptor that gets one byte as soon as requests are answered.
    pub(crate) ready_descriptor: Option<i32>,
}

impl Options {
    /// These options, and those of `other` where these say nothing.
    pub(crate) fn or(mut self, other: Self) -> Self {
        macro_rules! take {
            (option: $($option:ident)*; list: $($list:ident)*; map: $($map:ident)*) => {
                $(self.$option = self.$option.or(other.$option);)*
                $(if self.$list.is_empty() { self.$list = other.$list; })*
                $(for (key, value) in other.$map { self.$map.entry(key).or_insert(value); })*
            };
        }
        take! {
            option: data_root exec_root group bridge_address mtu icc binding_address published_ports storage_driver log_driver
                cgroup_parent no_new_privileges shm_size warm_sandboxes shutdown_timeout log_level pid_file
                downloads uploads attempts keep_blobs image_budget trust_policy ready_descriptor;
            list: hosts dns dns_options dns_search labels registry_mirrors insecure_registries registries certificates;
            map: log_options ulimits runtimes
        }
        self.debug |= other.debug;
        self
    }

    /// The data root.
    pub(crate) fn data_root(&self) -> PathBuf {
        self.data_root.clone().unwrap_or_else(|| DEFAULT_DATA_ROOT.into())
    }

    /// The addresses to listen on.
    pub(crate) fn addresses(&self) -> Vec<String> {
        if self.hosts.is_empty() { vec![DEFAULT_SOCKET.into()] } else { self.hosts.clone() }
    }

    /// What the engine is told.
    pub(crate) fn engine(&self) -> EngineConfig {
        let data_root = self.data_root();
        let defaults = EngineConfig::default();
        EngineConfig {
            is_default_data_root: data_root == Path::new(DEFAULT_DATA_ROOT),
            data_root,
            run_root: self.exec_root.clone().unwrap_or_else(|| DEFAULT_EXEC_ROOT.into()),
            storage_driver: self.storage_driver.clone(),
            bridge_address: self.bridge_address,
            mtu: self.mtu,
            icc: self.icc.unwrap_or(defaults.icc),
            binding_address: self.binding_address,
            published_reach: self.published_ports.unwrap_or_default(),
            log: LogConfig {
                driver: self.log_driver.clone().unwrap_or_default(),
                options: self.log_options.clone(),
            },
            ulimits: self.ulimits.values().cloned().collect(),
            dns: self.dns.clone(),
            dns_options: self.dns_options.clone(),
            dns_search: self.dns_search.clone(),
            cgroup_parent: self.cgroup_parent.clone().unwrap_or_default(),
            no_new_privileges: self.no_new_privileges.unwrap_or(defaults.no_new_privileges),
            shm_size: self.shm_size.unwrap_or(defaults.shm_size),
            warm_sandboxes: self.warm_sandboxes.unwrap_or(defaults.warm_sandboxes),
            labels: self.labels.clone(),
            runtimes: self.runtimes.clone(),
            registries: self.registries(),
            transfers: self.transfers(),
            image_budget: self.image_budget,
            trust_policy: self.trust_policy.clone(),
            shutdown_timeout: self.shutdown_timeout.unwrap_or(defaults.shutdown_timeout),
        }
    }

    fn registries(&self) -> sampan_registry::Settings {
        let defaults = sampan_registry::Settings::default();
        sampan_registry::Settings {
            certificates: match self.certificates.is_empty() {
                true => CERTIFICATES.iter().map(PathBuf::from).collect(),
                false => self.certificates.clone(),
            },
            insecure: self.insecure_registries.clone(),
            hub_mirrors: self.registry_mirrors.clone(),
            rules: self.registries.clone(),
            attempts: self.attempts.unwrap_or(defaults.attempts),
            ..defaults
        }
    }

    fn transfers(&self) -> sampan_registry::Limits {
        let defaults = sampan_registry::Limits::default();
        sampan_registry::Limits {
            downloads: self.downloads.unwrap_or(defaults.downloads),
            uploads: self.uploads.unwrap_or(defaults.uploads),
            attempts: self.attempts.unwrap_or(defaults.attempts),
            keep_blobs: self.keep_blobs.unwrap_or(defaults.keep_blobs),
        }
    }
}

/// `name=soft[:hard]`.
///
/// # Errors
/// It is not of that form.
pub(crate) fn ulimit(text: &str) -> Result<Ulimit> {
    let bad = || Error::Flag(format!("invalid ulimit {text:?}: it is written name=soft[:hard]"));
    let (name, limits) = text.split_once('=').ok_or_else(bad)?;
    let (soft, hard) = limits.split_once(':').unwrap_or((limits, limits));
    let number = |text: &str| text.parse::<i64>().map_err(|_| bad());
    Ok(Ulimit { name: name.to_owned(), soft: number(soft)?, hard: number(hard)? })
}

/// Bytes: `64m`, `1g`, `4096`.
///
/// # Errors
/// It is not of that form.
pub(crate) fn bytes(text: &str) -> Result<u64> {
    let lower = text.trim().to_ascii_lowercase();
    let digits = lower.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match lower[digits.len()..].trim_end_matches('b').trim_end_matches('i') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => 0,
    };
    let number = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor));
    number.filter(|_| factor > 0).ok_or_else(|| Error::Flag(format!("invalid size {text:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_limits() {
        assert_eq!(bytes("64m").expect("a size"), 64 << 20);
        assert_eq!(bytes("1GiB").expect("a size"), 1 << 30);
        assert_eq!(bytes("17").expect("a size"), 17);
        assert!(bytes("x").is_err());
        assert!(bytes("1q").is_err());
        let limit = ulimit("nofile=1024:2048").expect("a limit");
        assert_eq!((limit.name.as_str(), limit.soft, limit.hard), ("nofile", 1024, 2048));
        assert!(ulimit("nofile").is_err());
    }

    #[test]
    fn flags_win_over_the_file() {
        let flags = Options { mtu: Some(1400), ..Options::default() };
        let file =
            Options { mtu: Some(9000), debug: true, dns: vec!["1.1.1.1".into()], ..Options::default() };
        let both = flags.or(file);
        assert_eq!((both.mtu, both.debug, both.dns.len()), (Some(1400), true, 1));
        assert!(both.engine().is_default_data_root);
    }
}
