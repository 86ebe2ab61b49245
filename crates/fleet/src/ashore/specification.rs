//! A container of this engine, in nobody's own words.

use sampan_engine::containers::{ContainerRecord, MountRecordKind};
use sampan_engine::spec::{HealthTest, HostOptions, NetworkMode, PortProtocol, RestartKind};
use sampan_image::Image as LocalImage;
use sampan_provider::{Health, Image, Port, Probe, Protocol, Setting, Specification, Volume};
use serde_json::{Map, Value, json};

/// What another place has to be told of a container.
pub(crate) fn specification(record: &ContainerRecord, image: &LocalImage, replicas: u32) -> Specification {
    let resolved = &record.resolved;
    let host = &record.spec.host;
    let environment = resolved.env.iter().filter_map(|line| line.split_once('='));
    let mut settings = settings(host);
    let mut set = |name: &str, value: Value| settings.push(Setting { name: name.to_owned(), value });
    if let Some(hostname) = &record.spec.process.hostname {
        set("Config.Hostname", json!(hostname));
    }
    for (name, wanted) in
        [("Config.Tty", record.spec.process.tty), ("Config.OpenStdin", record.spec.process.open_stdin)]
    {
        if wanted {
            set(name, json!(true));
        }
    }
    let folders: Vec<String> =
        record.mounts.iter().filter(|mount| mount.kind == MountRecordKind::Bind).map(folder).collect();
    if !folders.is_empty() {
        set("HostConfig.Binds", json!(folders));
    }
    if let NetworkMode::Named(network) = &host.network_mode {
        set("HostConfig.NetworkMode", json!(network));
        let names = record
            .spec
            .networks
            .iter()
            .map(|(name, options)| (name.clone(), json!({"Aliases": options.aliases})));
        let mut endpoints: Map<String, Value> = names.collect();
        endpoints.entry(network.clone()).or_insert_with(|| json!({}));
        set("NetworkSettings.Networks", Value::Object(endpoints));
    }
    let addresses: Map<String, Value> = host
        .port_bindings
        .iter()
        // All addresses of one family are all addresses: the other family has a binding of its own.
        .filter_map(|binding| binding.host_ip.filter(|ip| !ip.is_unspecified()).map(|ip| (binding, ip)))
        .map(|(binding, ip)| (binding.container.to_string(), json!(ip.to_string())))
        .collect();
    if !addresses.is_empty() {
        set("HostConfig.PortBindings.HostIp", Value::Object(addresses));
    }
    Specification {
        name: record.name.clone(),
        image: Image {
            reference: record.spec.image.clone(),
            id: image.id.clone(),
            located: String::new(),
            architecture: image.architecture.clone(),
        },
        entrypoint: resolved.entrypoint.clone(),
        command: resolved.cmd.clone(),
        environment: environment.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        user: resolved.user.clone(),
        working_directory: resolved.working_dir.clone(),
        ports: ports(record),
        volumes: record
            .mounts
            .iter()
            .filter(|mount| mount.kind == MountRecordKind::Volume)
            .map(volume)
            .collect(),
        nano_cpus: cpus(host),
        memory: u64::try_from(host.resources.memory).unwrap_or(0),
        labels: record
            .spec
            .process
            .labels
            .clone()
            .into_iter()
            .filter(|(name, _)| !name.starts_with("sampan.replica."))
            .collect(),
        health: health(record),
        stop_signal: resolved.stop_signal.clone(),
        stop_timeout: resolved.stop_timeout.and_then(|seconds| u64::try_from(seconds).ok()),
        restart: match host.restart.kind {
            RestartKind::No => "no",
            RestartKind::Always => "always",
            RestartKind::OnFailure => "on-failure",
            RestartKind::UnlessStopped => "unless-stopped",
        }
        .to_owned(),
        replicas,
        settings,
    }
}

fn folder(mount: &sampan_engine::containers::MountRecord) -> String {
    let mode = if mount.mode.is_empty() { String::new() } else { format!(":{}", mount.mode) };
    format!("{}:{}{mode}", mount.source, mount.target)
}

fn volume(mount: &sampan_engine::containers::MountRecord) -> Volume {
    Volume { name: mount.name.clone(), path: mount.target.clone(), read_only: !mount.writable }
}

fn cpus(host: &HostOptions) -> u64 {
    let of_quota = match (host.resources.cpu_quota, host.resources.cpu_period) {
        (quota, _) if quota <= 0 => 0,
        // cpu.cfs_period_us is 100 ms unless said otherwise.
        (quota, period) => quota.saturating_mul(1_000_000_000) / if period > 0 { period } else { 100_000 },
    };
    u64::try_from(if host.resources.nano_cpus > 0 { host.resources.nano_cpus } else { of_quota }).unwrap_or(0)
}

fn protocol(protocol: PortProtocol) -> Protocol {
    match protocol {
        PortProtocol::Tcp => Protocol::Tcp,
        PortProtocol::Udp => Protocol::Udp,
        PortProtocol::Sctp => Protocol::Sctp,
    }
}

fn ports(record: &ContainerRecord) -> Vec<Port> {
    let host = &record.spec.host;
    let mut ports: Vec<Port> = Vec::new();
    for binding in &host.port_bindings {
        let port = Port {
            container: binding.container.port,
            published: Some(binding.host_port.map_or(0, |(first, _)| first)),
            protocol: protocol(binding.container.protocol),
        };
        if !ports.contains(&port) {
            ports.push(port);
        }
    }
    for exposed in &record.resolved.exposed_ports {
        let there = ports
            .iter()
            .any(|port| port.container == exposed.port && port.protocol == protocol(exposed.protocol));
        if !there {
            let published = host.publish_all_ports.then_some(0);
            ports.push(Port { container: exposed.port, published, protocol: protocol(exposed.protocol) });
        }
    }
    ports
}

fn health(record: &ContainerRecord) -> Option<Health> {
    let check = record.resolved.healthcheck.as_ref()?;
    let probe = match &check.test {
        HealthTest::Inherit | HealthTest::None => return None,
        HealthTest::Command(words) => Probe::Command(words.clone()),
        HealthTest::Shell(line) => Probe::Shell(line.clone()),
        HealthTest::Http { port, path } => Probe::Http { port: *port, path: path.clone() },
        HealthTest::Tcp { port } => Probe::Tcp { port: *port },
    };
    let whole = |value: i64| u64::try_from(value).unwrap_or(0);
    Some(Health {
        probe,
        interval: whole(check.interval),
        timeout: whole(check.timeout),
        start_period: whole(check.start_period),
        retries: u32::try_from(check.retries).unwrap_or(0),
    })
}

/// What a container has on this host beside what every container has.
fn settings(host: &HostOptions) -> Vec<Setting> {
    let usual = HostOptions::default();
    let resources = &host.resources;
    let named: [(&str, bool, Value); 22] = [
        ("Privileged", host.privileged, json!(true)),
        ("CapAdd", !host.cap_add.is_empty(), json!(host.cap_add)),
        ("CapDrop", !host.cap_drop.is_empty(), json!(host.cap_drop)),
        ("ReadonlyRootfs", host.read_only_rootfs, json!(true)),
        ("Init", host.init.is_some(), json!(host.init)),
        ("Tmpfs", !host.tmpfs.is_empty(), json!(host.tmpfs)),
        ("ShmSize", host.shm_size != usual.shm_size, json!(host.shm_size)),
        ("Sysctls", !host.sysctls.is_empty(), json!(host.sysctls)),
        ("Dns", !host.dns.is_empty(), json!(host.dns)),
        ("DnsOptions", !host.dns_options.is_empty(), json!(host.dns_options)),
        ("DnsSearch", !host.dns_search.is_empty(), json!(host.dns_search)),
        ("ExtraHosts", !host.extra_hosts.is_empty(), json!(host.extra_hosts)),
        ("GroupAdd", !host.group_add.is_empty(), json!(host.group_add)),
        ("SecurityOpt", !host.security_options.is_empty(), json!(host.security_options)),
        ("NetworkMode", host.network_mode == NetworkMode::Host, json!("host")),
        ("NetworkMode", host.network_mode == NetworkMode::None, json!("none")),
        ("OomScoreAdj", host.oom_score_adj != 0, json!(host.oom_score_adj)),
        ("CpuShares", resources.cpu_shares != 0, json!(resources.cpu_shares)),
        ("CpusetCpus", !resources.cpuset_cpus.is_empty(), json!(resources.cpuset_cpus)),
        ("MemoryReservation", resources.memory_reservation != 0, json!(resources.memory_reservation)),
        ("PidsLimit", resources.pids_limit.is_some_and(|limit| limit > 0), json!(resources.pids_limit)),
        ("PidMode", host.pid == sampan_engine::spec::PidMode::Host, json!("host")),
    ];
    let mut all: Vec<Setting> = named
        .into_iter()
        .filter(|(_, differs, _)| *differs)
        .map(|(name, _, value)| Setting { name: format!("HostConfig.{name}"), value })
        .collect();
    let mut list = |name: &str, values: Vec<Value>| {
        if !values.is_empty() {
            all.push(Setting { name: format!("HostConfig.{name}"), value: json!(values) });
        }
    };
    list(
        "Ulimits",
        resources
            .ulimits
            .iter()
            .map(|it| json!({"Name": it.name, "Soft": it.soft, "Hard": it.hard}))
            .collect(),
    );
    let devices = resources.devices.iter();
    list(
        "Devices",
        devices
            .map(|it| json!({"PathOnHost": it.host_path, "PathInContainer": it.container_path, "CgroupPermissions": it.permissions}))
            .collect(),
    );
    let requests = resources.device_requests.iter();
    list(
        "DeviceRequests",
        requests
            .map(|it| {
                json!({"Driver": it.driver, "Count": it.count, "DeviceIDs": it.device_ids,
                    "Capabilities": it.capabilities, "Options": it.options})
            })
            .collect(),
    );
    all
}
