//! What can go wrong between this client and a registry.

use std::time::Duration;

use sampan_error::{Classify, Kind};

/// Why a registry's answer is not what was asked for. Each says who answered, since mirrors are asked too.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegistryError {
    /// No connection, or it broke before the answer began.
    #[error("registry {host} cannot be reached: {reason}")]
    Unreachable {
        /// Who.
        host: String,
        /// What the connection's end said.
        reason: String,
        /// Whether there was a connection at all.
        connected: bool,
    },
    /// TLS failed: one side does not trust the other.
    #[error(
        "registry {host} cannot be trusted ({reason}): the certificate of a private authority belongs into certs.d/{host}/ca.crt, one that proves who we are into client.cert and client.key beside it"
    )]
    Distrusted {
        /// Who.
        host: String,
        /// What TLS said.
        reason: String,
    },
    /// It was silent for too long.
    #[error("registry {host} does not answer in time: {reason}")]
    Silent {
        /// Who.
        host: String,
        /// For what was waited.
        reason: String,
    },
    /// The connection broke in the middle of a body.
    #[error("the connection to registry {host} broke off: {reason}")]
    Interrupted {
        /// Who.
        host: String,
        /// What the connection's end said.
        reason: String,
    },
    /// It wants to know who is asking, or does not believe it.
    #[error("{}", coded(code, message))]
    Unauthorized {
        /// The registry's code, `UNAUTHORIZED` when it gave none.
        code: String,
        /// The registry's sentence.
        message: String,
    },
    /// It knows who is asking, who may not.
    #[error("{}", coded(code, message))]
    Denied {
        /// The registry's code, `DENIED` when it gave none.
        code: String,
        /// The registry's sentence.
        message: String,
    },
    /// It has no such thing.
    #[error("{}", coded(code, message))]
    NotFound {
        /// The registry's code: `MANIFEST_UNKNOWN`, `NAME_UNKNOWN`, `BLOB_UNKNOWN`, or empty.
        code: String,
        /// The registry's sentence.
        message: String,
    },
    /// It was asked too often.
    #[error("{}: registry {host} was asked too often", coded(code, message))]
    TooMany {
        /// Who.
        host: String,
        /// The registry's code.
        code: String,
        /// The registry's sentence.
        message: String,
        /// When it may be asked again.
        after: Option<Duration>,
    },
    /// It refuses the request for a reason of its own.
    #[error("registry {host} answered {status}: {}", coded(code, message))]
    Rejected {
        /// Who.
        host: String,
        /// HTTP status with its words.
        status: String,
        /// The registry's code, or empty.
        code: String,
        /// The registry's sentence.
        message: String,
    },
    /// It has troubles of its own.
    #[error("registry {host} answered {status}: {message}")]
    Broken {
        /// Who.
        host: String,
        /// HTTP status with its words.
        status: String,
        /// What it said.
        message: String,
        /// When it may be asked again.
        after: Option<Duration>,
    },
    /// What it sent is not what the digest names.
    #[error("registry {host} sent other content than {expected}: its digest is {found}")]
    WrongDigest {
        /// Who.
        host: String,
        /// What was asked for.
        expected: String,
        /// What came.
        found: String,
    },
    /// What it sent makes no sense.
    #[error("registry {host} sent an answer that makes no sense: {what}")]
    Malformed {
        /// Who.
        host: String,
        /// What is wrong with it.
        what: String,
    },
    /// What it sent has no end.
    #[error("registry {host} sent more than {limit} bytes for {what}")]
    TooLarge {
        /// Who.
        host: String,
        /// For what.
        what: String,
        /// How much is taken.
        limit: u64,
    },
    /// This side's own configuration is at fault.
    #[error("{0}")]
    Configuration(String),
}

/// A code and a sentence as Docker's client library writes them: `manifest unknown: …`.
fn coded(code: &str, message: &str) -> String {
    let code = code.to_lowercase().replace('_', " ");
    match (code.is_empty(), message.is_empty()) {
        (true, _) => message.to_owned(),
        (false, true) => code,
        (false, false) => format!("{code}: {message}"),
    }
}

impl RegistryError {
    /// Whether the same request may go through in a moment.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::Silent { .. }
                | Self::Interrupted { .. }
                | Self::TooMany { .. }
                | Self::Broken { .. }
        )
    }

    /// Whether the registry says that it has no such thing.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound { .. })
    }

    /// How long the registry asks to be left alone.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::TooMany { after, .. } | Self::Broken { after, .. } => *after,
            _ => None,
        }
    }

    /// The registry's own code (OCI distribution specification, "Error codes").
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Unauthorized { code, .. }
            | Self::Denied { code, .. }
            | Self::NotFound { code, .. }
            | Self::TooMany { code, .. }
            | Self::Rejected { code, .. } => code,
            _ => "",
        }
    }
}

impl Classify for RegistryError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unauthorized { .. } => Kind::Unauthenticated,
            Self::Denied { .. } => Kind::PermissionDenied,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Silent { .. } => Kind::Deadline,
            Self::WrongDigest { .. }
            | Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::Configuration(_) => Kind::InvalidArgument,
            Self::Unreachable { .. }
            | Self::Distrusted { .. }
            | Self::Interrupted { .. }
            | Self::TooMany { .. }
            | Self::Rejected { .. }
            | Self::Broken { .. } => Kind::Unavailable,
        }
    }
}
