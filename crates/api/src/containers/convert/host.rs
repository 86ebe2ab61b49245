//! The host's part of a create body.

use super::process::some;
use super::{invalid, mount, port, resources, unsupported};
use crate::containers::wire::{HostConfig, RestartPolicy as WirePolicy};
use crate::http::Version;
use sampan_engine::spec::{
    CgroupNamespace, HostOptions, IpcMode, LogConfig, NetworkMode, PidMode, RestartKind, RestartPolicy,
    UserNamespace, UtsMode,
};
use sampan_error::Result;

/// The name by which inspect shows our own runtime.
pub(super) const OWN_RUNTIME: &str = "sampan";

/// The host's part.
///
/// # Errors
/// A value that cannot be, or a field that cannot be honoured.
pub(super) fn options(mut host: HostConfig, version: Version) -> Result<HostOptions> {
    refuse(&host)?;
    let resources = resources::resources(&mut host)?;
    let console_size = match host.console_size.as_slice() {
        [] | [0, 0] => None,
        [rows, columns] => Some((*rows, *columns)),
        _ => return Err(invalid("ConsoleSize needs two numbers, rows and columns")),
    };
    let binds = host.binds.unwrap_or_default();
    Ok(HostOptions {
        resources,
        binds: binds.iter().map(|text| mount::bind(text)).collect::<Result<_>>()?,
        mounts: host.mounts.into_iter().map(|it| mount::request(it, version)).collect::<Result<_>>()?,
        tmpfs: host.tmpfs,
        volumes_from: host.volumes_from.unwrap_or_default(),
        volume_driver: host.volume_driver,
        container_id_file: host.container_id_file,
        log: LogConfig { driver: host.log_config.driver, options: host.log_config.config },
        network_mode: network_mode(&host.network_mode),
        network_mode_text: host.network_mode,
        port_bindings: port::bindings(host.port_bindings)?,
        publish_all_ports: host.publish_all_ports,
        restart: restart_policy(&host.restart_policy)?,
        auto_remove: host.auto_remove,
        console_size,
        annotations: host.annotations,
        cap_add: host.cap_add.unwrap_or_default().iter().map(|it| capability(it)).collect(),
        cap_drop: host.cap_drop.unwrap_or_default().iter().map(|it| capability(it)).collect(),
        cgroup_namespace: cgroup_namespace(&host.cgroupns_mode)?,
        dns: host.dns,
        dns_options: host.dns_options,
        dns_search: host.dns_search,
        extra_hosts: host.extra_hosts.unwrap_or_default(),
        group_add: host.group_add.unwrap_or_default(),
        ipc: ipc_mode(&host.ipc_mode)?,
        links: host.links.unwrap_or_default(),
        oom_score_adj: host.oom_score_adj,
        pid: pid_mode(&host.pid_mode)?,
        privileged: host.privileged,
        read_only_rootfs: host.readonly_rootfs,
        security_options: host.security_opt.unwrap_or_default(),
        storage_options: host.storage_opt,
        uts: uts_mode(&host.uts_mode)?,
        user_namespace: user_namespace(&host.userns_mode)?,
        shm_size: u64::try_from(host.shm_size).map_err(|_| invalid("SHM size can not be less than 0"))?,
        sysctls: host.sysctls,
        runtime: some(host.runtime).filter(|name| name != OWN_RUNTIME).unwrap_or_default(),
        masked_paths: host.masked_paths,
        readonly_paths: host.readonly_paths,
        init: host.init,
    })
}

/// Fields that we know and cannot honour.
fn refuse(host: &HostConfig) -> Result<()> {
    if !matches!(host.isolation.as_str(), "" | "default") {
        return Err(invalid(format!(
            "invalid isolation ({}): isolation is for Windows only",
            host.isolation
        )));
    }
    if !host.cgroup.is_empty() {
        return Err(unsupported("Cgroup", "sharing another container's cgroup is not possible"));
    }
    if !host.capabilities.is_empty() {
        return Err(unsupported("Capabilities", "use CapAdd and CapDrop"));
    }
    Ok(())
}

pub(crate) fn network_mode(text: &str) -> NetworkMode {
    match text {
        "" | "default" | "bridge" => NetworkMode::Bridge,
        "host" => NetworkMode::Host,
        "none" => NetworkMode::None,
        other => match other.strip_prefix("container:") {
            Some(name) => NetworkMode::Container(name.into()),
            None => NetworkMode::Named(other.into()),
        },
    }
}

/// The restart policy.
///
/// # Errors
/// A word that is none, a negative count.
pub(crate) fn restart_policy(policy: &WirePolicy) -> Result<RestartPolicy> {
    let kind = match policy.name.as_str() {
        "" | "no" => RestartKind::No,
        "always" => RestartKind::Always,
        "on-failure" => RestartKind::OnFailure,
        "unless-stopped" => RestartKind::UnlessStopped,
        other => {
            return Err(invalid(format!(
                "invalid restart policy: unknown policy '{other}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"
            )));
        }
    };
    let Ok(maximum_retries) = u32::try_from(policy.maximum_retry_count) else {
        return Err(invalid("invalid restart policy: maximum retry count cannot be negative"));
    };
    Ok(RestartPolicy { kind, maximum_retries })
}

/// `CAP_NET_ADMIN`, `net_admin` and `NET_ADMIN` are the same.
fn capability(text: &str) -> String {
    let upper = text.trim().to_ascii_uppercase();
    upper.strip_prefix("CAP_").unwrap_or(&upper).to_owned()
}

fn cgroup_namespace(text: &str) -> Result<CgroupNamespace> {
    match text {
        "" => Ok(CgroupNamespace::Default),
        "private" => Ok(CgroupNamespace::Private),
        "host" => Ok(CgroupNamespace::Host),
        other => Err(invalid(format!("invalid cgroup namespace mode: {other}"))),
    }
}

fn ipc_mode(text: &str) -> Result<IpcMode> {
    Ok(match text {
        "" => IpcMode::Default,
        "private" => IpcMode::Private,
        "shareable" => IpcMode::Shareable,
        "host" => IpcMode::Host,
        "none" => IpcMode::None,
        other => match other.strip_prefix("container:") {
            Some(name) => IpcMode::Container(name.into()),
            None => return Err(invalid(format!("invalid IPC mode: {other}"))),
        },
    })
}

fn pid_mode(text: &str) -> Result<PidMode> {
    Ok(match text {
        "" | "private" => PidMode::Private,
        "host" => PidMode::Host,
        other => match other.strip_prefix("container:") {
            Some(name) => PidMode::Container(name.into()),
            None => return Err(invalid(format!("invalid PID mode: {other}"))),
        },
    })
}

fn uts_mode(text: &str) -> Result<UtsMode> {
    match text {
        "" | "private" => Ok(UtsMode::Private),
        "host" => Ok(UtsMode::Host),
        other => Err(invalid(format!("invalid UTS mode: {other}"))),
    }
}

fn user_namespace(text: &str) -> Result<UserNamespace> {
    match text {
        "" => Ok(UserNamespace::Default),
        "host" => Ok(UserNamespace::Host),
        other => Err(invalid(format!("invalid user namespace mode: {other}"))),
    }
}
