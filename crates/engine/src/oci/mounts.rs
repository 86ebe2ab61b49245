//! The mounts part: what every container has, its name files, its binds, volumes and tmpfs.

use super::Surroundings;
use super::namespaces::own_cgroup_namespace;
use crate::Engine;
use crate::containers::{ContainerRecord, MountRecord, MountRecordKind};
use crate::error::Error;
use crate::spec::{IpcMode, Propagation};
use sampan_error::{Context, Result};
use serde_json::{Value, json};

/// Where our own init is seen in a container with `--init`, as Docker has it.
pub(super) const INIT_TARGET: &str = "/sbin/docker-init";

pub(super) fn specification(
    engine: &Engine,
    record: &ContainerRecord,
    around: &Surroundings,
) -> Result<Value> {
    let mut list = system(engine, record, around);
    for (name, target) in
        [("resolv.conf", "/etc/resolv.conf"), ("hostname", "/etc/hostname"), ("hosts", "/etc/hosts")]
    {
        if !record.mounts.iter().any(|mount| mount.target == target) {
            let mode = if record.spec.host.read_only_rootfs { "ro" } else { "rw" };
            list.push(json!({
                "destination": target,
                "type": "bind",
                "source": record.directory.join(name),
                "options": ["rbind", "rprivate", mode],
            }));
        }
    }
    if record.spec.host.init == Some(true) {
        list.push(json!({
            "destination": INIT_TARGET,
            "type": "bind",
            "source": engine.init_program()?,
            "options": ["bind", "ro"],
        }));
    }
    for mount in &record.mounts {
        // A mount of the user's on a path of ours takes its place.
        list.retain(|ours| ours["destination"] != mount.target.as_str());
        list.push(own(engine, mount)?);
    }
    Ok(Value::Array(list))
}

/// /proc, /dev, /sys and what belongs to them.
fn system(engine: &Engine, record: &ContainerRecord, around: &Surroundings) -> Vec<Value> {
    let host = &record.spec.host;
    let writable_sys = if host.privileged { "rw" } else { "ro" };
    let mount = |destination: &str, kind: &str, source: &str, options: &[&str]| json!({ "destination": destination, "type": kind, "source": source, "options": options });
    let mut list = vec![
        mount("/proc", "proc", "proc", &["nosuid", "noexec", "nodev"]),
        mount("/dev", "tmpfs", "tmpfs", &["nosuid", "strictatime", "mode=755", "size=65536k"]),
        mount(
            "/dev/pts",
            "devpts",
            "devpts",
            &["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        ),
        mount("/sys", "sysfs", "sysfs", &["nosuid", "noexec", "nodev", writable_sys]),
    ];
    let mut cgroup_options = vec!["nosuid", "noexec", "nodev", writable_sys];
    if !own_cgroup_namespace(record) {
        cgroup_options.push("relatime");
    }
    list.push(mount("/sys/fs/cgroup", "cgroup", "cgroup", &cgroup_options));
    list.push(mount("/dev/mqueue", "mqueue", "mqueue", &["nosuid", "noexec", "nodev"]));
    list.extend(shared_memory(engine, record, around));
    list
}

/// /dev/shm: its own, another container's, the host's, or none.
fn shared_memory(engine: &Engine, record: &ContainerRecord, around: &Surroundings) -> Option<Value> {
    let host = &record.spec.host;
    let size = if host.shm_size > 0 { host.shm_size } else { engine.inner.config.shm_size };
    let bind = |source: String| json!({ "destination": "/dev/shm", "type": "bind", "source": source, "options": ["rbind", "rprivate", "nosuid", "noexec", "nodev"] });
    match (&host.ipc, around.shm_of) {
        (IpcMode::None, _) => None,
        (IpcMode::Host, _) => Some(bind("/dev/shm".into())),
        (IpcMode::Container(_), Some(pid)) => Some(bind(format!("/proc/{pid}/root/dev/shm"))),
        _ => Some(json!({
            "destination": "/dev/shm",
            "type": "tmpfs",
            "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", format!("size={size}")],
        })),
    }
}

/// A mount that the user asked for.
fn own(engine: &Engine, mount: &MountRecord) -> Result<Value> {
    let access = if mount.writable { "rw" } else { "ro" };
    Ok(match mount.kind {
        MountRecordKind::Tmpfs => {
            let mut options: Vec<String> =
                vec!["noexec".into(), "nosuid".into(), "nodev".into(), access.into()];
            for option in mount.tmpfs_options.split(',').filter(|option| !option.is_empty()) {
                // What the user says takes the place of its opposite (`exec` of `noexec`).
                options.retain(|known| {
                    known != option && *known != format!("no{option}") && format!("no{known}") != option
                });
                options.push(option.to_owned());
            }
            json!({ "destination": mount.target, "type": "tmpfs", "source": "tmpfs", "options": options })
        }
        MountRecordKind::Bind => {
            let recursion = if mount.non_recursive { "bind" } else { "rbind" };
            let mut options = vec![recursion, propagation(mount.propagation)];
            options.push(access);
            if !mount.writable && !mount.read_only_non_recursive && !mount.non_recursive {
                options.push("rro");
            }
            let spec = json!({ "destination": mount.target, "type": "bind", "source": mount.source, "options": options });
            idmapped(spec, mount, std::path::Path::new(&mount.source))?
        }
        MountRecordKind::Volume => {
            let source = engine.volume_path(&mount.name, &mount.subpath)?;
            let spec = json!({ "destination": mount.target, "type": "bind", "source": source, "options": ["rbind", propagation(mount.propagation), access] });
            idmapped(spec, mount, &source)?
        }
        MountRecordKind::Image => {
            return Err(Error::NotImplemented(format!(
                "mount type image is not possible yet (target {})",
                mount.target
            ))
            .into());
        }
    })
}

/// Maps owners where that is wanted (mount_setattr(2), `MOUNT_ATTR_IDMAP`): who owns the source is the container's root
/// there, so that nothing of root's comes to lie on the host. Others stay who they are; the host's root is nobody.
fn idmapped(mut spec: Value, mount: &MountRecord, source: &std::path::Path) -> Result<Value> {
    use std::os::unix::fs::MetadataExt;
    if !mount.idmap {
        return Ok(spec);
    }
    let owner = std::fs::metadata(source).context(format!("cannot see who owns {}", source.display()))?;
    if owner.uid() != 0 || owner.gid() != 0 {
        spec["uidMappings"] = ranges(owner.uid());
        spec["gidMappings"] = ranges(owner.gid());
    }
    Ok(spec)
}

/// `containerID` is the number on the file system, `hostID` the one that is seen (OCI config.md, "Mounts").
fn ranges(owner: u32) -> Value {
    let range = |inside: u32, outside: u32, size: u32| json!({ "containerID": inside, "hostID": outside, "size": size });
    if owner == 0 {
        return json!([range(0, 0, u32::MAX)]);
    }
    let mut list = vec![range(owner, 0, 1)];
    if owner > 1 {
        list.push(range(1, 1, owner - 1));
    }
    if let Some(rest) = u32::MAX.checked_sub(owner + 1).filter(|rest| *rest > 0) {
        list.push(range(owner + 1, owner + 1, rest));
    }
    Value::Array(list)
}

fn propagation(propagation: Propagation) -> &'static str {
    match propagation {
        Propagation::RecursivePrivate => "rprivate",
        Propagation::Private => "private",
        Propagation::RecursiveShared => "rshared",
        Propagation::Shared => "shared",
        Propagation::RecursiveSlave => "rslave",
        Propagation::Slave => "slave",
    }
}

/// The propagation of the root: shared or slave binds need it to be so too.
pub(super) fn root_propagation(record: &ContainerRecord) -> &'static str {
    let any = |wanted: [Propagation; 2]| {
        record.mounts.iter().any(|it| it.kind == MountRecordKind::Bind && wanted.contains(&it.propagation))
    };
    if any([Propagation::Shared, Propagation::RecursiveShared]) {
        "shared"
    } else if any([Propagation::Slave, Propagation::RecursiveSlave]) {
        "slave"
    } else {
        "rprivate"
    }
}
