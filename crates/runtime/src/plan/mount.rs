//! Mounts of a plan.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::UserMappings;

/// One mount below the root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Where, inside the container. Missing directories are made.
    pub destination: String,
    /// What.
    pub source: MountSource,
    /// Attributes of the mount itself.
    pub attributes: AttributeChange,
    /// Attributes of the mount and all below it (`rro`, `rnosuid`, …).
    pub recursive_attributes: AttributeChange,
    /// How mount events travel; `None` leaves the default of the source.
    pub propagation: Vec<Propagation>,
    /// Owners mapped by these ranges.
    pub idmap: Option<IdMap>,
    /// `tmpcopyup`: what the image holds at the destination is copied into the new tmpfs.
    pub copy_up: bool,
}

/// An id-mapped mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdMap {
    /// The ranges; empty lists mean those of the container's own user namespace.
    pub mappings: UserMappings,
    /// Whether mounts below are mapped as well.
    pub recursive: bool,
}

/// What is mounted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountSource {
    /// A file or directory of the host.
    Bind {
        /// The path on the host.
        path: PathBuf,
        /// Whether what is mounted below it comes along.
        recursive: bool,
    },
    /// A file system of its own.
    Filesystem(FilesystemMount),
    /// The container's own cgroups, v1 or v2 as the host has them.
    Cgroup,
}

/// A file system that is made for the container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilesystemMount {
    /// The type, such as `tmpfs`.
    pub kind: String,
    /// The source as mount tables show it.
    pub source: String,
    /// Options of the file system itself: `name` or `name=value`.
    pub options: Vec<String>,
}

/// Bits to set and clear, as `sampan_sys::mount::attribute` numbers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AttributeChange {
    /// Set.
    pub set: u64,
    /// Cleared first.
    pub clear: u64,
}

impl AttributeChange {
    /// Whether nothing changes.
    pub fn is_empty(self) -> bool {
        self.set == 0 && self.clear == 0
    }
}

/// How mount and unmount events travel between mounts (mount_namespaces(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Propagation {
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE` or `MS_UNBINDABLE`.
    pub flag: u64,
    /// For all mounts below as well.
    pub recursive: bool,
}

impl Propagation {
    /// `MS_UNBINDABLE`.
    pub const UNBINDABLE: u64 = 1 << 17;
    /// `MS_PRIVATE`.
    pub const PRIVATE: u64 = 1 << 18;
    /// `MS_SLAVE`.
    pub const SLAVE: u64 = 1 << 19;
    /// `MS_SHARED`.
    pub const SHARED: u64 = 1 << 20;
}
