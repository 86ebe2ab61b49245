//! Mounts for a container with a user namespace of its own, made on the host by the launcher.
//!
//! From inside, the paths of the host may be closed, overlays would lose their trusted attributes, and device
//! nodes cannot be made. So the launcher makes these mounts detached and hands them over as descriptors. Mounts
//! with mapped owners are made here in any case: the user namespace for them is made on the host.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};

use sampan_sys::mount::{AttributeChange, attribute, set_attributes};

use super::{detached, mounts, rootfs};
use crate::error::{During, Result};
use crate::plan::{Mount, MountSource, Plan, Propagation};
use crate::wire::Prepared;

/// Makes them. `pid` is the parked init, whose user namespace id-mapped mounts may take.
pub(crate) fn prepare(plan: &Plan, foreign_users: bool, pid: i32) -> Result<Vec<(Prepared, OwnedFd)>> {
    let slave = Propagation { flag: Propagation::SLAVE, recursive: true };
    let mut prepared = Vec::new();
    for (index, mount) in plan.mounts.iter().enumerate() {
        if let MountSource::Bind { path, recursive } = &mount.source
            && (foreign_users || mount.idmap.is_some())
        {
            let ready = mounts::bind(mount, path, *recursive)?;
            detached::propagate(ready.as_fd(), slave).during(|| "set the propagation of a mount")?;
            map_owners(mount, &ready, pid)?;
            prepared.push((Prepared::Mount(index), ready));
        }
    }
    if !foreign_users {
        return Ok(prepared);
    }
    let root = rootfs::detached_root(plan)?;
    detached::propagate(root.as_fd(), slave).during(|| "set the propagation of the root")?;
    prepared.push((Prepared::Root, root));
    for (index, device) in plan.devices.iter().enumerate() {
        let node = detached::bind(std::path::Path::new(&device.path), false)?;
        prepared.push((Prepared::Device(index), node));
    }
    Ok(prepared)
}

/// Gives the mount the owners of a user namespace: the init's own, or one made for this mount's ranges.
fn map_owners(mount: &Mount, ready: &OwnedFd, pid: i32) -> Result<()> {
    let Some(idmap) = &mount.idmap else { return Ok(()) };
    let what = || format!("map the owners of the mount {}", mount.destination);
    let namespace = if idmap.mappings.users.is_empty() && idmap.mappings.groups.is_empty() {
        File::open(format!("/proc/{pid}/ns/user")).during(what)?
    } else {
        crate::launch::user_namespace(&idmap.mappings)?
    };
    let change = AttributeChange {
        set: attribute::ID_MAPPED,
        user_namespace: Some(namespace.as_fd()),
        ..AttributeChange::default()
    };
    set_attributes(ready.as_fd(), c"", idmap.recursive, &change).during(what)
}
