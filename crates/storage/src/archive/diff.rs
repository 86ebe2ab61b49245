//! A writable layer as a layer tar.

use super::Packer;
use crate::driver::{Change, ChangeKind};
use crate::error::{Doing, Result};
use crate::tar::{Entry, EntryKind};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use std::ffi::{CString, OsStr};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

/// Writes the changed entries of `tree` in the order given, which puts directories before what is in
/// them, and `.wh.` files for removed ones.
pub(crate) fn diff_tar(tree: BorrowedFd<'_>, changes: &[Change], out: &mut dyn Write) -> Result<()> {
    let mut packer = Packer::new(out);
    let mut last: Option<(Vec<u8>, OwnedFd)> = None;
    for change in changes {
        let path = change.path.as_os_str().as_bytes();
        let path = path.strip_prefix(b"/").unwrap_or(path);
        let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&b""[..], path),
        };
        if change.kind == ChangeKind::Deleted {
            let slash: &[u8] = if parent.is_empty() { b"" } else { b"/" };
            let mut whiteout = Entry::new(EntryKind::Regular, [parent, slash, b".wh.", name].concat());
            whiteout.mode = 0;
            packer.writer.entry(&whiteout)?;
            continue;
        }
        if last.as_ref().is_none_or(|(known, _)| known != parent) {
            last = Some((parent.to_vec(), open_parent(tree, parent)?));
        }
        let Some((_, directory)) = &last else { continue };
        let name = CString::new(name).map_err(std::io::Error::from).doing(|| "a name".into())?;
        packer.add(directory.as_fd(), &name, path)?;
    }
    packer.writer.finish()
}

fn open_parent(tree: BorrowedFd<'_>, parent: &[u8]) -> Result<OwnedFd> {
    let path = if parent.is_empty() { b"." } else { parent };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(tree, OsStr::from_bytes(path), flags, Mode::empty(), resolve)
        .doing(|| format!("opening {}", String::from_utf8_lossy(parent)))
}
