//! Binds and mounts of a create body.

use super::{invalid, unsupported};
use crate::containers::wire::Mount;
use crate::http::Version;
use sampan_engine::spec::{
    Bind, BindOptions, ImageMount, MountKind, MountRequest, Propagation, TmpfsOptions, VolumeOptions,
};
use sampan_error::Result;

/// A mount in the short form: `source:target[:mode]`, or a target alone.
///
/// # Errors
/// It has no target, or the target is not absolute.
pub(super) fn bind(text: &str) -> Result<Bind> {
    let bad = || invalid(format!("invalid volume specification: '{text}'"));
    let parts: Vec<&str> = text.split(':').collect();
    let (source, target, mode) = match parts.as_slice() {
        [source, target] => (*source, *target, ""),
        [source, target, mode] => (*source, *target, *mode),
        _ => return Err(bad()),
    };
    if source.is_empty() || !target.starts_with('/') {
        return Err(bad());
    }
    let target = clean(target);
    if target == "/" {
        return Err(invalid(format!("invalid volume specification: '{text}': destination can't be '/'")));
    }
    if !source.starts_with('/') && !is_volume_name(source) {
        return Err(invalid(format!(
            "create {source}: {source:?} includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
        )));
    }
    let source = if source.starts_with('/') { clean(source) } else { source.to_owned() };
    Ok(Bind { source, target, mode: mode.to_owned() })
}

/// Whether a volume may be called so.
pub(super) fn is_volume_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() > 1
        && bytes[0].is_ascii_alphanumeric()
        && bytes[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte))
}

/// The path without `.`, `..`, doubled slashes and a slash at the end, as Go's `path.Clean`.
fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// A mount in the long form.
///
/// # Errors
/// A value that cannot be, or an option that cannot be honoured.
pub(super) fn request(mount: Mount, version: Version) -> Result<MountRequest> {
    let bad = |what: String| invalid(format!("invalid mount config for type {:?}: {what}", mount.kind));
    if mount.cluster_options.is_some() {
        return Err(unsupported("ClusterOptions", "cluster volumes need a swarm"));
    }
    if mount.target.is_empty() {
        return Err(bad("field Target must not be empty".into()));
    }
    if !mount.target.starts_with('/') {
        return Err(bad(format!("invalid mount path: '{}' mount path must be absolute", mount.target)));
    }
    let target = clean(&mount.target);
    if target == "/" {
        return Err(bad("invalid specification: destination can't be '/'".into()));
    }
    let kind = kind(&mount, version)?;
    Ok(MountRequest {
        source: mount.source,
        target,
        read_only: mount.read_only,
        consistency: mount.consistency,
        kind,
    })
}

fn kind(mount: &Mount, version: Version) -> Result<MountKind> {
    let bad = |what: &str| invalid(format!("invalid mount config for type {:?}: {what}", mount.kind));
    match mount.kind.as_str() {
        "bind" => {
            if mount.source.is_empty() {
                return Err(bad("field Source must not be empty"));
            }
            let options = mount.bind_options.clone().unwrap_or_default();
            if options.read_only_force_recursive && !mount.read_only {
                return Err(bad("ReadOnlyForceRecursive requires ReadOnly"));
            }
            if options.read_only_non_recursive && !mount.read_only && version >= Version(44) {
                return Err(bad("ReadOnlyNonRecursive requires ReadOnly"));
            }
            Ok(MountKind::Bind(BindOptions {
                propagation: propagation(&options.propagation)?,
                non_recursive: options.non_recursive,
                create_mountpoint: options.create_mountpoint,
                read_only_non_recursive: options.read_only_non_recursive,
                read_only_force_recursive: options.read_only_force_recursive,
            }))
        }
        "volume" => {
            let options = mount.volume_options.clone().unwrap_or_default();
            let driver = options.driver_config.unwrap_or_default();
            if mount.source.is_empty() && mount.read_only {
                return Err(bad("must not set ReadOnly mode when using anonymous volumes"));
            }
            Ok(MountKind::Volume(VolumeOptions {
                no_copy: options.no_copy,
                labels: options.labels,
                driver: driver.name,
                driver_options: driver.options,
                subpath: options.subpath,
            }))
        }
        "tmpfs" => {
            if !mount.source.is_empty() {
                return Err(bad("field Source must not be specified"));
            }
            let options = mount.tmpfs_options.clone().unwrap_or_default();
            let size_bytes =
                u64::try_from(options.size_bytes).map_err(|_| bad("size must not be negative"))?;
            Ok(MountKind::Tmpfs(TmpfsOptions { size_bytes, mode: options.mode, options: options.options }))
        }
        "image" => {
            if mount.source.is_empty() {
                return Err(bad("field Source must not be empty"));
            }
            let subpath = mount.image_options.clone().unwrap_or_default().subpath;
            Ok(MountKind::Image(ImageMount { subpath }))
        }
        "cluster" | "npipe" => Err(bad("this kind of mount does not exist on a single Linux host")),
        _ => Err(bad("mount type unknown")),
    }
}

fn propagation(text: &str) -> Result<Propagation> {
    Ok(match text {
        "" | "rprivate" => Propagation::RecursivePrivate,
        "private" => Propagation::Private,
        "rshared" => Propagation::RecursiveShared,
        "shared" => Propagation::Shared,
        "rslave" => Propagation::RecursiveSlave,
        "slave" => Propagation::Slave,
        other => return Err(invalid(format!("invalid propagation mode: {other}"))),
    })
}
