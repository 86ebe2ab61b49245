//! What can go wrong in the engine, in the words that Docker's clients know.

use sampan_error::{Classify, Kind};

/// A failure of the engine itself. Failures of the crates below come through as they are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No container has this name or id.
    #[error("No such container: {0}")]
    NoSuchContainer(String),
    /// An id prefix fits several containers.
    #[error("multiple IDs found with provided prefix: {0}")]
    AmbiguousId(String),
    /// The name is another container's.
    #[error(
        "Conflict. The container name \"/{name}\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
    )]
    NameInUse {
        /// The name.
        name: String,
        /// Who has it.
        id: String,
    },
    /// The name has characters that Docker does not allow.
    #[error("Invalid container name ({0}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed")]
    InvalidName(String),
    /// The operation needs a running container.
    #[error("container {0} is not running")]
    NotRunning(String),
    /// Exec, top and the like need a running container.
    #[error("container {0} is not running")]
    ExecNotRunning(String),
    /// The container is frozen.
    #[error("Container {0} is paused, unpause the container before exec")]
    PausedForExec(String),
    /// It is running already.
    #[error("container {0} is already running")]
    AlreadyRunning(String),
    /// It is stopped already.
    #[error("container {0} is already stopped")]
    AlreadyStopped(String),
    /// It is frozen already.
    #[error("Container {0} is already paused")]
    AlreadyPaused(String),
    /// It is not frozen.
    #[error("Container {0} is not paused")]
    NotPaused(String),
    /// A frozen container cannot be started.
    #[error("cannot start a paused container, try unpause instead")]
    StartPaused,
    /// A removal of it is under way.
    #[error("removal of container {0} is already in progress")]
    RemovalInProgress(String),
    /// It is marked for removal.
    #[error("container is marked for removal and cannot be started")]
    MarkedForRemoval,
    /// Removing a running container needs force.
    #[error(
        "cannot remove container \"/{name}\": container is {status}: stop the container before removing or force remove"
    )]
    RemoveRunning {
        /// Its name.
        name: String,
        /// Its state.
        status: &'static str,
    },
    /// No exec session has this id.
    #[error("No such exec instance: {0}")]
    NoSuchExec(String),
    /// An exec session runs once.
    #[error("Error: Exec command {0} has already run")]
    ExecAlreadyRun(String),
    /// The caller's input is wrong; the sentence says how.
    #[error("{0}")]
    Invalid(String),
    /// The state forbids it; the sentence says why.
    #[error("{0}")]
    Conflict(String),
    /// Something named does not exist.
    #[error("{0}")]
    NotFound(String),
    /// This build or host cannot do it; the sentence names what.
    #[error("{0}")]
    NotImplemented(String),
    /// A signal nobody knows.
    #[error("invalid signal: {0}")]
    InvalidSignal(String),
    /// A step of the engine failed in a way that is not the caller's doing.
    #[error("{0}")]
    Internal(String),
    /// The supervisor of a container does not answer.
    #[error("the supervisor of container {0} is gone")]
    SupervisorGone(String),
}

impl Classify for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NoSuchContainer(_) | Self::NoSuchExec(_) | Self::NotFound(_) => Kind::NotFound,
            Self::AmbiguousId(_) | Self::InvalidName(_) | Self::Invalid(_) | Self::InvalidSignal(_) => {
                Kind::InvalidArgument
            }
            Self::NameInUse { .. }
            | Self::NotRunning(_)
            | Self::ExecNotRunning(_)
            | Self::PausedForExec(_)
            | Self::AlreadyPaused(_)
            | Self::NotPaused(_)
            | Self::StartPaused
            | Self::RemovalInProgress(_)
            | Self::MarkedForRemoval
            | Self::RemoveRunning { .. }
            | Self::ExecAlreadyRun(_)
            | Self::Conflict(_) => Kind::Conflict,
            Self::AlreadyRunning(_) | Self::AlreadyStopped(_) => Kind::NotModified,
            Self::NotImplemented(_) => Kind::NotImplemented,
            Self::Internal(_) | Self::SupervisorGone(_) => Kind::Internal,
        }
    }
}
