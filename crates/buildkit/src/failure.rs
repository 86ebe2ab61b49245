//! Failures as gRPC states them. As everywhere, this is the one place that knows how.

use sampan_build::ProgramFailed;
use sampan_error::{Error, Kind};
use tonic::{Code, Status};

/// A failure of ours, for a client.
pub(crate) fn status(error: &Error) -> Status {
    let code = match error.kind() {
        Kind::NotImplemented => Code::Unimplemented,
        Kind::Unavailable => Code::Unavailable,
        Kind::Cancelled => Code::Cancelled,
        // Clients show any other code's name before the sentence, so BuildKit itself uses none.
        _ => Code::Unknown,
    };
    let message = error.to_string();
    let place = message.split_once('\n').map(|(_, place)| format!("\n{place}")).unwrap_or_default();
    match ProgramFailed::of(error) {
        Some(failed) => Status::new(code, format!("{failed}{place}")),
        None => Status::new(code, message),
    }
}

/// A frontend that is not ours.
pub(crate) fn unknown_frontend(name: &str) -> Status {
    Status::unimplemented(format!(
        "the frontend {name:?} is not possible here: the language of Dockerfiles is built in, so leave \
         \"# syntax=\" and BUILDKIT_SYNTAX out"
    ))
}
