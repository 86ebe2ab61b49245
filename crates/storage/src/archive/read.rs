//! `docker cp` out of a container.

use super::Packer;
use super::resolve::{missing, split};
use crate::changes::{is_directory, stat};
use crate::error::{Doing, Result, StorageError};
use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Writes a path, and all below it, as a tar stream. Names begin with the last component of the path as
/// it was asked for: `/etc` gives `etc/` and `etc/hosts`, `/etc/.` gives `./` and `./hosts`, `/` gives
/// `/` and `/etc`; the client knows these forms. A link as the last component is itself archived.
///
/// # Errors
/// `NotFound`; what the file system or the receiver said.
pub fn read(root: BorrowedFd<'_>, path: &Path, out: &mut dyn Write) -> Result<()> {
    let wanted = split(root, path)?;
    let mut packer = Packer::new(out);
    if wanted.name.is_empty() {
        let directory = open_readable(&wanted.directory, b".", path)?;
        return whole(packer, directory.as_fd(), wanted.base);
    }
    let name = CString::new(wanted.name.clone()).map_err(std::io::Error::from).doing(|| "a name".into())?;
    let found = stat(wanted.directory.as_fd(), &name)?
        .ok_or_else(|| StorageError::NoSuchPath { path: path.display().to_string() })?;
    if is_directory(&found) {
        let directory = open_readable(&wanted.directory, &wanted.name, path)?;
        return whole(packer, directory.as_fd(), wanted.base);
    }
    packer.add(wanted.directory.as_fd(), &name, &wanted.base)?;
    packer.writer.finish()
}

/// A directory with all below it, under the name `base`.
fn whole(mut packer: Packer<'_>, directory: BorrowedFd<'_>, base: Vec<u8>) -> Result<()> {
    packer.directory(directory, &base)?;
    let mut path = base;
    if !path.ends_with(b"/") {
        path.push(b'/');
    }
    packer.children(directory, &mut path, 0)?;
    packer.writer.finish()
}

fn open_readable(directory: &OwnedFd, name: &[u8], path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(directory, OsStr::from_bytes(name), flags, Mode::empty())
        .map_err(|error: Errno| missing(path, error))
}
