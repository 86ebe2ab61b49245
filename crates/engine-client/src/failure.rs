//! What can go wrong with a request.

use sampan_error::{Classify, Kind};

/// A result with [`Failure`].
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The address is none.
    #[error("{0}")]
    Address(String),
    /// The engine was not reached, or broke off.
    #[error("{0}")]
    Transport(String),
    /// The engine answered that it did not do it.
    #[error("{message}")]
    Answer {
        /// HTTP status.
        status: u16,
        /// The engine's own sentence.
        message: String,
    },
}

impl Failure {
    /// The status of an answer; 0 when there was none.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Answer { status, .. } => *status,
            _ => 0,
        }
    }
}

impl Classify for Failure {
    fn kind(&self) -> Kind {
        match self {
            Self::Address(_) => Kind::InvalidArgument,
            Self::Transport(_) => Kind::Unavailable,
            Self::Answer { status, .. } => match status {
                400 => Kind::InvalidArgument,
                401 => Kind::Unauthenticated,
                403 => Kind::PermissionDenied,
                404 => Kind::NotFound,
                304 => Kind::NotModified,
                409 => Kind::Conflict,
                501 => Kind::NotImplemented,
                _ => Kind::Unavailable,
            },
        }
    }
}
