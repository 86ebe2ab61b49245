//! Why the daemon does not start, one sentence each.

use sampan_error::{Classify, Kind};
use std::path::PathBuf;

/// A failure of the start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// It was not started by root.
    #[error("the daemon needs root: {0}")]
    NotRoot(String),
    /// A flag that is unknown, lacks its value, or has a bad one.
    #[error("{0}; see 'sampan daemon --help'")]
    Flag(String),
    /// The configuration file is wrong.
    #[error("the configuration file {path} is wrong: {reason}", path = path.display())]
    ConfigFile {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another daemon has the data root.
    #[error("another daemon uses {}: stop it, or choose another folder with --data-root", .0.display())]
    DataRootInUse(PathBuf),
    /// Another daemon listens at the socket.
    #[error("another daemon listens at {}: stop it, or choose another socket with --socket", .0.display())]
    SocketInUse(PathBuf),
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address as given.
        address: String,
        /// Why.
        source: std::io::Error,
    },
    /// The group of `--group` does not exist.
    #[error("there is no group {0}: create it, or leave --group out")]
    NoSuchGroup(String),
    /// A file or folder cannot be used.
    #[error("cannot use {path}", path = path.display())]
    Path {
        /// The path.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The threads cannot be started.
    #[error("cannot start the daemon's threads")]
    Threads(#[source] std::io::Error),
    /// The engine did not open.
    #[error("{0}")]
    Engine(#[source] sampan_error::Error),
}

impl Classify for Error {
    fn kind(&self) -> Kind {
        match self {
            Self::NotRoot(_) => Kind::PermissionDenied,
            Self::Flag(_) | Self::ConfigFile { .. } | Self::NoSuchGroup(_) => Kind::InvalidArgument,
            Self::DataRootInUse(_) | Self::SocketInUse(_) => Kind::Conflict,
            Self::Listen { source, .. } | Self::Path { source, .. } | Self::Threads(source) => {
                source.kind_of()
            }
            Self::Engine(error) => error.kind(),
        }
    }
}

/// The kind of an error of the operating system.
trait KindOf {
    fn kind_of(&self) -> Kind;
}

impl KindOf for std::io::Error {
    fn kind_of(&self) -> Kind {
        Classify::kind(self)
    }
}

/// A result of the start.
pub(crate) type Result<T> = std::result::Result<T, Error>;
