//! What can go wrong in the store.

use sampan_error::{Classify, Kind};
use std::path::PathBuf;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be opened as a database.
    #[error("cannot open the state database {path}: {source}")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// A statement failed.
    #[error("the state database failed while {doing}: {source}")]
    Statement {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
    /// A value could not be written as JSON.
    #[error("cannot encode the {collection} record {key}: {source}")]
    Encode {
        /// The collection.
        collection: &'static str,
        /// The key.
        key: String,
        /// Why.
        source: serde_json::Error,
    },
    /// One record cannot be read.
    #[error("the {collection} record {key} is damaged: {reason}")]
    Damaged {
        /// The collection.
        collection: &'static str,
        /// The key.
        key: String,
        /// Why.
        reason: String,
    },
}

/// A result of the store.
pub type Result<T> = std::result::Result<T, Error>;

impl Classify for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Damaged { .. } => Kind::DataLoss,
            Self::Open { source, .. } | Self::Statement { source, .. } => match source.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DiskFull) => Kind::Exhausted,
                Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                    Kind::DataLoss
                }
                _ => Kind::Internal,
            },
            Self::Encode { .. } => Kind::Internal,
        }
    }
}
