//! The small vocabulary of error kinds that every crate speaks.
//!
//! Each crate has its own error enum and says the [`Kind`] of each variant by [`Classify`].
//! At a crate's border such an error becomes an [`Error`]: its kind, one sentence for the user, and
//! the internal cause, kept apart. Exactly one place (in `api`) turns a kind into an HTTP status, and
//! exactly one (in `cli`) into an exit code.

use std::error::Error as StdError;
use std::fmt;

/// What sort of failure this is: the only thing that callers may branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The caller's input is wrong; the same call can never succeed.
    InvalidArgument,
    /// The named thing does not exist.
    NotFound,
    /// The thing exists but is in a state that forbids the operation.
    Conflict,
    /// A thing of that name exists already.
    AlreadyExists,
    /// Who is asking is not known.
    Unauthenticated,
    /// Who is asking is known and may not.
    PermissionDenied,
    /// Nothing to do: the wanted state is already there (start of a started container).
    NotModified,
    /// The operation is known and this build or this host cannot do it.
    NotImplemented,
    /// A dependency is away at the moment; the same call may succeed later.
    Unavailable,
    /// A limit is reached: disk, memory, addresses, file descriptors.
    Exhausted,
    /// It took longer than allowed.
    Deadline,
    /// The caller went away.
    Cancelled,
    /// Stored data is damaged.
    DataLoss,
    /// The container's command was not found in its file system (`docker run` exits with 127).
    CommandNotFound,
    /// The container's command cannot be executed (`docker run` exits with 126).
    CommandNotExecutable,
    /// A failure that nobody expected: a bug or a broken host.
    Internal,
}

/// Implemented by every crate's own error enum.
pub trait Classify {
    /// The kind of this error.
    fn kind(&self) -> Kind;
}

/// An error at a crate's border: a kind, a message for the user, and the cause for the log.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// A result with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of this kind with one sentence for the user.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Attaches the internal cause, which the log shows and the user does not see.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts context before the message: `context: message`. The kind stays.
    #[must_use]
    pub fn context(mut self, context: impl fmt::Display) -> Self {
        self.message = format!("{context}: {}", self.message);
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The sentence for the user.
    pub fn message(&self) -> &str {
        &self.message
    }
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $kind:ident;)*) => {
        impl Error {
            $($(#[$doc])*
            pub fn $name(message: impl Into<String>) -> Self {
                Self::new(Kind::$kind, message)
            })*
        }
    };
}

constructors! {
    /// The caller's input is wrong.
    invalid => InvalidArgument;
    /// The named thing does not exist.
    not_found => NotFound;
    /// The thing is in a state that forbids this.
    conflict => Conflict;
    /// Nothing to do.
    not_modified => NotModified;
    /// Known, and not possible in this build or on this host.
    not_implemented => NotImplemented;
    /// Away at the moment.
    unavailable => Unavailable;
    /// Nobody expected this.
    internal => Internal;
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl<E> From<E> for Error
where
    E: Classify + StdError + Send + Sync + 'static,
{
    fn from(error: E) -> Self {
        Self { kind: error.kind(), message: error.to_string(), source: Some(Box::new(error)) }
    }
}

impl Classify for std::io::Error {
    fn kind(&self) -> Kind {
        use std::io::ErrorKind as Io;
        match std::io::Error::kind(self) {
            Io::NotFound => Kind::NotFound,
            Io::PermissionDenied => Kind::PermissionDenied,
            Io::AlreadyExists => Kind::AlreadyExists,
            Io::StorageFull | Io::QuotaExceeded | Io::FileTooLarge | Io::OutOfMemory => Kind::Exhausted,
            Io::TimedOut => Kind::Deadline,
            _ => Kind::Internal,
        }
    }
}

/// Adds what was being done to an error on its way up.
pub trait Context<T> {
    /// Puts `context: ` before the message.
    ///
    /// # Errors
    /// The same failure, converted, with its kind kept.
    fn context(self, context: impl fmt::Display) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, context: impl fmt::Display) -> Result<T> {
        self.map_err(|error| error.into().context(context))
    }
}
