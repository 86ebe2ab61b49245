//! What can go wrong, by kind, with the sentences that Docker's clients search for.

use std::io;

use sampan_error::{Classify, Kind};
use serde::{Deserialize, Serialize};

/// A result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure to compile a specification or to carry out a plan.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The specification asks for something wrong or contradictory.
    #[error("{0}")]
    Invalid(String),
    /// The specification asks for something that this build or host cannot do.
    #[error("{0}")]
    Unsupported(String),
    /// A system call failed.
    #[error("{what}: {source}")]
    System {
        /// What was being done, with the names of the things involved.
        what: String,
        /// The answer of the kernel.
        source: io::Error,
    },
    /// The container is not in the state that this needs.
    #[error("{0}")]
    State(String),
    /// There is no such container.
    #[error("container {0} does not exist")]
    NoSuchContainer(String),
    /// A container of that name exists already.
    #[error("container {0} already exists")]
    AlreadyExists(String),
    /// A step of the container's init failed; this came back over the socket.
    #[error("{}", .0.message)]
    Step(Failure),
    /// A message on the socket was not what was expected.
    #[error("the container's init sent something unexpected: {0}")]
    Protocol(String),
}

/// A failure inside the container's init, as it travels to the launcher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step that failed, by its name in the list of steps.
    pub step: String,
    /// The sentence for the user.
    pub message: String,
    /// The kind, as [`Failure::kind`] reads it.
    pub(crate) code: u8,
}

impl Failure {
    /// A failure of this kind in the step.
    pub fn new(step: impl Into<String>, kind: Kind, message: impl Into<String>) -> Self {
        let code = KINDS.iter().position(|known| *known == kind).unwrap_or(0);
        Self { step: step.into(), message: message.into(), code: code as u8 }
    }

    /// The kind of the failure.
    pub fn kind(&self) -> Kind {
        KINDS.get(usize::from(self.code)).copied().unwrap_or(Kind::Internal)
    }
}

/// The kinds that a step can report; the position is what travels.
const KINDS: [Kind; 9] = [
    Kind::Internal,
    Kind::InvalidArgument,
    Kind::NotFound,
    Kind::PermissionDenied,
    Kind::CommandNotFound,
    Kind::CommandNotExecutable,
    Kind::Exhausted,
    Kind::NotImplemented,
    Kind::Conflict,
];

impl Classify for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::InvalidArgument,
            Self::Unsupported(_) => Kind::NotImplemented,
            Self::System { source, .. } => Classify::kind(source),
            Self::State(_) => Kind::Conflict,
            Self::NoSuchContainer(_) => Kind::NotFound,
            Self::AlreadyExists(_) => Kind::AlreadyExists,
            Self::Step(failure) => failure.kind(),
            Self::Protocol(_) => Kind::Internal,
        }
    }
}

impl Error {
    /// A failed system call with what was being done.
    pub fn system(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::System { what: what.into(), source: source.into() }
    }

    /// This error as the failure of `step`.
    pub fn into_failure(self, step: &str) -> Failure {
        match self {
            Self::Step(failure) => failure,
            other => Failure::new(step, Classify::kind(&other), other.to_string()),
        }
    }

    /// The error number of the system call that failed, when one did.
    pub fn errno(&self) -> Option<i32> {
        match self {
            Self::System { source, .. } => source.raw_os_error(),
            _ => None,
        }
    }
}

/// Says what was being done when a system call failed.
pub(crate) trait During<T> {
    /// Names what was being done; evaluated only for a failure.
    fn during<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during<S: Into<String>>(self, what: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| Error::system(what(), error))
    }
}

/// The sentences about a command that cannot be run. Clients search for parts of them, so they are a contract.
pub(crate) mod command {
    use super::{Error, Failure};
    use sampan_error::Kind;

    /// The name of the step in which a command is looked up or executed.
    pub(crate) const STEP: &str = "command";

    /// `name` is in no directory of PATH.
    pub(crate) fn not_in_path(name: &str) -> Error {
        failure(Kind::CommandNotFound, format!("exec: {name:?}: executable file not found in $PATH"))
    }

    /// The path `name` does not exist.
    pub(crate) fn missing(name: &str) -> Error {
        failure(Kind::CommandNotFound, format!("exec: {name:?}: stat {name}: no such file or directory"))
    }

    /// The file exists and may not be executed.
    pub(crate) fn denied(name: &str) -> Error {
        failure(Kind::CommandNotExecutable, format!("exec: {name:?}: permission denied"))
    }

    /// The path is a directory.
    pub(crate) fn directory(name: &str) -> Error {
        failure(Kind::CommandNotExecutable, format!("exec: {name:?}: is a directory: permission denied"))
    }

    /// execve(2) itself refused the file, for instance with "exec format error".
    pub(crate) fn refused(path: &str, reason: &std::io::Error) -> Error {
        let (kind, reason) = match reason.raw_os_error() {
            Some(8) => (Kind::CommandNotExecutable, "exec format error".to_owned()),
            Some(2) => (Kind::CommandNotFound, "no such file or directory".to_owned()),
            Some(13) => (Kind::CommandNotExecutable, "permission denied".to_owned()),
            _ => (Kind::CommandNotExecutable, reason.to_string()),
        };
        failure(kind, format!("exec {path}: {reason}"))
    }

    fn failure(kind: Kind, message: String) -> Error {
        Error::Step(Failure::new(STEP, kind, message))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentences_are_those_that_clients_search_for() {
        let error = command::not_in_path("foo");
        assert_eq!(error.to_string(), r#"exec: "foo": executable file not found in $PATH"#);
        assert_eq!(Classify::kind(&error), Kind::CommandNotFound);
        let error = command::missing("/x");
        assert_eq!(error.to_string(), r#"exec: "/x": stat /x: no such file or directory"#);
        let error = command::denied("/x");
        assert_eq!(error.to_string(), r#"exec: "/x": permission denied"#);
        assert_eq!(Classify::kind(&error), Kind::CommandNotExecutable);
        let error = command::refused("/x", &io::Error::from_raw_os_error(8));
        assert_eq!(error.to_string(), "exec /x: exec format error");
    }
}
