//! What goes wrong, in the specification's words ("Error codes").

use hyper::StatusCode;
use std::io;

/// A refusal or a failure of one request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// `NAME_INVALID`
    #[error("invalid repository name")]
    NameInvalid,
    /// `NAME_UNKNOWN`
    #[error("repository name not known to registry")]
    NameUnknown,
    /// `MANIFEST_UNKNOWN`
    #[error("manifest unknown")]
    ManifestUnknown,
    /// `MANIFEST_INVALID`
    #[error("manifest invalid: {0}")]
    ManifestInvalid(String),
    /// `MANIFEST_BLOB_UNKNOWN`: it names something that the repository does not have.
    #[error("blob {0} of the manifest is unknown to this repository")]
    ManifestBlobUnknown(String),
    /// `SIZE_INVALID`
    #[error("the manifest is larger than {0} bytes")]
    ManifestTooLarge(u64),
    /// `BLOB_UNKNOWN`
    #[error("blob unknown to registry")]
    BlobUnknown,
    /// `BLOB_UPLOAD_UNKNOWN`
    #[error("blob upload unknown to registry")]
    UploadUnknown,
    /// `BLOB_UPLOAD_INVALID`: not the place where the upload is; it holds so many bytes.
    #[error("the upload goes on at byte {0}")]
    UploadOutOfOrder(u64),
    /// `DIGEST_INVALID`
    #[error("provided digest did not match uploaded content")]
    DigestInvalid,
    /// A range that the blob does not have; its length.
    #[error("the blob has {0} bytes")]
    RangeInvalid(u64),
    /// `UNAUTHORIZED`
    #[error("authentication required")]
    Unauthorized,
    /// `DENIED`
    #[error("this registry is read only")]
    ReadOnly,
    /// `UNSUPPORTED`
    #[error("{0}")]
    Unsupported(String),
    /// The client went away in the middle of a body.
    #[error("the request ended early")]
    Broken,
    /// The disk, or a bug.
    #[error("the registry cannot use its folder: {0}")]
    Io(#[from] io::Error),
}

/// The outcome of a request.
pub(crate) type Result<T> = std::result::Result<T, Failure>;

impl Failure {
    /// The specification's code.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::ManifestInvalid(_) => "MANIFEST_INVALID",
            Self::ManifestBlobUnknown(_) => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestTooLarge(_) | Self::RangeInvalid(_) => "SIZE_INVALID",
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::UploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::UploadOutOfOrder(_) | Self::Broken => "BLOB_UPLOAD_INVALID",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::ReadOnly => "DENIED",
            Self::Unsupported(_) => "UNSUPPORTED",
            Self::Io(_) => "UNKNOWN",
        }
    }

    /// The status that the specification gives it.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NameUnknown | Self::ManifestUnknown | Self::BlobUnknown | Self::UploadUnknown => {
                StatusCode::NOT_FOUND
            }
            Self::ManifestBlobUnknown(_)
            | Self::NameInvalid
            | Self::ManifestInvalid(_)
            | Self::DigestInvalid
            | Self::Broken => StatusCode::BAD_REQUEST,
            Self::ManifestTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UploadOutOfOrder(_) | Self::RangeInvalid(_) => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::ReadOnly => StatusCode::FORBIDDEN,
            Self::Unsupported(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
            Self::Io(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}
