//! What can go wrong while storing, and of which kind it is.

use sampan_error::{Classify, Kind};
use std::io;

/// A result with [`StorageError`].
pub type Result<T, E = StorageError> = std::result::Result<T, E>;

/// A failure of a snapshot driver, an archive operation or a volume.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The kernel refused something.
    #[error("{doing}: {cause}")]
    Io {
        /// What was being done, with the path.
        doing: String,
        /// The kernel's answer.
        cause: io::Error,
    },
    /// No layer of this id is stored.
    #[error("layer {0} is not stored here")]
    NoSuchLayer(String),
    /// No writable layer of this id exists.
    #[error("no writable layer {0}")]
    NoSuchWritable(String),
    /// A writable layer of this id exists already.
    #[error("writable layer {0} exists already")]
    WritableExists(String),
    /// A layer cannot be removed while another layer or a writable layer stands on it.
    #[error("layer {layer} is in use by {user}")]
    LayerInUse {
        /// The layer.
        layer: String,
        /// What stands on it.
        user: String,
    },
    /// An id that cannot be a directory name.
    #[error("{0:?} is not a valid layer id")]
    InvalidId(String),
    /// The tar stream breaks the format's rules.
    #[error("invalid tar archive: {0}")]
    InvalidTar(String),
    /// An entry of a tar would be written outside its root, or through something hostile.
    #[error("refusing archive entry {path:?}: {reason}")]
    Hostile {
        /// Name of the entry.
        path: String,
        /// Why it is refused.
        reason: String,
    },
    /// A limit on headers or sizes is passed.
    #[error("archive exceeds a limit: {0}")]
    TooLarge(String),
    /// This host or file system cannot do it.
    #[error("{0}")]
    Unsupported(String),
    /// The caller's request is wrong.
    #[error("{0}")]
    Invalid(String),
    /// A path inside a container does not exist. The caller knows the container and names it.
    #[error("Could not find the file {path} in the container")]
    NoSuchPath {
        /// The path asked for.
        path: String,
    },
    /// `docker cp` of something onto something of another sort.
    #[error("{0}")]
    PathConflict(String),
    /// No volume of this name.
    #[error("get {0}: no such volume")]
    NoSuchVolume(String),
    /// The name is another volume's.
    #[error("a volume named {0} exists already")]
    VolumeExists(String),
    /// A volume's name breaks Docker's rule.
    #[error(
        "create {0}: {0:?} includes invalid characters for a local volume name, only \"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed. If you intended to pass a host directory, use absolute path"
    )]
    InvalidVolumeName(String),
    /// Stored data is damaged.
    #[error("{0}")]
    Damaged(String),
}

impl StorageError {
    /// An I/O failure with what was being done.
    pub fn io(doing: impl Into<String>, cause: impl Into<io::Error>) -> Self {
        Self::Io { doing: doing.into(), cause: cause.into() }
    }

    /// The kernel's error number, if this came from the kernel.
    #[must_use]
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::Io { cause, .. } => cause.raw_os_error(),
            _ => None,
        }
    }
}

impl Classify for StorageError {
    fn kind(&self) -> Kind {
        match self {
            // Damaged compression of an incoming stream arrives as an error of the stream.
            Self::Io { cause, .. } if cause.kind() == io::ErrorKind::InvalidData => Kind::InvalidArgument,
            Self::Io { cause, .. } => match Classify::kind(cause) {
                // A file of our own that is missing is not "the thing you named does not exist".
                Kind::NotFound | Kind::AlreadyExists => Kind::Internal,
                kind => kind,
            },
            Self::NoSuchLayer(_)
            | Self::NoSuchWritable(_)
            | Self::NoSuchPath { .. }
            | Self::NoSuchVolume(_) => Kind::NotFound,
            Self::WritableExists(_) | Self::VolumeExists(_) => Kind::AlreadyExists,
            Self::LayerInUse { .. } => Kind::Conflict,
            Self::InvalidId(_)
            | Self::InvalidTar(_)
            | Self::Hostile { .. }
            | Self::TooLarge(_)
            | Self::Invalid(_)
            | Self::PathConflict(_)
            | Self::InvalidVolumeName(_) => Kind::InvalidArgument,
            Self::Unsupported(_) => Kind::NotImplemented,
            Self::Damaged(_) => Kind::DataLoss,
        }
    }
}

/// Adds what was being done to a failed system call.
pub(crate) trait Doing<T> {
    /// Names the operation and the path.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| StorageError::io(what(), cause))
    }
}
