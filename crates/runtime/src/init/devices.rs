//! Device nodes and the usual links in `/dev`.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, Uid, chownat, fstat, major, makedev, minor, mknodat, symlinkat, unlinkat,
};
use rustix::io::Errno;

use super::destination::{self, Missing};
use super::rootfs::root_of;
use super::{InitContext, detached};
use crate::error::{During, Error, Result};
use crate::plan::{Device, DeviceKind};
use crate::wire::Prepared;

pub(super) fn make_all(context: &mut InitContext) -> Result<()> {
    let previous = rustix::process::umask(Mode::empty());
    let outcome = make(context);
    rustix::process::umask(previous);
    outcome
}

fn make(context: &mut InitContext) -> Result<()> {
    let devices = std::mem::take(&mut context.plan.devices);
    for (index, device) in devices.iter().enumerate() {
        let prepared = context.prepared.iter().position(|(what, _)| *what == Prepared::Device(index));
        match prepared {
            Some(position) => {
                let mount = context.prepared.swap_remove(position).1;
                bind_node(context, device, mount)?;
            }
            None => make_node(context, device)?,
        }
    }
    for (target, path) in &context.plan.links {
        make_link(context, target, path)?;
    }
    Ok(())
}

/// In a user namespace no device node can be made: the host's own is bound over an empty file.
fn bind_node(context: &InitContext, device: &Device, mount: OwnedFd) -> Result<()> {
    let place = destination::find_or_make(root_of(context)?, &device.path, Missing::File)?;
    detached::attach(mount.as_fd(), place.fd.as_fd()).during(|| format!("bind the device {}", device.path))
}

fn make_node(context: &InitContext, device: &Device) -> Result<()> {
    let what = || format!("make the device node {}", device.path);
    let (directory, name) = destination::parent(root_of(context)?, &device.path)?;
    let kind = match device.kind {
        DeviceKind::Block => FileType::BlockDevice,
        DeviceKind::Fifo => FileType::Fifo,
        DeviceKind::Character => FileType::CharacterDevice,
        DeviceKind::All => return Err(Error::Invalid(format!("{} has no kind of device", device.path))),
    };
    let number = makedev(device.major, device.minor);
    match mknodat(&directory, name, kind, Mode::from_raw_mode(device.mode), number) {
        Ok(()) => {}
        // An image may bring its own; it is taken when it is the same device, and nothing else is destroyed.
        Err(Errno::EXIST) => {
            let entry = destination::find_without_links(directory.as_fd(), name).and_then(|fd| fstat(&fd));
            let same = entry.is_ok_and(|status| {
                FileType::from_raw_mode(status.st_mode) == kind
                    && (major(status.st_rdev), minor(status.st_rdev)) == (device.major, device.minor)
            });
            if !same {
                return Err(Error::Invalid(format!(
                    "{} exists in the container's file system and is not the device asked for",
                    device.path
                )));
            }
        }
        Err(error) => return Err(Error::system(what(), error)),
    }
    if (device.uid, device.gid) != (0, 0) {
        let (uid, gid) = (Uid::from_raw(device.uid), Gid::from_raw(device.gid));
        chownat(&directory, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW).during(what)?;
    }
    Ok(())
}

/// `/dev/ptmx` must lead to the container's own multiplexer whatever the image has there; other links give way.
fn make_link(context: &InitContext, target: &str, path: &str) -> Result<()> {
    let (directory, name) = destination::parent(root_of(context)?, path)?;
    match symlinkat(target, &directory, name) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) if path != "/dev/ptmx" => Ok(()),
        Err(Errno::EXIST) => {
            unlinkat(&directory, name, AtFlags::empty()).during(|| format!("replace {path}"))?;
            symlinkat(target, &directory, name).during(|| format!("make the link {path}"))
        }
        Err(error) => Err(Error::system(format!("make the link {path}"), error)),
    }
}
