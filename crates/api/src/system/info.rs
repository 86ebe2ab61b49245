//! `/info`: the engine and its machine at a glance.

use super::registries;
use crate::http::time::{now, rfc3339};
use crate::server::headers::DOCKER_VERSION;
use sampan_engine::SystemInfo;
use serde::Serialize;
use std::collections::BTreeMap;

/// `SystemInfo`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Info {
    #[serde(rename = "ID")]
    id: String,
    containers: usize,
    containers_running: usize,
    containers_paused: usize,
    containers_stopped: usize,
    images: usize,
    driver: String,
    driver_status: Vec<[String; 2]>,
    plugins: Plugins,
    memory_limit: bool,
    swap_limit: bool,
    kernel_memory: bool,
    kernel_memory_tcp: bool,
    cpu_cfs_period: bool,
    cpu_cfs_quota: bool,
    #[serde(rename = "CPUShares")]
    cpu_shares: bool,
    #[serde(rename = "CPUSet")]
    cpu_set: bool,
    pids_limit: bool,
    #[serde(rename = "IPv4Forwarding")]
    ipv4_forwarding: bool,
    debug: bool,
    #[serde(rename = "NFd")]
    descriptors: usize,
    oom_kill_disable: bool,
    #[serde(rename = "NGoroutines")]
    tasks: usize,
    system_time: String,
    logging_driver: String,
    cgroup_driver: &'static str,
    cgroup_version: &'static str,
    #[serde(rename = "NEventsListener")]
    event_listeners: usize,
    kernel_version: String,
    operating_system: String,
    #[serde(rename = "OSVersion")]
    os_version: String,
    #[serde(rename = "OSType")]
    os_type: &'static str,
    architecture: String,
    index_server_address: &'static str,
    registry_config: registries::RegistryConfig,
    #[serde(rename = "NCPU")]
    cpus: u32,
    mem_total: u64,
    generic_resources: Option<()>,
    docker_root_dir: String,
    http_proxy: String,
    https_proxy: String,
    no_proxy: String,
    name: String,
    labels: Vec<String>,
    experimental_build: bool,
    server_version: &'static str,
    runtimes: BTreeMap<String, Runtime>,
    default_runtime: String,
    swarm: Swarm,
    live_restore_enabled: bool,
    isolation: &'static str,
    init_binary: &'static str,
    containerd_commit: Commit,
    runc_commit: Commit,
    init_commit: Commit,
    security_options: Vec<String>,
    #[serde(rename = "CDISpecDirs")]
    cdi_spec_dirs: Vec<String>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Plugins {
    volume: [&'static str; 1],
    network: [&'static str; 3],
    authorization: Option<()>,
    log: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Runtime {
    path: String,
}

#[derive(Debug, Default, Serialize)]
struct Commit {
    #[serde(rename = "ID")]
    id: &'static str,
}

#[derive(Debug, Serialize)]
struct Swarm {
    #[serde(rename = "NodeID")]
    node_id: &'static str,
    #[serde(rename = "NodeAddr")]
    node_address: &'static str,
    #[serde(rename = "LocalNodeState")]
    state: &'static str,
    #[serde(rename = "ControlAvailable")]
    control_available: bool,
    #[serde(rename = "Error")]
    error: &'static str,
    #[serde(rename = "RemoteManagers")]
    managers: Option<()>,
}

/// The answer.
pub(super) fn reply(info: SystemInfo) -> Info {
    let default_runtime = info.runtimes.first().cloned().unwrap_or_default();
    let runtime = |name: &String| (name.clone(), Runtime { path: name.clone() });
    Info {
        id: info.id,
        containers: info.running + info.paused + info.stopped,
        containers_running: info.running,
        containers_paused: info.paused,
        containers_stopped: info.stopped,
        images: info.images,
        driver: info.storage_driver,
        driver_status: info.storage_status.into_iter().map(|(name, value)| [name, value]).collect(),
        plugins: Plugins {
            volume: ["local"],
            network: ["bridge", "host", "null"],
            authorization: None,
            log: ["json-file", "local", "none"].map(String::from).to_vec(),
        },
        memory_limit: true,
        swap_limit: true,
        kernel_memory: false,
        kernel_memory_tcp: false,
        cpu_cfs_period: true,
        cpu_cfs_quota: true,
        cpu_shares: true,
        cpu_set: true,
        pids_limit: true,
        ipv4_forwarding: info.ipv4_forwarding,
        debug: tracing::enabled!(tracing::Level::DEBUG),
        descriptors: std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
        // Version 2 of cgroups has no such switch.
        oom_kill_disable: !info.cgroup_unified,
        tasks: tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        system_time: rfc3339(now()),
        logging_driver: info.log_driver,
        cgroup_driver: "cgroupfs",
        cgroup_version: if info.cgroup_unified { "2" } else { "1" },
        event_listeners: info.event_listeners,
        kernel_version: info.kernel,
        operating_system: info.operating_system,
        os_version: info.operating_system_version,
        os_type: "linux",
        architecture: info.architecture,
        index_server_address: "https://index.docker.io/v1/",
        registry_config: registries::config(&info.insecure_registries, &info.registry_mirrors),
        cpus: info.cpus,
        mem_total: info.memory,
        generic_resources: None,
        docker_root_dir: info.data_root.display().to_string(),
        http_proxy: String::new(),
        https_proxy: String::new(),
        no_proxy: String::new(),
        name: info.name,
        labels: info.labels,
        experimental_build: false,
        server_version: DOCKER_VERSION,
        runtimes: info.runtimes.iter().map(runtime).collect(),
        default_runtime,
        swarm: Swarm {
            node_id: "",
            node_address: "",
            state: "inactive",
            control_available: false,
            error: "",
            managers: None,
        },
        // Containers outlive the daemon always.
        live_restore_enabled: true,
        isolation: "",
        init_binary: "sampan",
        containerd_commit: Commit::default(),
        runc_commit: Commit::default(),
        init_commit: Commit::default(),
        security_options: info.security,
        cdi_spec_dirs: Vec::new(),
        warnings: info.warnings,
    }
}
