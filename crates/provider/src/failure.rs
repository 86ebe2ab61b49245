//! What can go wrong at a provider.

use sampan_error::{Classify, Kind};
use std::time::Duration;

/// A result with [`Failure`].
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// What went wrong. The text is one sentence for users, with what to do where that is known; no text holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// This kind of provider cannot do it.
    #[error("{what} is not possible there: {hint}")]
    Unsupported {
        /// What was asked.
        what: String,
        /// What to do instead.
        hint: String,
    },
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// It is there already, and not ours.
    #[error("{0}")]
    AlreadyExists(String),
    /// Something else is being done with it, or its state forbids it.
    #[error("{0}")]
    Conflict(String),
    /// Nobody said who is asking, or what was said has expired.
    #[error("{0}")]
    Unauthenticated(String),
    /// Who is asking may not.
    #[error("{0}")]
    Denied(String),
    /// A limit of the account.
    #[error("{0}")]
    Quota(String),
    /// The provider has no room at the moment; another place may have.
    #[error("{0}")]
    Capacity(String),
    /// Too many calls.
    #[error("{service} takes no more calls at the moment")]
    RateLimited {
        /// Which part of the provider.
        service: String,
        /// When it will again, when it says so.
        after: Option<Duration>,
    },
    /// What was asked is wrong.
    #[error("{message}")]
    Invalid {
        /// Which part of it, by its name in the specification or the target's options; may be empty.
        field: String,
        /// What is wrong with it.
        message: String,
    },
    /// New instances did not become ready.
    #[error("{0}")]
    RolloutFailed(String),
    /// It took longer than allowed.
    #[error("{0}")]
    Deadline(String),
    /// The provider cannot be reached, or broke off.
    #[error("{0}")]
    Transport(String),
    /// An answer that fits nothing above.
    #[error("{service} says: {message}")]
    Provider {
        /// Which part of the provider.
        service: String,
        /// HTTP status; 0 without one.
        status: u16,
        /// The provider's own code.
        code: String,
        /// Its words, without what was asked.
        message: String,
        /// What its support asks for.
        request_id: String,
    },
}

/// Whether the same call may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It will not.
    Never,
    /// After a while; at once with growing pauses when the provider does not say how long.
    Later(Option<Duration>),
    /// Not here, perhaps in another place.
    Elsewhere,
}

impl Failure {
    /// Whether to ask again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { after, .. } => Retry::Later(*after),
            Self::Transport(_) => Retry::Later(None),
            Self::Provider { status, .. } if *status >= 500 => Retry::Later(None),
            Self::Capacity(_) | Self::Quota(_) => Retry::Elsewhere,
            _ => Retry::Never,
        }
    }

    /// There is no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// The input is wrong.
    #[must_use]
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), message: message.into() }
    }

    /// It is not possible at this kind of provider.
    #[must_use]
    pub fn unsupported(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into(), hint: hint.into() }
    }
}

impl Classify for Failure {
    fn kind(&self) -> Kind {
        match self {
            Self::Unsupported { .. } => Kind::NotImplemented,
            Self::NotFound(_) => Kind::NotFound,
            Self::AlreadyExists(_) => Kind::AlreadyExists,
            Self::Conflict(_) | Self::RolloutFailed(_) => Kind::Conflict,
            Self::Unauthenticated(_) => Kind::Unauthenticated,
            Self::Denied(_) => Kind::PermissionDenied,
            Self::Quota(_) | Self::Capacity(_) => Kind::Exhausted,
            Self::Invalid { .. } => Kind::InvalidArgument,
            Self::Deadline(_) => Kind::Deadline,
            Self::RateLimited { .. } | Self::Transport(_) | Self::Provider { .. } => Kind::Unavailable,
        }
    }
}
