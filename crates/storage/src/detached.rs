//! Detached mounts: file systems behind a descriptor, attached nowhere, gone when it is closed.

use crate::error::{Doing, Result, StorageError};
use rustix::fs::CWD;
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags, fsconfig_create, fsconfig_set_fd,
    fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, open_tree,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

/// Longest string that fsconfig(2) takes.
const LONGEST: usize = 255;

/// A detached overlay mount. Without `writable` (upper and work directory) it is read-only and needs at
/// least two lower directories. Nothing in it can be run or used as a device.
pub(crate) fn overlay(
    lower: &[PathBuf],
    writable: Option<(&Path, &Path)>,
    options: &[String],
) -> Result<OwnedFd> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)
        .doing(|| "opening the kernel's overlay file system".into())?;
    let context = context.as_fd();
    let refused = |error| StorageError::io("mounting an overlay", error);
    fsconfig_set_string(context, "source", "overlay").map_err(refused)?;
    set_lower(context, lower).map_err(refused)?;
    if let Some((upper, work)) = writable {
        set_path(context, "upperdir", upper).map_err(refused)?;
        set_path(context, "workdir", work).map_err(refused)?;
    }
    for option in options {
        match option.split_once('=') {
            Some((name, value)) => fsconfig_set_string(context, name, value),
            None => fsconfig_set_flag(context, option.as_str()),
        }
        .map_err(refused)?;
    }
    fsconfig_create(context).map_err(refused)?;
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    if writable.is_none() {
        attributes |= MountAttrFlags::MOUNT_ATTR_RDONLY;
    }
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes).map_err(refused)
}

/// One by one where the kernel knows `lowerdir+` (since 6.7), else as one short string.
fn set_lower(context: BorrowedFd<'_>, lower: &[PathBuf]) -> std::result::Result<(), Errno> {
    for (index, path) in lower.iter().enumerate() {
        match set_path(context, "lowerdir+", path) {
            Ok(()) => {}
            Err(Errno::INVAL) if index == 0 => {
                let joined = lower.iter().map(|path| path.to_string_lossy()).collect::<Vec<_>>().join(":");
                return fsconfig_set_string(context, "lowerdir", joined);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// A path as a string, or by descriptor when it is too long for one (since 6.13).
fn set_path(context: BorrowedFd<'_>, key: &str, path: &Path) -> std::result::Result<(), Errno> {
    if path.as_os_str().len() <= LONGEST {
        return fsconfig_set_string(context, key, path);
    }
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY | rustix::fs::OFlags::CLOEXEC;
    let directory = rustix::fs::openat(CWD, path, flags, rustix::fs::Mode::empty())?;
    fsconfig_set_fd(context, key, directory)
}

/// A directory of the host as a detached mount of its own.
pub(crate) fn bind(directory: &Path) -> Result<OwnedFd> {
    open_tree(CWD, directory, OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC)
        .doing(|| format!("mounting {} by descriptor", directory.display()))
}
