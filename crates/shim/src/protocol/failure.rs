//! A failure on its way from the shim to the daemon.

use sampan_error::{Error, Kind};
use serde::{Deserialize, Serialize};

/// An [`Error`] as it travels: the name of its kind and its sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The name of the [`Kind`]; one that the reader does not know counts as `Internal`.
    pub kind: String,
    /// The sentence for the user.
    pub message: String,
    /// What the log should know besides, if anything: the chain of causes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
}

const KINDS: [(&str, Kind); 16] = [
    ("InvalidArgument", Kind::InvalidArgument),
    ("NotFound", Kind::NotFound),
    ("Conflict", Kind::Conflict),
    ("AlreadyExists", Kind::AlreadyExists),
    ("Unauthenticated", Kind::Unauthenticated),
    ("PermissionDenied", Kind::PermissionDenied),
    ("NotModified", Kind::NotModified),
    ("NotImplemented", Kind::NotImplemented),
    ("Unavailable", Kind::Unavailable),
    ("Exhausted", Kind::Exhausted),
    ("Deadline", Kind::Deadline),
    ("Cancelled", Kind::Cancelled),
    ("DataLoss", Kind::DataLoss),
    ("CommandNotFound", Kind::CommandNotFound),
    ("CommandNotExecutable", Kind::CommandNotExecutable),
    ("Internal", Kind::Internal),
];

impl Failure {
    /// The kind of this failure.
    pub fn kind(&self) -> Kind {
        KINDS.iter().find(|(name, _)| *name == self.kind).map_or(Kind::Internal, |(_, kind)| *kind)
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let kind = KINDS.iter().find(|(_, kind)| *kind == error.kind()).map_or("Internal", |(name, _)| *name);
        let mut cause = String::new();
        let mut next = std::error::Error::source(error);
        while let Some(source) = next {
            let text = source.to_string();
            if text != error.message() {
                if !cause.is_empty() {
                    cause.push_str(": ");
                }
                cause.push_str(&text);
            }
            next = source.source();
        }
        Self { kind: kind.to_owned(), message: error.message().to_owned(), cause }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let error = Error::new(failure.kind(), failure.message);
        if failure.cause.is_empty() { error } else { error.caused_by(failure.cause) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_text_survive_and_a_strange_kind_is_internal() {
        let error = Error::new(Kind::CommandNotFound, "no such program").caused_by("ENOENT");
        let back: Error = Failure::from(&error).into();
        assert_eq!((back.kind(), back.message()), (Kind::CommandNotFound, "no such program"));
        assert_eq!(std::error::Error::source(&back).unwrap().to_string(), "ENOENT");
        let strange = Failure { kind: "Later".into(), message: "x".into(), cause: String::new() };
        assert_eq!(strange.kind(), Kind::Internal);
    }
}
