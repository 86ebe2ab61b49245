//! Owner, mode, times and extended attributes, set on the object itself and never through a link.

use super::tree::proc_path;
use crate::error::{Doing, Result};
use crate::tar::{Entry, Timestamp};
use rustix::fs::{
    AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, Uid, XattrFlags,
    chmodat, chownat, fstat, futimens, getxattr, listxattr, openat, setxattr, utimensat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Whether an extended attribute belongs in archives. Those of overlay steer the mount (a layer that
/// could set them could show any file of the host's own layers); those of security modules and of
/// integrity measurement belong to this host.
fn stored_in_archives(name: &[u8]) -> bool {
    let foreign: [&[u8]; 7] = [
        b"trusted.",
        b"user.overlay.",
        b"security.selinux",
        b"security.ima",
        b"security.evm",
        b"security.apparmor",
        b"security.SMACK",
    ];
    !foreign.iter().any(|prefix| name.starts_with(prefix))
        && [&b"user."[..], b"security.", b"system.posix_acl_"].iter().any(|prefix| name.starts_with(prefix))
}

/// Sets everything on an open file or directory.
pub(crate) fn apply_open(descriptor: BorrowedFd<'_>, entry: &Entry) -> Result<()> {
    let shown = || entry.display_path();
    let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
    rustix::fs::fchown(descriptor, Some(uid), Some(gid))
        .doing(|| format!("setting the owner of {}", shown()))?;
    // After the owner: chown(2) takes setuid bits and file capabilities away.
    set_xattrs(&proc_path(descriptor), entry)?;
    rustix::fs::fchmod(descriptor, Mode::from_raw_mode(entry.mode & 0o7777))
        .doing(|| format!("setting the mode of {}", shown()))?;
    futimens(descriptor, &times(entry.mtime)).doing(|| format!("setting the time of {}", shown()))
}

/// Sets everything on `name` in `directory`, which is a link, a device or a pipe. The object is held by
/// a descriptor, so that another process that renames things meanwhile gains nothing.
pub(crate) fn apply_node(directory: BorrowedFd<'_>, name: &[u8], entry: &Entry) -> Result<()> {
    let shown = || entry.display_path();
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let node: OwnedFd = openat(directory, OsStr::from_bytes(name), flags, Mode::empty())
        .doing(|| format!("opening {}", shown()))?;
    let is_link = FileType::from_raw_mode(fstat(&node).doing(shown)?.st_mode) == FileType::Symlink;
    let (uid, gid) = (Uid::from_raw(entry.uid), Gid::from_raw(entry.gid));
    chownat(&node, "", Some(uid), Some(gid), AtFlags::EMPTY_PATH)
        .doing(|| format!("setting the owner of {}", shown()))?;
    let path = proc_path(node.as_fd());
    set_xattrs(&path, entry)?;
    if !is_link {
        chmodat(CWD, &path, Mode::from_raw_mode(entry.mode & 0o7777), AtFlags::empty())
            .doing(|| format!("setting the mode of {}", shown()))?;
        return utimensat(CWD, &path, &times(entry.mtime), AtFlags::empty())
            .doing(|| format!("setting the time of {}", shown()));
    }
    utimensat(directory, OsStr::from_bytes(name), &times(entry.mtime), AtFlags::SYMLINK_NOFOLLOW)
        .doing(|| format!("setting the time of {}", shown()))
}

fn set_xattrs(path: &str, entry: &Entry) -> Result<()> {
    for (name, value) in entry.xattrs.iter().filter(|(name, _)| stored_in_archives(name)) {
        match setxattr(path, OsStr::from_bytes(name), value, XattrFlags::empty()) {
            // The file system has no such attributes, or this kind of file may not have them.
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::PERM) => {}
            Err(error) => {
                return Err(error).doing(|| {
                    format!("setting attribute {} of {}", String::from_utf8_lossy(name), entry.display_path())
                });
            }
        }
    }
    Ok(())
}

/// Modification time as given; the access time is the same, as an archive knows no other.
pub(crate) fn times(mtime: Timestamp) -> Timestamps {
    let time = Timespec { tv_sec: mtime.seconds, tv_nsec: mtime.nanoseconds.into() };
    Timestamps { last_access: time, last_modification: time }
}

/// The extended attributes of the object behind a path that is not followed further
/// (`/proc/self/fd/N`), as far as archives keep them, sorted.
pub(crate) fn list_xattrs(path: &str) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    // Most files have none: asked with a small buffer first.
    let mut names = vec![0u8; 256];
    let length = loop {
        match listxattr(path, names.as_mut_slice()) {
            Ok(length) => break length,
            Err(Errno::RANGE) if names.len() < 128 << 10 => names.resize(names.len() * 4, 0),
            Err(Errno::OPNOTSUPP) => return Ok(Vec::new()),
            Err(error) => return Err(error).doing(|| "listing extended attributes".into()),
        }
    };
    let mut found = Vec::new();
    for name in names[..length].split(|byte| *byte == 0).filter(|name| stored_in_archives(name)) {
        let mut value = vec![0u8; 256];
        let length = loop {
            match getxattr(path, OsStr::from_bytes(name), value.as_mut_slice()) {
                Ok(length) => break Some(length),
                Err(Errno::RANGE) if value.len() < 128 << 10 => value.resize(value.len() * 4, 0),
                Err(Errno::NODATA | Errno::OPNOTSUPP) => break None,
                Err(error) => return Err(error).doing(|| "reading an extended attribute".into()),
            }
        };
        if let Some(length) = length {
            value.truncate(length);
            found.push((name.to_vec(), value));
        }
    }
    found.sort();
    Ok(found)
}

/// Owner, mode, times and attributes of an open directory or file, as an entry without a name.
pub(crate) fn read_attributes(from: BorrowedFd<'_>) -> Result<Entry> {
    let stat: Stat = fstat(from).doing(|| "reading attributes".into())?;
    let mut entry = Entry::new(crate::tar::EntryKind::Directory, "");
    entry.uid = stat.st_uid;
    entry.gid = stat.st_gid;
    entry.mode = stat.st_mode & 0o7777;
    entry.mtime = Timestamp { seconds: stat.st_mtime, nanoseconds: stat.st_mtime_nsec as u32 };
    entry.xattrs = list_xattrs(&proc_path(from))?;
    Ok(entry)
}

/// Copies owner, mode, times and attributes from one open directory or file to another.
pub(crate) fn copy_attributes(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    apply_open(to, &read_attributes(from)?)
}

/// Sets only the modification time of an open object.
pub(crate) fn set_mtime(descriptor: BorrowedFd<'_>, mtime: Timestamp) -> std::result::Result<(), Errno> {
    let mut times = times(mtime);
    times.last_access.tv_nsec = UTIME_OMIT;
    utimensat(CWD, proc_path(descriptor), &times, AtFlags::empty())
}
