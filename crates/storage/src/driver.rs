//! The contract of snapshot drivers.

use crate::error::Result;
use std::fmt;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// Keeps the read-only layers of images and the writable layers of containers.
///
/// # Terms
/// - A **layer** is a read-only set of files, named by an id that the caller chooses (the chain id of
///   the OCI image specification, `sha256:` and 64 hexadecimal digits) and standing on at most one
///   parent. Its contents never change.
/// - A **writable layer** belongs to a container, is named by the container's id and stands on a layer
///   (or on nothing).
/// - A **staged layer** is unpacked and has no id yet. Dropping it removes it.
///
/// # Rules
/// - Every operation is complete or has not happened, also when the process is killed in the middle:
///   things are built under a temporary name and renamed; they are renamed aside and then deleted.
///   What a killed process left is removed when the driver is opened again.
/// - `layer_tar` gives back, byte for byte, the tar stream that the layer was made from.
/// - A layer on which something stands cannot be removed (`Conflict`).
/// - No operation leaves a mount on the host. [`SnapshotDriver::root_mount`] is data: whoever starts a
///   container mounts it in the container's own mount namespace.
/// - All calls may come from many threads at once. The same layer committed twice is kept once.
/// - Nothing in an archive, however hostile, is written outside the layer that it makes.
pub trait SnapshotDriver: Send + Sync + fmt::Debug {
    /// Name of the driver as `docker info` shows it: `overlay2` for overlay, `vfs`.
    fn name(&self) -> &'static str;

    /// Facts about the driver for `docker info`, in order.
    fn status(&self) -> Vec<(String, String)>;

    /// Unpacks a plain (not compressed) layer tar under a temporary name. The parent need not be known
    /// yet. The whole stream is read, also what follows the archive's end.
    ///
    /// # Errors
    /// `InvalidArgument` for a broken or hostile archive, else what the file system said.
    fn stage_layer(&self, tar: &mut dyn Read) -> Result<StagedLayer>;

    /// Gives a staged layer its id and parent. If the layer exists already the staged one is dropped
    /// and the existing one described.
    ///
    /// # Errors
    /// `NotFound` when the parent does not exist.
    fn commit_layer(&self, staged: StagedLayer, id: &str, parent: Option<&str>) -> Result<AppliedLayer>;

    /// [`SnapshotDriver::stage_layer`] and [`SnapshotDriver::commit_layer`] in one call.
    ///
    /// # Errors
    /// Those of both.
    fn apply_layer(&self, id: &str, parent: Option<&str>, tar: &mut dyn Read) -> Result<AppliedLayer> {
        let staged = self.stage_layer(tar)?;
        self.commit_layer(staged, id, parent)
    }

    /// Whether a layer of this id is stored.
    fn has_layer(&self, id: &str) -> bool;

    /// Removes a layer.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` while a layer or a writable layer stands on it.
    fn remove_layer(&self, id: &str) -> Result<()>;

    /// All layers, in no order.
    fn layers(&self) -> Vec<LayerInfo>;

    /// One layer.
    ///
    /// # Errors
    /// `NotFound`.
    fn layer(&self, id: &str) -> Result<LayerInfo>;

    /// Bytes of the regular files in a layer alone, without its parents.
    ///
    /// # Errors
    /// `NotFound`.
    fn layer_size(&self, id: &str) -> Result<u64> {
        Ok(self.layer(id)?.size)
    }

    /// Writes the tar stream that the layer was made from, bit for bit.
    ///
    /// # Errors
    /// `NotFound`; `DataLoss` when a file of the layer is missing or has another length. Whether the
    /// contents are right the caller knows by the digest.
    fn layer_tar(&self, id: &str, out: &mut dyn Write) -> Result<()>;

    /// The file system of a layer with its parents below, as a detached read-only mount: nothing is
    /// attached on the host, and closing the descriptor ends it.
    ///
    /// # Errors
    /// `NotFound`, or the kernel's refusal.
    fn layer_view(&self, id: &str) -> Result<OwnedFd>;

    /// Waits until all layers committed so far are on the disk.
    ///
    /// # Errors
    /// What the file system said.
    fn sync(&self) -> Result<()>;

    /// Makes a writable layer on a layer, or on nothing.
    ///
    /// # Errors
    /// `AlreadyExists`; `NotFound` for the parent; `NotImplemented` for a size limit that this file
    /// system cannot enforce.
    fn create_writable(&self, id: &str, parent: Option<&str>, options: &WritableOptions) -> Result<()>;

    /// Removes a writable layer. Not to be called while its container runs.
    ///
    /// # Errors
    /// `NotFound`.
    fn remove_writable(&self, id: &str) -> Result<()>;

    /// Replaces the record kept beside a writable layer (`record.json`), from which its container is
    /// adopted when the database is lost.
    ///
    /// # Errors
    /// `NotFound`.
    fn write_record(&self, id: &str, record: &[u8]) -> Result<()>;

    /// All writable layers, for reconciliation.
    ///
    /// # Errors
    /// When the directory cannot be read.
    fn all_writables(&self) -> Result<Vec<WritableInfo>>;

    /// How to mount the root file system of a container: data, nothing is mounted.
    ///
    /// # Errors
    /// `NotFound`.
    fn root_mount(&self, id: &str) -> Result<RootMount>;

    /// The root file system of a container that does not run, as a detached mount: readable and
    /// writable through the descriptor, attached nowhere, gone when it is closed.
    ///
    /// # Errors
    /// `NotFound`, or the kernel's refusal.
    fn mount_detached(&self, id: &str) -> Result<OwnedFd>;

    /// What a container changed, as `docker diff` reports it: sorted by path, directories that hold
    /// a changed entry are themselves `Modified`.
    ///
    /// # Errors
    /// `NotFound`, or what the file system said.
    fn changes(&self, id: &str) -> Result<Vec<Change>>;

    /// The writable layer as a layer tar: changed entries, `.wh.` for removed ones.
    ///
    /// # Errors
    /// `NotFound`, or what the file system or the receiver said.
    fn diff_tar(&self, id: &str, out: &mut dyn Write) -> Result<()>;

    /// Makes a staged layer of a writable one by moving its files, and writes its tar stream to `out` on the way, the
    /// same that `diff_tar` writes. The writable layer is empty afterwards. `None` from drivers that cannot: there the
    /// stream has to be unpacked. Not to be called while the container runs or something has it mounted.
    ///
    /// # Errors
    /// `NotFound`, or what the file system or the receiver said.
    fn take_writable(&self, _id: &str, _out: &mut dyn Write) -> Result<Option<StagedLayer>> {
        Ok(None)
    }

    /// Bytes of the files in the writable layer.
    ///
    /// # Errors
    /// `NotFound`.
    fn writable_size(&self, id: &str) -> Result<u64>;

    /// `GraphDriver.Data` of `docker inspect` for a container: `LowerDir`, `UpperDir`, …
    ///
    /// # Errors
    /// `NotFound`.
    fn inspect_data(&self, id: &str) -> Result<Vec<(String, String)>>;

    /// `GraphDriver.Data` of `docker inspect` for an image's top layer.
    ///
    /// # Errors
    /// `NotFound`.
    fn inspect_layer(&self, id: &str) -> Result<Vec<(String, String)>>;
}

/// A layer that is unpacked and not committed yet. Dropping it removes it.
#[derive(Debug)]
pub struct StagedLayer {
    /// Where it lies.
    pub(crate) directory: crate::staging::Staged,
    /// Bytes of its regular files.
    pub size: u64,
    /// Length of the tar stream in bytes.
    pub tar_size: u64,
    /// Number of its entries.
    pub entries: u64,
    /// What must still be done once the parent is known.
    pub(crate) pending: crate::unpack::Pending,
}

/// A committed layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedLayer {
    /// Bytes of its regular files.
    pub size: u64,
    /// False when the layer was there already and the staged copy was dropped.
    pub new: bool,
}

/// What is known of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerInfo {
    /// Its id.
    pub id: String,
    /// The layer it stands on.
    pub parent: Option<String>,
    /// Bytes of its regular files, without its parents.
    pub size: u64,
    /// Length in bytes of the tar stream that it was made from.
    pub tar_size: u64,
}

/// What a caller wants of a writable layer.
#[derive(Debug, Clone, Default)]
pub struct WritableOptions {
    /// Most bytes that the layer may hold (`--storage-opt size=`).
    pub size_limit: Option<u64>,
    /// Contents of `record.json` beside the data.
    pub record: Option<Vec<u8>>,
    /// Puts the empty files and directories that a container's own mounts cover (`/proc`, `/sys`,
    /// `/dev/shm`, `/etc/hosts`, …, and `/.dockerenv`) below the writable layer, as Docker's `-init`
    /// layer does, so that they are neither reported as changes nor committed.
    pub mount_points: bool,
    /// The contents need not survive a crash of the host (a container with `--rm`): the kernel is told
    /// not to flush them when the file system is unmounted.
    pub volatile: bool,
}

/// A writable layer as found on the disk.
#[derive(Debug, Clone)]
pub struct WritableInfo {
    /// Its id.
    pub id: String,
    /// The layer it stands on.
    pub parent: Option<String>,
    /// Its `record.json`, if there is one.
    pub record: Option<Vec<u8>>,
    /// Its size limit, if it has one.
    pub size_limit: Option<u64>,
    /// Where it lies on the host.
    pub path: PathBuf,
}

/// How to mount the root file system of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RootMount {
    /// An overlay mount.
    Overlay {
        /// Read-only directories, topmost first; at least one, at most 128. The paths are kept short, so
        /// that 127 of them fit the page of mount(2) when they are given relative to their common parent.
        lower: Vec<PathBuf>,
        /// The writable directory.
        upper: PathBuf,
        /// Overlay's own working directory, on the same file system.
        work: PathBuf,
        /// Further options, each `name` or `name=value`.
        options: Vec<String>,
    },
    /// A directory of the host, to be bind-mounted.
    Bind {
        /// The directory.
        source: PathBuf,
    },
}

/// One line of `docker diff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Absolute path inside the container.
    pub path: PathBuf,
    /// What happened to it.
    pub kind: ChangeKind,
}

/// What happened to a path. The numbers are those of Docker's API (`Kind`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// `C`
    Modified = 0,
    /// `A`
    Added = 1,
    /// `D`
    Deleted = 2,
}
