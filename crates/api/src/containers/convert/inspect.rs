//! Everything about one container.

use super::{endpoint, shown};
use crate::containers::wire::{
    GraphDriver, HealthLog, HealthState, Inspect, MountPoint, NetworkSettings, PortBinding, State,
};
use crate::http::Version;
use crate::http::time::rfc3339;
use sampan_engine::containers::{
    ContainerRecord, HealthStatus, MountRecord, MountRecordKind, PublishedPort, Status,
};
use sampan_engine::spec::Propagation;
use std::collections::BTreeMap;

/// Inspect's answer. `sizes` are those of the writable layer and of the whole file system.
pub(crate) fn inspect(record: &ContainerRecord, sizes: Option<(u64, u64)>, version: Version) -> Inspect {
    let file = |name: &str| {
        let has_files = !record.directory.as_os_str().is_empty();
        if has_files { record.directory.join(name).display().to_string() } else { String::new() }
    };
    let args = &record.resolved.args;
    Inspect {
        id: record.id.clone(),
        created: rfc3339(record.created),
        path: args.first().cloned().unwrap_or_default(),
        args: args.get(1..).unwrap_or_default().to_vec(),
        state: state(record),
        image: record.image_id.clone(),
        resolv_conf_path: file("resolv.conf"),
        hostname_path: file("hostname"),
        hosts_path: file("hosts"),
        log_path: record.log_path.display().to_string(),
        name: format!("/{}", record.name),
        restart_count: record.restart_count,
        driver: record.storage_driver.clone(),
        platform: record.platform.split('/').next().unwrap_or("linux").to_owned(),
        mount_label: String::new(),
        process_label: String::new(),
        app_armor_profile: apparmor_profile(record),
        exec_ids: (!record.exec_ids.is_empty()).then(|| record.exec_ids.clone()),
        host_config: shown::host(&record.spec.host),
        graph_driver: GraphDriver { data: None, name: record.storage_driver.clone() },
        size_rw: sizes.map(|sizes| sizes.0),
        size_root_fs: sizes.map(|sizes| sizes.1),
        mounts: mounts(record),
        config: shown::config(record, version),
        network_settings: network_settings(record),
    }
}

fn apparmor_profile(record: &ContainerRecord) -> String {
    let options = record.spec.host.security_options.iter();
    let profile = options.filter_map(|option| option.strip_prefix("apparmor=")).next_back();
    profile.unwrap_or_default().to_owned()
}

fn state(record: &ContainerRecord) -> State {
    let state = &record.state;
    State {
        status: state.status.as_str(),
        running: record.is_running() || state.status == Status::Restarting,
        paused: state.status == Status::Paused,
        restarting: state.status == Status::Restarting,
        oom_killed: state.oom_killed,
        dead: state.status == Status::Dead,
        pid: state.pid,
        exit_code: state.exit_code,
        error: state.error.clone(),
        started_at: rfc3339(state.started),
        finished_at: rfc3339(state.finished),
        health: state.health.as_ref().map(|health| HealthState {
            status: health_word(health.status),
            failing_streak: health.failing_streak,
            log: health
                .log
                .iter()
                .map(|probe| HealthLog {
                    start: rfc3339(probe.start),
                    end: rfc3339(probe.end),
                    exit_code: probe.exit_code,
                    output: probe.output.clone(),
                })
                .collect(),
        }),
    }
}

/// The word of a health state.
pub(super) fn health_word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Starting => "starting",
        HealthStatus::Healthy => "healthy",
        HealthStatus::Unhealthy => "unhealthy",
    }
}

/// The mounts, those of `HostConfig.Tmpfs` left out as Docker does.
pub(super) fn mounts(record: &ContainerRecord) -> Vec<MountPoint> {
    let from_tmpfs = |mount: &&MountRecord| {
        mount.kind == MountRecordKind::Tmpfs
            && record.spec.host.tmpfs.keys().any(|path| path.trim_end_matches('/') == mount.target)
    };
    record.mounts.iter().filter(|mount| !from_tmpfs(mount)).map(mount).collect()
}

fn mount(mount: &MountRecord) -> MountPoint {
    let kind = match mount.kind {
        MountRecordKind::Bind => "bind",
        MountRecordKind::Volume => "volume",
        MountRecordKind::Tmpfs => "tmpfs",
        MountRecordKind::Image => "image",
    };
    MountPoint {
        kind,
        name: mount.name.clone(),
        source: mount.source.clone(),
        destination: mount.target.clone(),
        driver: mount.driver.clone(),
        mode: mount.mode.clone(),
        rw: mount.writable,
        propagation: if mount.kind == MountRecordKind::Bind { propagation(mount.propagation) } else { "" },
    }
}

/// The word of a propagation.
pub(super) fn propagation(propagation: Propagation) -> &'static str {
    match propagation {
        Propagation::RecursivePrivate => "rprivate",
        Propagation::Private => "private",
        Propagation::RecursiveShared => "rshared",
        Propagation::Shared => "shared",
        Propagation::RecursiveSlave => "rslave",
        Propagation::Slave => "slave",
    }
}

fn network_settings(record: &ContainerRecord) -> NetworkSettings {
    let networks: BTreeMap<_, _> =
        record.endpoints.iter().map(|(name, record)| (name.clone(), endpoint::settings(record))).collect();
    let bridge = networks.get("bridge").cloned().unwrap_or_default();
    NetworkSettings {
        bridge: String::new(),
        sandbox_id: String::new(),
        sandbox_key: if record.state.pid > 0 {
            format!("/proc/{}/ns/net", record.state.pid)
        } else {
            String::new()
        },
        ports: ports(record),
        hairpin_mode: false,
        link_local_ipv6_address: String::new(),
        link_local_ipv6_prefix_len: 0,
        secondary_ip_addresses: None,
        secondary_ipv6_addresses: None,
        endpoint_id: bridge.endpoint_id,
        gateway: bridge.gateway,
        global_ipv6_address: bridge.global_ipv6_address,
        global_ipv6_prefix_len: bridge.global_ipv6_prefix_len,
        ip_address: bridge.ip_address,
        ip_prefix_len: bridge.ip_prefix_len,
        ipv6_gateway: bridge.ipv6_gateway,
        mac_address: bridge.mac_address,
        networks,
    }
}

/// Exposed ports without a publication as `null`, published ones with their bindings; nothing while it does
/// not run, and nothing in the host's own network.
fn ports(record: &ContainerRecord) -> BTreeMap<String, Option<Vec<PortBinding>>> {
    if !shows_ports(record) {
        return BTreeMap::new();
    }
    let mut shown: BTreeMap<String, Option<Vec<PortBinding>>> =
        record.resolved.exposed_ports.iter().map(|port| (port.to_string(), None)).collect();
    for PublishedPort { container, host_ip, host_port, .. } in &record.published {
        let binding = PortBinding { host_ip: host_ip.to_string(), host_port: host_port.to_string() };
        shown.entry(container.to_string()).or_default().get_or_insert_default().push(binding);
    }
    shown
}

/// Whether it has ports of its own at the moment.
pub(super) fn shows_ports(record: &ContainerRecord) -> bool {
    use sampan_engine::spec::NetworkMode::{Bridge, Named};
    record.is_running() && matches!(record.spec.host.network_mode, Bridge | Named(_))
}
