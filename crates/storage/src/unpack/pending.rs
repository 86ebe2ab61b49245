//! What is finished once the parent of a layer is known.

use super::Pending;
use super::metadata::{apply_open, copy_attributes, list_xattrs};
use super::name::split;
use super::tree::{Missing, Tree, proc_path};
use crate::archive::entry_of;
use crate::error::{Doing, Result, StorageError};
use crate::tar::EntryKind;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, fstat, linkat, openat, openat2};
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Gives directories that no entry named the attributes that they have below, and copies up files of
/// the parent that this layer links to.
pub(crate) fn finish(diff: BorrowedFd<'_>, pending: &Pending, parent: Option<BorrowedFd<'_>>) -> Result<()> {
    let mut tree = Tree::new(diff)?;
    if let Some(parent) = parent {
        for path in &pending.implied {
            if let (Ok(below), Ok(above)) =
                (open_exact(parent, path, OFlags::DIRECTORY), open_exact(diff, path, OFlags::DIRECTORY))
            {
                copy_attributes(below.as_fd(), above.as_fd())?;
            }
        }
    }
    for (name, target) in &pending.links {
        let missing = || StorageError::Hostile {
            path: String::from_utf8_lossy(name).into_owned(),
            reason: format!("a hard link to {:?}, which does not exist", String::from_utf8_lossy(target)),
        };
        link(&mut tree, name, target, parent.ok_or_else(missing)?, missing)?;
    }
    // Directories that copied files needed.
    for path in &tree.implied {
        if let Some(parent) = parent
            && let (Ok(below), Ok(above)) =
                (open_exact(parent, path, OFlags::DIRECTORY), open_exact(diff, path, OFlags::DIRECTORY))
        {
            copy_attributes(below.as_fd(), above.as_fd())?;
        }
    }
    Ok(())
}

fn link(
    tree: &mut Tree<'_>,
    name: &[u8],
    target: &[u8],
    parent: BorrowedFd<'_>,
    missing: impl Fn() -> StorageError,
) -> Result<()> {
    let (directory, file_name) = split(name);
    let directory = tree.open(directory, Missing::Create)?;
    let (target_directory, target_name) = split(target);
    let target_directory = tree.open(target_directory, Missing::Create)?;
    let from = OsStr::from_bytes(target_name);
    let link = || {
        linkat(
            &target_directory.directory,
            from,
            &directory.directory,
            OsStr::from_bytes(file_name),
            AtFlags::empty(),
        )
    };
    if link().is_ok() {
        return Ok(());
    }
    let source = open_exact(parent, target, OFlags::RDONLY | OFlags::NONBLOCK).map_err(|_| missing())?;
    let stat = fstat(&source).doing(|| "reading a file".into())?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return Err(missing());
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let copy = openat(&target_directory.directory, from, flags, Mode::from_raw_mode(0o600))
        .doing(|| "copying a file of the layer below".into())?;
    let mut entry = entry_of(&stat, EntryKind::Regular, target);
    entry.xattrs = list_xattrs(&proc_path(source.as_fd()))?;
    let mut copy = File::from(copy);
    std::io::copy(&mut File::from(source), &mut copy).doing(|| "copying a file of the layer below".into())?;
    apply_open(copy.as_fd(), &entry)?;
    link().doing(|| "linking a file of the layer below".into())
}

fn open_exact(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
) -> std::result::Result<OwnedFd, rustix::io::Errno> {
    let path = if path.is_empty() { b"." } else { path };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(root, OsStr::from_bytes(path), flags | OFlags::CLOEXEC | OFlags::NOFOLLOW, Mode::empty(), resolve)
}
