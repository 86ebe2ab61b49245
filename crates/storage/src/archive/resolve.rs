//! Paths that users give, resolved below a root directory.

use crate::error::{Result, StorageError};
use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path of `docker cp` taken apart.
pub(super) struct Wanted {
    /// Its directory, open.
    pub(super) directory: OwnedFd,
    /// Its last component; empty when the path ends in a slash and means the directory itself, as does
    /// `.`.
    pub(super) name: Vec<u8>,
    /// What Go's filepath.Base gives: the name that archives and answers carry (`/` for the root).
    pub(super) base: Vec<u8>,
}

/// Opens a path with all its links followed inside the root. EAGAIN says that something was renamed
/// meanwhile; the kernel asks to try again (openat2(2)).
pub(super) fn open_in_root(
    root: BorrowedFd<'_>,
    path: &[u8],
    flags: OFlags,
) -> std::result::Result<OwnedFd, Errno> {
    let path = if path.is_empty() { b"." } else { path };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..128 {
        match openat2(root, OsStr::from_bytes(path), flags | OFlags::CLOEXEC, Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// Resolves the directory of a path and leaves its last component alone: a link there is not followed.
pub(super) fn split(root: BorrowedFd<'_>, path: &Path) -> Result<Wanted> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.contains(&0) {
        return Err(StorageError::Invalid("a path cannot hold a NUL byte".into()));
    }
    let (parent, name) = match bytes.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&bytes[..=slash], &bytes[slash + 1..]),
        None => (&b""[..], bytes),
    };
    // `..` may be the last component too: it means a directory like any other.
    let (parent, name) = if name == b".." { (bytes, &b""[..]) } else { (parent, name) };
    let trimmed = bytes.iter().rposition(|byte| *byte != b'/').map_or(&b""[..], |last| &bytes[..=last]);
    let base = match trimmed.iter().rposition(|byte| *byte == b'/') {
        _ if trimmed.is_empty() => b"/",
        Some(slash) => &trimmed[slash + 1..],
        None => trimmed,
    };
    let directory =
        open_in_root(root, parent, OFlags::PATH | OFlags::DIRECTORY).map_err(|e| missing(path, e))?;
    let name = if name == b"." { Vec::new() } else { name.to_vec() };
    Ok(Wanted { directory, name, base: base.to_vec() })
}

/// The error for a path that cannot be opened.
pub(super) fn missing(path: &Path, error: Errno) -> StorageError {
    match error {
        Errno::NOENT | Errno::NOTDIR | Errno::LOOP | Errno::NAMETOOLONG => {
            StorageError::NoSuchPath { path: path.display().to_string() }
        }
        error => StorageError::io(format!("opening {}", path.display()), error),
    }
}
