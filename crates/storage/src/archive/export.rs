//! `docker export`: a whole file system as a tar stream.

use super::Packer;
use crate::error::{Doing, Result};
use rustix::fs::{Mode, OFlags, openat};
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};

/// Writes everything below the root directory, sorted, with names relative to it (`bin/sh`).
/// Sockets are left out.
///
/// # Errors
/// What the file system or the receiver said.
pub fn export(root: BorrowedFd<'_>, out: &mut dyn Write) -> Result<()> {
    // The root may come as an O_PATH descriptor, which cannot be read.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(root, c".", flags, Mode::empty()).doing(|| "opening the root directory".into())?;
    let mut packer = Packer::new(out);
    packer.children(root.as_fd(), &mut Vec::new(), 0)?;
    packer.writer.finish()
}
