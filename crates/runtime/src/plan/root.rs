//! The root file system of a plan and the device nodes in it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::Propagation;

/// The root file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// How it is mounted.
    pub mount: RootMount,
    /// Whether the root mount is read-only once everything is prepared.
    pub readonly: bool,
    /// The propagation of the mount namespace: what mounts of the host do inside, and the reverse.
    pub propagation: Option<Propagation>,
    /// Whether pivot_root(2) is used; without it the root is moved over `/`, which is weaker and only meant
    /// for hosts whose own root is a ramdisk.
    pub pivot: bool,
}

/// How the root file system comes into being, inside the container's own mount namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RootMount {
    /// A directory of the host, bound.
    Bind {
        /// The directory.
        source: PathBuf,
        /// Whether it is read-only.
        readonly: bool,
    },
    /// An overlay of directories, mounted by the init itself: the host never sees it.
    Overlay {
        /// The lower directories, topmost first.
        lower: Vec<PathBuf>,
        /// The directory that takes the changes; without one the overlay is read-only.
        upper: Option<PathBuf>,
        /// The work directory beside `upper`, on the same file system.
        work: Option<PathBuf>,
        /// Further options of overlayfs, `name` or `name=value`.
        options: Vec<String>,
        /// Whether it is read-only.
        readonly: bool,
    },
    /// What `root.path` of the specification says (in a [`super::Plan`] always resolved to a bind).
    Spec,
}

/// A device node below the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// The path inside the container.
    pub path: String,
    /// The kind: character, block or fifo.
    pub kind: super::DeviceKind,
    /// Major number.
    pub major: u32,
    /// Minor number.
    pub minor: u32,
    /// Permission bits.
    pub mode: u32,
    /// Owner inside the container.
    pub uid: u32,
    /// Group inside the container.
    pub gid: u32,
}
