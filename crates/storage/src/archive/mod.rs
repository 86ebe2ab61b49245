//! Archives of what lies in a container's file system: `docker cp`, `docker export`, layer tars.
//!
//! All functions take a descriptor of the root directory, and no path in it leads outside: symbolic
//! links are followed as a process whose root this is would follow them. Nothing is held in memory but
//! one buffer, whatever the size of the files.

mod diff;
mod export;
mod pack;
mod read;
mod resolve;
mod stat;
#[cfg(test)]
mod tests;
mod write;

use crate::error::Result;
use std::os::fd::BorrowedFd;

pub(crate) use diff::diff_tar;
pub use export::export;
pub(crate) use pack::{Packer, entry_of};
pub use read::read;
pub use stat::{PathStat, go_file_mode, stat};
pub use write::{WriteOptions, write, write_as};

/// The extended attributes of an open file as far as archives keep them, sorted.
///
/// # Errors
/// What the file system said.
pub fn attributes(file: BorrowedFd<'_>) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    crate::unpack::list_xattrs(&crate::unpack::proc_path(file))
}

/// Copies everything in one directory into another, which may hold nothing of the same name: contents,
/// owners, modes, times, extended attributes, hard links, holes. For filling an empty volume from an image.
/// The directory's own attributes are not copied.
///
/// # Errors
/// What the file system said; what was copied until then stays.
pub fn copy_contents(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    crate::copy::copy_contents(from, to)
}
