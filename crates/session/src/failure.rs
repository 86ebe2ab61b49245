//! The other side's failures.

use sampan_error::{Error, Kind};
use tonic::{Code, Status};

/// A failure of a client that was asked for something.
#[must_use]
pub fn client_failed(what: &str, status: &Status) -> Error {
    let kind = match status.code() {
        Code::NotFound => Kind::NotFound,
        Code::Cancelled => Kind::Cancelled,
        Code::Unavailable => Kind::Unavailable,
        Code::PermissionDenied => Kind::PermissionDenied,
        Code::Unimplemented => Kind::NotImplemented,
        _ => Kind::InvalidArgument,
    };
    let message =
        if status.message().is_empty() { "the client ended the connection" } else { status.message() };
    Error::new(kind, format!("{what}: {message}"))
}
