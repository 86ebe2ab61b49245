//! Binds, volumes, tmpfs and image mounts, as asked for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A bind or a named volume in the short form (`-v source:target[:mode]`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    /// A path of the host (absolute) or the name of a volume.
    pub source: String,
    /// The path inside the container, absolute and clean.
    pub target: String,
    /// The mode as given (`ro`, `rw`, `z`, `Z`, `rshared`, `nocopy`, `idmap`, comma separated; may be empty).
    pub mode: String,
}

/// A mount in the long form (`--mount`, `HostConfig.Mounts`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountRequest {
    /// Path of the host, name of a volume, reference of an image; empty for tmpfs and anonymous volumes.
    pub source: String,
    /// The path inside the container, absolute and clean.
    pub target: String,
    /// Whether it is read-only.
    pub read_only: bool,
    /// `consistency` as given: accepted and without meaning on Linux.
    pub consistency: String,
    /// The kind with its options.
    pub kind: MountKind,
}

/// The kind of a long-form mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountKind {
    /// A path of the host.
    Bind(BindOptions),
    /// A volume.
    Volume(VolumeOptions),
    /// Memory.
    Tmpfs(TmpfsOptions),
    /// The file system of an image, read-only.
    Image(ImageMount),
}

/// Options of a bind mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BindOptions {
    /// How mount events travel.
    pub propagation: Propagation,
    /// Leaves out what is mounted below the source.
    pub non_recursive: bool,
    /// Creates the source as a directory when it is missing.
    pub create_mountpoint: bool,
    /// Read-only for the top mount only.
    pub read_only_non_recursive: bool,
    /// Refuses when the kernel cannot make the whole tree read-only.
    pub read_only_force_recursive: bool,
}

/// Options of a volume mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeOptions {
    /// Does not copy the image's content into an empty volume.
    pub no_copy: bool,
    /// Labels of a volume that this creates.
    pub labels: BTreeMap<String, String>,
    /// Volume driver; empty is `local`.
    pub driver: String,
    /// Options for the driver.
    pub driver_options: BTreeMap<String, String>,
    /// A path inside the volume instead of its root.
    pub subpath: String,
}

/// Options of a tmpfs mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TmpfsOptions {
    /// Size in bytes; zero is the kernel's default.
    pub size_bytes: u64,
    /// Mode bits; zero is 1777.
    pub mode: u32,
    /// Further options, each a name or a name and a value (API 1.46).
    pub options: Vec<Vec<String>>,
}

/// Options of an image mount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageMount {
    /// A path inside the image instead of its root.
    pub subpath: String,
}

/// Mount propagation, mount_namespaces(7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Propagation {
    /// `rprivate`, the default.
    #[default]
    RecursivePrivate,
    /// `private`.
    Private,
    /// `rshared`.
    RecursiveShared,
    /// `shared`.
    Shared,
    /// `rslave`.
    RecursiveSlave,
    /// `slave`.
    Slave,
}
