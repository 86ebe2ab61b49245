//! What can go wrong in a command, what the user reads about it, and the exit status: the one place.

use sampan_error::{Classify, Kind};

use crate::flags::FlagError;

/// A result of the command line.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

/// The exit status of the process. Docker's: 125 for a failure of the engine or of the command line
/// itself, 126 and 127 when the container's command cannot run or is not found, else the program's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExitStatus(pub(crate) u8);

impl ExitStatus {
    /// All went well.
    pub(crate) const SUCCESS: Self = Self(0);
    /// Something failed.
    pub(crate) const FAILURE: Self = Self(1);

    /// The status that a program left with, cut to what a process can report.
    pub(crate) fn of_program(code: i64) -> Self {
        Self(u8::try_from(code & 0xff).unwrap_or(u8::MAX))
    }
}

/// A failure of a command.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The engine refused the request.
    #[error("Error response from daemon: {message}")]
    Daemon {
        /// The HTTP status.
        status: u16,
        /// The engine's own sentence.
        message: String,
    },
    /// There is no engine at this address.
    #[error("Cannot connect to the Docker daemon at {host}. Is the docker daemon running?")]
    CannotConnect {
        /// The address as the user would write it for `-H`.
        host: String,
    },
    /// The socket exists and this user may not open it.
    #[error("permission denied while trying to connect to the Docker daemon socket at {host}: {reason}")]
    SocketForbidden {
        /// The address.
        host: String,
        /// What the system said.
        reason: std::io::Error,
    },
    /// Sampan's own daemon is not there and cannot be started from here; a whole sentence.
    #[error("{0}")]
    NoDaemon(String),
    /// The connection broke or the peer spoke something else than HTTP.
    #[error("error during connect: {0}")]
    Connection(String),
    /// The command line itself is wrong, with the text that docker prints for it.
    #[error("{0}")]
    Usage(String),
    /// A sentence and a status of the command's own choice; an empty sentence prints nothing.
    #[error("{text}")]
    Status {
        /// What to print on stderr.
        text: String,
        /// The exit status.
        status: ExitStatus,
    },
    /// Reading or writing on this side failed.
    #[error("{0}")]
    Local(#[from] std::io::Error),
    /// A failure from another crate of the house.
    #[error("{0}")]
    House(sampan_error::Error),
    /// Anything else, in one sentence.
    #[error("{0}")]
    Message(String),
}

impl Failure {
    /// A failure with this sentence.
    pub(crate) fn message(text: impl Into<String>) -> Self {
        Self::Message(text.into())
    }

    /// The sentence with a prefix before it, as Go's `errors.Wrap`; the kind of the failure is kept.
    pub(crate) fn prefixed(self, prefix: &str) -> Self {
        match self {
            Self::Status { text, status } => Self::Status { text: format!("{prefix}: {text}"), status },
            other => Self::Status { text: format!("{prefix}: {other}"), status: other.exit_status() },
        }
    }

    /// The HTTP status if the engine answered.
    pub(crate) fn http_status(&self) -> Option<u16> {
        match self {
            Self::Daemon { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether the engine said that the thing does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.http_status() == Some(404)
    }

    /// The exit status for this failure.
    pub(crate) fn exit_status(&self) -> ExitStatus {
        match self {
            Self::Usage(_) | Self::NoDaemon(_) => ExitStatus(125),
            Self::Status { status, .. } => *status,
            Self::Local(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitStatus(141),
            Self::House(error) => match error.kind() {
                Kind::CommandNotFound => ExitStatus(127),
                Kind::CommandNotExecutable => ExitStatus(126),
                _ => ExitStatus(1),
            },
            Self::Daemon { .. }
            | Self::CannotConnect { .. }
            | Self::SocketForbidden { .. }
            | Self::Connection(_)
            | Self::Local(_)
            | Self::Message(_) => ExitStatus::FAILURE,
        }
    }
}

impl Classify for Failure {
    fn kind(&self) -> Kind {
        match self {
            Self::Daemon { status, .. } => match status {
                304 => Kind::NotModified,
                400 => Kind::InvalidArgument,
                401 => Kind::Unauthenticated,
                403 => Kind::PermissionDenied,
                404 => Kind::NotFound,
                409 => Kind::Conflict,
                501 => Kind::NotImplemented,
                503 => Kind::Unavailable,
                _ => Kind::Internal,
            },
            Self::CannotConnect { .. } | Self::Connection(_) | Self::NoDaemon(_) => Kind::Unavailable,
            Self::SocketForbidden { .. } => Kind::PermissionDenied,
            Self::Usage(_) | Self::Message(_) | Self::Status { .. } => Kind::InvalidArgument,
            Self::Local(error) => Classify::kind(error),
            Self::House(error) => error.kind(),
        }
    }
}

impl From<sampan_error::Error> for Failure {
    fn from(error: sampan_error::Error) -> Self {
        Self::House(error)
    }
}

impl From<FlagError> for Failure {
    fn from(error: FlagError) -> Self {
        Self::Usage(error.0)
    }
}

impl From<String> for Failure {
    fn from(text: String) -> Self {
        Self::Message(text)
    }
}

impl From<&str> for Failure {
    fn from(text: &str) -> Self {
        Self::Message(text.to_owned())
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Message(error.to_string())
    }
}
