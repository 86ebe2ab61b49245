//! Archives of what lies in a container's file system: `docker cp`, `docker export`, layer tars.
//!
//! All functions take a descriptor of the root directory, and no path in it leads outside: symbolic
//! links are followed as a process whose root this is would follow them. Nothing is held in memory but
//! one buffer, whatever the size of the files.

mod diff;
mod export;
mod pack;

pub(crate) use diff::diff_tar;
pub use export::export;
pub(crate) use pack::{Packer, entry_of};
