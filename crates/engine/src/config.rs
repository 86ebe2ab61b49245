//! What an engine is told when it is opened.

use crate::spec::{LogConfig, Ulimit};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

/// Configuration of one engine: one data root, one instance.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Where everything lasting is kept, `/var/lib/sampan`.
    pub data_root: PathBuf,
    /// Where sockets and exit files of running containers are, `/run/sampan`; a folder per instance below it.
    pub run_root: PathBuf,
    /// Whether `data_root` is the machine's default one (it decides the bridge's name).
    pub is_default_data_root: bool,
    /// Storage driver; `None` takes overlay where it works, else vfs.
    pub storage_driver: Option<String>,
    /// Address and prefix of the default bridge.
    pub bridge_address: Option<ipnet::IpNet>,
    /// Largest packet on the default bridge; `None` takes that of the default route.
    pub mtu: Option<u32>,
    /// Containers on the default bridge may talk to each other.
    pub icc: bool,
    /// Host address of published ports that name none.
    pub binding_address: Option<IpAddr>,
    /// For whom such ports are there.
    pub published_reach: sampan_network::Reach,
    /// Where output goes when a container does not say.
    pub log: LogConfig,
    /// Limits of containers that do not say.
    pub ulimits: Vec<Ulimit>,
    /// Name servers of containers that do not say.
    pub dns: Vec<String>,
    /// Resolver options of containers that do not say.
    pub dns_options: Vec<String>,
    /// Search domains of containers that do not say.
    pub dns_search: Vec<String>,
    /// Parent cgroup of containers that do not say; empty is the instance's own.
    pub cgroup_parent: String,
    /// New containers never gain privileges.
    pub no_new_privileges: bool,
    /// Bytes of /dev/shm for containers that do not say.
    pub shm_size: u64,
    /// Sandboxes kept ready.
    pub warm_sandboxes: usize,
    /// Labels of the daemon, `key=value`, shown by info.
    pub labels: Vec<String>,
    /// Runtimes beside our own: name to path.
    pub runtimes: BTreeMap<String, PathBuf>,
    /// How registries are reached.
    pub registries: sampan_registry::Settings,
    /// How much is fetched and sent at a time, and how stubbornly.
    pub transfers: sampan_registry::Limits,
    /// Bytes that images may take before those that were not used for longest go; `None` lets all stay.
    pub image_budget: Option<u64>,
    /// File that says which signatures images need; `None` accepts all.
    pub trust_policy: Option<PathBuf>,
    /// Seconds that containers get when the daemon stops them.
    pub shutdown_timeout: u64,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            data_root: "/var/lib/sampan".into(),
            run_root: "/run/sampan".into(),
            is_default_data_root: true,
            storage_driver: None,
            bridge_address: None,
            mtu: None,
            icc: true,
            binding_address: None,
            published_reach: sampan_network::Reach::World,
            log: LogConfig::default(),
            ulimits: Vec::new(),
            dns: Vec::new(),
            dns_options: Vec::new(),
            dns_search: Vec::new(),
            cgroup_parent: String::new(),
            no_new_privileges: false,
            shm_size: 64 * 1024 * 1024,
            warm_sandboxes: 3,
            labels: Vec::new(),
            runtimes: BTreeMap::new(),
            registries: sampan_registry::Settings::default(),
            transfers: sampan_registry::Limits::default(),
            image_budget: None,
            trust_policy: None,
            shutdown_timeout: 15,
        }
    }
}
