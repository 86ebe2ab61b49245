//! What can go wrong with images, and of which kind it is.

use sampan_error::{Classify, Kind};
use sampan_storage::StorageError;

/// A result with [`ImageError`].
pub type Result<T, E = ImageError> = std::result::Result<T, E>;

/// A failure of the image store.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Docker's clients look for this text to decide whether to pull.
    #[error("No such image: {0}")]
    NoSuchImage(String),
    /// A name that breaks Docker's grammar of references.
    #[error("{0}")]
    InvalidReference(String),
    /// A short id that fits several images.
    #[error("multiple IDs found with provided prefix: {0}")]
    Ambiguous(String),
    /// An image cannot be removed. The text is Docker's.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The image is there, but for another platform.
    #[error(
        "image with reference {reference} was found but does not provide the specified platform ({platform})"
    )]
    WrongPlatform {
        /// As the caller said it.
        reference: String,
        /// The platform asked for.
        platform: String,
    },
    /// The archive is no image, or breaks the rules of its format.
    #[error("invalid image archive: {0}")]
    InvalidArchive(String),
    /// The caller's request is wrong.
    #[error("{0}")]
    Invalid(String),
    /// Content does not have the digest that names it.
    #[error("{what} does not have the digest it is named by: expected {expected}, got {found}")]
    WrongDigest {
        /// What was read.
        what: String,
        /// The digest that it should have.
        expected: String,
        /// The digest that it has.
        found: String,
    },
    /// Stored data is damaged.
    #[error("{0}")]
    Damaged(String),
    /// The kernel refused something.
    #[error("{doing}: {cause}")]
    Io {
        /// What was being done.
        doing: String,
        /// The kernel's answer.
        cause: std::io::Error,
    },
    /// The snapshot driver failed.
    #[error("{0}")]
    Storage(StorageError),
    /// The database failed.
    #[error("{0}")]
    State(sampan_state::Error),
}

impl ImageError {
    /// An I/O failure with what was being done.
    pub fn io(doing: impl Into<String>, cause: impl Into<std::io::Error>) -> Self {
        Self::Io { doing: doing.into(), cause: cause.into() }
    }
}

impl From<StorageError> for ImageError {
    fn from(error: StorageError) -> Self {
        Self::Storage(error)
    }
}

impl From<sampan_state::Error> for ImageError {
    fn from(error: sampan_state::Error) -> Self {
        Self::State(error)
    }
}

impl Classify for ImageError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoSuchImage(_) | Self::WrongPlatform { .. } => Kind::NotFound,
            Self::InvalidReference(_)
            | Self::Ambiguous(_)
            | Self::InvalidArchive(_)
            | Self::Invalid(_)
            | Self::WrongDigest { .. } => Kind::InvalidArgument,
            Self::Conflict(_) => Kind::Conflict,
            Self::Damaged(_) => Kind::DataLoss,
            Self::Io { cause, .. } if cause.kind() == std::io::ErrorKind::InvalidData => {
                Kind::InvalidArgument
            }
            Self::Io { cause, .. } => match Classify::kind(cause) {
                Kind::NotFound | Kind::AlreadyExists => Kind::Internal,
                kind => kind,
            },
            Self::Storage(error) => error.kind(),
            Self::State(error) => error.kind(),
        }
    }
}

/// Adds what was being done to a failed operation.
pub(crate) trait Doing<T> {
    /// Names the operation and the path.
    fn doing(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Into<std::io::Error>> Doing<T> for std::result::Result<T, E> {
    fn doing(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|cause| ImageError::io(what(), cause))
    }
}
