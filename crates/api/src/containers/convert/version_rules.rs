//! What older clients mean by a create body: fields that came later are passed over, defaults were others.

use super::invalid;
use crate::containers::wire::{Config, HostConfig, NetworkingConfig, PortBinding};
use crate::http::Version;
use sampan_error::Result;

/// Rewrites a body of this version to what it means today.
///
/// # Errors
/// A combination that this version refuses.
pub(super) fn apply(
    config: &mut Config,
    host: &mut HostConfig,
    networking: &mut NetworkingConfig,
    version: Version,
    warnings: &mut Vec<String>,
) -> Result<()> {
    default_network(host, networking);
    if version < Version(40) {
        for options in host.mounts.iter_mut().filter_map(|mount| mount.bind_options.as_mut()) {
            options.non_recursive = false;
        }
        if host.ipc_mode.is_empty() {
            host.ipc_mode = "shareable".into();
        }
    }
    if version < Version(41) && host.cgroupns_mode.is_empty() && !cgroup_v2() {
        host.cgroupns_mode = "host".into();
    }
    mount_options(host, version)?;
    if version < Version(42) {
        host.console_size.clear();
    }
    if version < Version(43) {
        host.annotations.clear();
    }
    if version < Version(44) {
        before_several_networks(config, host, networking)?;
    }
    if version < Version(45) {
        let subpath = host.mounts.iter().filter_map(|mount| mount.volume_options.as_ref());
        if subpath.into_iter().any(|options| !options.subpath.is_empty()) {
            return Err(invalid("VolumeOptions.Subpath needs API v1.45 or newer"));
        }
    }
    if version < Version(48) {
        networking.endpoints_config.values_mut().flatten().for_each(|endpoint| endpoint.gw_priority = 0);
        if host.mounts.iter().any(|mount| mount.kind == "image") {
            return Err(invalid("Mount type \"Image\" needs API v1.48 or newer"));
        }
    }
    volume_driver(host, version, warnings);
    for bindings in host.port_bindings.values_mut() {
        // A port without bindings means a free port of the host.
        if bindings.as_ref().is_none_or(Vec::is_empty) {
            *bindings = Some(vec![PortBinding::default()]);
        }
    }
    host.pids_limit = host.pids_limit.filter(|limit| *limit > 0);
    Ok(())
}

/// The network mode `default` is the bridge, and so is an endpoint of that name.
fn default_network(host: &mut HostConfig, networking: &mut NetworkingConfig) {
    if matches!(host.network_mode.as_str(), "" | "default") {
        host.network_mode = "bridge".into();
        if let Some(endpoint) = networking.endpoints_config.remove("default") {
            networking.endpoints_config.insert("bridge".into(), endpoint);
        }
    }
}

/// Options of one kind of mount on another kind were passed over before 1.42, and are refused since.
fn mount_options(host: &mut HostConfig, version: Version) -> Result<()> {
    for mount in &mut host.mounts {
        if version < Version(42) {
            if let Some(options) = &mut mount.bind_options {
                options.create_mountpoint = false;
            }
            if mount.kind != "volume" {
                mount.volume_options = None;
            }
            if mount.kind != "tmpfs" {
                mount.tmpfs_options = None;
            }
        }
        let misplaced = [
            ("VolumeOptions", mount.volume_options.is_some(), "volume"),
            ("BindOptions", mount.bind_options.is_some() && version >= Version(42), "bind"),
            ("TmpfsOptions", mount.tmpfs_options.is_some(), "tmpfs"),
            ("ImageOptions", mount.image_options.is_some(), "image"),
        ];
        for (name, given, kind) in misplaced {
            if given && mount.kind != kind {
                return Err(invalid(format!("{name} must not be specified on mount type {:?}", mount.kind)));
            }
        }
    }
    Ok(())
}

fn before_several_networks(
    config: &mut Config,
    host: &mut HostConfig,
    networking: &NetworkingConfig,
) -> Result<()> {
    if let Some(check) = &mut config.healthcheck {
        check.start_interval = 0;
    }
    for mount in host.mounts.iter_mut().filter(|mount| mount.kind == "bind") {
        let options = mount.bind_options.get_or_insert_default();
        if options.read_only_force_recursive {
            return Err(invalid("BindOptions.ReadOnlyForceRecursive needs API v1.44 or newer"));
        }
        // Read-only mounts were not recursive then.
        options.read_only_non_recursive |= mount.read_only;
    }
    if networking.endpoints_config.len() > 1 {
        let names: Vec<&str> = networking.endpoints_config.keys().map(String::as_str).collect();
        return Err(invalid(format!(
            "Container cannot be created with multiple network endpoints: {}",
            names.join(", ")
        )));
    }
    Ok(())
}

/// The volume driver of the container does not apply to long-form mounts, which have their own.
fn volume_driver(host: &HostConfig, version: Version, warnings: &mut Vec<String>) {
    if host.volume_driver.is_empty() || version < Version(42) {
        return;
    }
    let named = |mount: &crate::containers::wire::Mount| {
        let own = mount.volume_options.as_ref().and_then(|options| options.driver_config.as_ref());
        mount.kind == "volume" && own.is_none_or(|driver| driver.name.is_empty())
    };
    if host.mounts.iter().any(named) {
        warnings.push(
            "WARNING: the container-wide volume-driver configuration is ignored for volumes specified via 'mount'. Use '--mount type=volume,volume-driver=...' instead"
                .into(),
        );
    }
}

/// Whether this machine's cgroups are of version 2 only.
pub(super) fn cgroup_v2() -> bool {
    static UNIFIED: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *UNIFIED.get_or_init(|| std::path::Path::new("/sys/fs/cgroup/cgroup.controllers").exists())
}
