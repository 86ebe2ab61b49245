//! The one place that turns a kind of failure into an HTTP status, and writes the body of an error.

use super::body::Body;
use hyper::{Response, StatusCode, header};
use sampan_error::{Error, Kind};
use serde::Serialize;

/// The status of a kind.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        // A command that cannot run is the caller's doing: Docker answers 400 to the start.
        Kind::InvalidArgument | Kind::CommandNotFound | Kind::CommandNotExecutable => StatusCode::BAD_REQUEST,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict | Kind::AlreadyExists => StatusCode::CONFLICT,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::PermissionDenied => StatusCode::FORBIDDEN,
        Kind::NotModified => StatusCode::NOT_MODIFIED,
        Kind::NotImplemented => StatusCode::NOT_IMPLEMENTED,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Exhausted | Kind::Deadline | Kind::Cancelled | Kind::DataLoss | Kind::Internal => {
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

/// `{"message": …}`.
#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
}

/// The body of an error.
pub(crate) fn message(error: &Error) -> Vec<u8> {
    let mut body = serde_json::to_vec(&Message { message: error.message() }).unwrap_or_default();
    body.push(b'\n');
    body
}

/// The reply to a failure. A 304 has no body.
pub(crate) fn reply(error: &Error) -> Response<Body> {
    report(error);
    let status = status(error.kind());
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    if status != StatusCode::NOT_MODIFIED {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        *response.body_mut() = Body::full(message(error));
    }
    response
}

/// The same as bytes, for a socket that HTTP has left. The connection ends after it.
pub(crate) fn raw(error: &Error) -> Vec<u8> {
    report(error);
    let status = status(error.kind());
    let body = message(error);
    let mut bytes = format!(
        "HTTP/1.1 {} {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or("Error"),
        body.len(),
        crate::server::headers::text(),
    )
    .into_bytes();
    bytes.extend_from_slice(&body);
    bytes
}

/// An error ends here: those that are ours go to the log with their cause.
fn report(error: &Error) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    if status(error.kind()) == StatusCode::INTERNAL_SERVER_ERROR {
        tracing::error!(kind = ?error.kind(), cause, "{error}");
    } else {
        tracing::debug!(kind = ?error.kind(), cause, "{error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_3_kinds_and_statuses() {
        for (kind, expected) in [
            (Kind::NotFound, 404),
            (Kind::InvalidArgument, 400),
            (Kind::CommandNotFound, 400),
            (Kind::CommandNotExecutable, 400),
            (Kind::Conflict, 409),
            (Kind::AlreadyExists, 409),
            (Kind::Unauthenticated, 401),
            (Kind::PermissionDenied, 403),
            (Kind::NotModified, 304),
            (Kind::Unavailable, 503),
            (Kind::NotImplemented, 501),
            (Kind::Internal, 500),
            (Kind::DataLoss, 500),
            (Kind::Exhausted, 500),
        ] {
            assert_eq!(status(kind).as_u16(), expected, "{kind:?}");
        }
    }

    #[test]
    fn an_error_is_not_escaped_for_html() {
        let error = Error::not_found("No such image: <missing> & more");
        assert_eq!(message(&error), b"{\"message\":\"No such image: <missing> & more\"}\n");
    }
}
