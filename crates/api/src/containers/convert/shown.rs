//! A specification as inspect shows it: the create body back, with Docker's defaults filled in.

use super::host::OWN_RUNTIME;
use super::version_rules::cgroup_v2;
use crate::containers::wire::{
    BindOptions, Config, Device, DeviceRequest, Empty, Health, HostConfig, ImageOptions, LogConfig, Mount,
    MountDriver, PortBinding, RestartPolicy, Throttle, TmpfsOptions, Ulimit, VolumeOptions, Weight, Words,
};
use crate::http::Version;
use sampan_engine::containers::ContainerRecord;
use sampan_engine::spec::{
    CgroupNamespace, HealthTest, Healthcheck, HostOptions, IpcMode, MountKind, MountRequest, PidMode,
    PortKey, Propagation, Resources, RestartKind, ThrottleDevice, UserNamespace, UtsMode,
};
use std::collections::BTreeMap;

/// Bytes of /dev/shm when nobody says.
const DEFAULT_SHM_SIZE: i64 = 64 * 1024 * 1024;

/// Paths that are hidden when nobody says.
const MASKED_PATHS: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/devices/virtual/powercap",
    "/sys/firmware",
];

/// Paths that are read-only when nobody says.
const READ_ONLY_PATHS: [&str; 5] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/// The portable part.
pub(super) fn config(record: &ContainerRecord, version: Version) -> Config {
    let (process, resolved) = (&record.spec.process, &record.resolved);
    let primary = record.endpoints.get(&record.spec.host.network_mode_text);
    let mac_address = primary.and_then(|endpoint| endpoint.options.mac_address.clone());
    Config {
        hostname: resolved.hostname.clone(),
        domainname: process.domainname.clone().unwrap_or_default(),
        user: resolved.user.clone(),
        attach_stdin: process.attach_stdin,
        attach_stdout: process.attach_stdout,
        attach_stderr: process.attach_stderr,
        exposed_ports: (!resolved.exposed_ports.is_empty()).then(|| ports(&resolved.exposed_ports)),
        tty: process.tty,
        open_stdin: process.open_stdin,
        stdin_once: process.stdin_once,
        env: Some(resolved.env.clone()),
        cmd: resolved.cmd.clone().map(Words),
        healthcheck: resolved.healthcheck.as_ref().map(healthcheck),
        args_escaped: process.args_escaped,
        image: record.spec.image.clone(),
        volumes: (!resolved.volumes.is_empty())
            .then(|| resolved.volumes.iter().map(|path| (path.clone(), Empty {})).collect()),
        working_dir: resolved.working_dir.clone(),
        entrypoint: resolved.entrypoint.clone().map(Words),
        network_disabled: process.network_disabled,
        mac_address: mac_address.filter(|_| version < Version(44)).unwrap_or_default(),
        on_build: (!resolved.on_build.is_empty()).then(|| resolved.on_build.clone()),
        labels: Some(resolved.labels.clone()),
        stop_signal: resolved.stop_signal.clone(),
        stop_timeout: resolved.stop_timeout,
        shell: resolved.shell.clone().map(Words),
    }
}

/// A set of ports.
pub(crate) fn ports(ports: &[PortKey]) -> BTreeMap<String, Empty> {
    ports.iter().map(|port| (port.to_string(), Empty {})).collect()
}

/// A health check.
pub(crate) fn healthcheck(check: &Healthcheck) -> Health {
    let test = match &check.test {
        HealthTest::Inherit => Vec::new(),
        HealthTest::None => vec!["NONE".into()],
        HealthTest::Command(words) => [&["CMD".to_owned()][..], words].concat(),
        HealthTest::Shell(line) => vec!["CMD-SHELL".into(), line.clone()],
        HealthTest::Http { port, path } => vec!["HTTP".into(), format!(":{port}{path}")],
        HealthTest::Tcp { port } => vec!["TCP".into(), format!(":{port}")],
    };
    Health {
        test,
        interval: check.interval,
        timeout: check.timeout,
        start_period: check.start_period,
        start_interval: check.start_interval,
        retries: check.retries,
    }
}

/// The host's part.
pub(super) fn host(host: &HostOptions) -> HostConfig {
    let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let binds = host.binds.iter().map(|bind| {
        let mode = if bind.mode.is_empty() { String::new() } else { format!(":{}", bind.mode) };
        format!("{}:{}{mode}", bind.source, bind.target)
    });
    let mut shown = HostConfig {
        binds: (!host.binds.is_empty()).then(|| binds.collect()),
        container_id_file: host.container_id_file.clone(),
        log_config: LogConfig { driver: host.log.driver.clone(), config: host.log.options.clone() },
        network_mode: network_mode(host),
        port_bindings: port_bindings(host),
        restart_policy: restart_policy(host),
        auto_remove: host.auto_remove,
        volume_driver: host.volume_driver.clone(),
        volumes_from: list(&host.volumes_from),
        console_size: host.console_size.map_or(vec![0, 0], |(rows, columns)| vec![rows, columns]),
        annotations: host.annotations.clone(),
        cap_add: list(&host.cap_add.iter().map(|name| with_prefix(name)).collect()),
        cap_drop: list(&host.cap_drop.iter().map(|name| with_prefix(name)).collect()),
        cgroupns_mode: cgroup_namespace(host).into(),
        dns: host.dns.clone(),
        dns_options: host.dns_options.clone(),
        dns_search: host.dns_search.clone(),
        extra_hosts: list(&host.extra_hosts),
        group_add: list(&host.group_add),
        ipc_mode: ipc_mode(&host.ipc),
        links: list(&host.links),
        oom_score_adj: host.oom_score_adj,
        pid_mode: pid_mode(&host.pid),
        privileged: host.privileged,
        publish_all_ports: host.publish_all_ports,
        readonly_rootfs: host.read_only_rootfs,
        security_opt: list(&host.security_options),
        storage_opt: host.storage_options.clone(),
        tmpfs: host.tmpfs.clone(),
        uts_mode: if host.uts == UtsMode::Host { "host".into() } else { String::new() },
        userns_mode: if host.user_namespace == UserNamespace::Host { "host".into() } else { String::new() },
        shm_size: i64::try_from(host.shm_size).ok().filter(|size| *size > 0).unwrap_or(DEFAULT_SHM_SIZE),
        sysctls: host.sysctls.clone(),
        runtime: if host.runtime.is_empty() { OWN_RUNTIME.into() } else { host.runtime.clone() },
        mounts: host.mounts.iter().map(mount).collect(),
        masked_paths: paths(host, host.masked_paths.as_ref(), &MASKED_PATHS),
        readonly_paths: paths(host, host.readonly_paths.as_ref(), &READ_ONLY_PATHS),
        init: host.init,
        ..HostConfig::default()
    };
    limits(&mut shown, &host.resources);
    shown
}

fn limits(shown: &mut HostConfig, resources: &Resources) {
    shown.cpu_shares = resources.cpu_shares;
    shown.memory = resources.memory;
    shown.nano_cpus = resources.nano_cpus;
    shown.cgroup_parent.clone_from(&resources.cgroup_parent);
    shown.blkio_weight = resources.blkio_weight;
    let weights = resources.blkio_weight_device.iter();
    shown.blkio_weight_device =
        weights.map(|it| Weight { path: it.path.clone(), weight: it.weight }).collect();
    shown.blkio_device_read_bps = throttles(&resources.blkio_device_read_bps);
    shown.blkio_device_write_bps = throttles(&resources.blkio_device_write_bps);
    shown.blkio_device_read_iops = throttles(&resources.blkio_device_read_iops);
    shown.blkio_device_write_iops = throttles(&resources.blkio_device_write_iops);
    shown.cpu_period = resources.cpu_period;
    shown.cpu_quota = resources.cpu_quota;
    shown.cpu_realtime_period = resources.cpu_realtime_period;
    shown.cpu_realtime_runtime = resources.cpu_realtime_runtime;
    shown.cpuset_cpus.clone_from(&resources.cpuset_cpus);
    shown.cpuset_mems.clone_from(&resources.cpuset_mems);
    let devices = resources.devices.iter().map(|device| Device {
        path_on_host: device.host_path.clone(),
        path_in_container: device.container_path.clone(),
        cgroup_permissions: device.permissions.clone(),
    });
    shown.devices = devices.collect();
    let rules = &resources.device_cgroup_rules;
    shown.device_cgroup_rules = (!rules.is_empty()).then(|| rules.clone());
    let requests = resources.device_requests.iter().map(|request| DeviceRequest {
        driver: request.driver.clone(),
        count: request.count,
        device_ids: (!request.device_ids.is_empty()).then(|| request.device_ids.clone()),
        capabilities: (!request.capabilities.is_empty()).then(|| request.capabilities.clone()),
        options: (!request.options.is_empty()).then(|| request.options.clone()),
    });
    shown.device_requests = (!resources.device_requests.is_empty()).then(|| requests.collect());
    shown.memory_reservation = resources.memory_reservation;
    shown.memory_swap = resources.memory_swap;
    shown.memory_swappiness = resources.memory_swappiness;
    shown.oom_kill_disable = resources.oom_kill_disable;
    shown.pids_limit = resources.pids_limit;
    let ulimits = resources.ulimits.iter();
    shown.ulimits =
        ulimits.map(|it| Ulimit { name: it.name.clone(), hard: it.hard, soft: it.soft }).collect();
}

fn throttles(list: &[ThrottleDevice]) -> Vec<Throttle> {
    list.iter().map(|it| Throttle { path: it.path.clone(), rate: it.rate }).collect()
}

/// The network mode, `default` being the bridge.
pub(super) fn network_mode(host: &HostOptions) -> String {
    match host.network_mode_text.as_str() {
        "" | "default" => "bridge".into(),
        other => other.into(),
    }
}

/// What was asked for; exposed ports are not in it.
fn port_bindings(host: &HostOptions) -> BTreeMap<String, Option<Vec<PortBinding>>> {
    let mut shown: BTreeMap<String, Option<Vec<PortBinding>>> = BTreeMap::new();
    for binding in &host.port_bindings {
        let host_port = match binding.host_port {
            None => String::new(),
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first}-{last}"),
        };
        let host_ip = binding.host_ip.map(|it| it.to_string()).unwrap_or_default();
        let entry = shown.entry(binding.container.to_string()).or_default();
        entry.get_or_insert_default().push(PortBinding { host_ip, host_port });
    }
    shown
}

fn restart_policy(host: &HostOptions) -> RestartPolicy {
    let name = match host.restart.kind {
        RestartKind::No => "no",
        RestartKind::Always => "always",
        RestartKind::OnFailure => "on-failure",
        RestartKind::UnlessStopped => "unless-stopped",
    };
    RestartPolicy { name: name.into(), maximum_retry_count: i64::from(host.restart.maximum_retries) }
}

/// Docker shows capabilities with their prefix, `ALL` without.
fn with_prefix(name: &str) -> String {
    if name == "ALL" { name.into() } else { format!("CAP_{name}") }
}

fn cgroup_namespace(host: &HostOptions) -> &'static str {
    match host.cgroup_namespace {
        CgroupNamespace::Private => "private",
        CgroupNamespace::Host => "host",
        CgroupNamespace::Default if cgroup_v2() && !host.privileged => "private",
        CgroupNamespace::Default => "host",
    }
}

fn ipc_mode(mode: &IpcMode) -> String {
    match mode {
        IpcMode::Default | IpcMode::Private => "private".into(),
        IpcMode::Shareable => "shareable".into(),
        IpcMode::Host => "host".into(),
        IpcMode::None => "none".into(),
        IpcMode::Container(name) => format!("container:{name}"),
    }
}

fn pid_mode(mode: &PidMode) -> String {
    match mode {
        PidMode::Private => String::new(),
        PidMode::Host => "host".into(),
        PidMode::Container(name) => format!("container:{name}"),
    }
}

/// Masked or read-only paths. A privileged container has none.
fn paths(host: &HostOptions, own: Option<&Vec<String>>, defaults: &[&str]) -> Option<Vec<String>> {
    let unconfined = host.security_options.iter().any(|option| option == "systempaths=unconfined");
    match own {
        Some(own) => Some(own.clone()),
        None if host.privileged => None,
        None if unconfined => Some(Vec::new()),
        None => Some(defaults.iter().map(|path| (*path).to_owned()).collect()),
    }
}

fn mount(request: &MountRequest) -> Mount {
    let mut shown = Mount {
        source: request.source.clone(),
        target: request.target.clone(),
        read_only: request.read_only,
        consistency: request.consistency.clone(),
        ..Mount::default()
    };
    match &request.kind {
        MountKind::Bind(options) => {
            shown.kind = "bind".into();
            let propagation = match options.propagation {
                Propagation::RecursivePrivate => "",
                other => super::inspect::propagation(other),
            };
            let options = BindOptions {
                propagation: propagation.into(),
                non_recursive: options.non_recursive,
                create_mountpoint: options.create_mountpoint,
                read_only_non_recursive: options.read_only_non_recursive,
                read_only_force_recursive: options.read_only_force_recursive,
            };
            shown.bind_options = (options != BindOptions::default()).then_some(options);
        }
        MountKind::Volume(options) => {
            shown.kind = "volume".into();
            let driver =
                MountDriver { name: options.driver.clone(), options: options.driver_options.clone() };
            let options = VolumeOptions {
                no_copy: options.no_copy,
                labels: options.labels.clone(),
                driver_config: (driver != MountDriver::default()).then_some(driver),
                subpath: options.subpath.clone(),
            };
            shown.volume_options = (options != VolumeOptions::default()).then_some(options);
        }
        MountKind::Tmpfs(options) => {
            shown.kind = "tmpfs".into();
            let options = TmpfsOptions {
                size_bytes: i64::try_from(options.size_bytes).unwrap_or(i64::MAX),
                mode: options.mode,
                options: options.options.clone(),
            };
            shown.tmpfs_options = (options != TmpfsOptions::default()).then_some(options);
        }
        MountKind::Image(options) => {
            shown.kind = "image".into();
            shown.image_options =
                (!options.subpath.is_empty()).then(|| ImageOptions { subpath: options.subpath.clone() });
        }
    }
    shown
}
