//! Answers: bodies, headers, errors as JSON.

use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, RANGE, WWW_AUTHENTICATE};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use std::io;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::failure::Failure;

/// A body: bytes, or a file as it is read.
pub(crate) type Body = BoxBody<Bytes, io::Error>;
/// An answer.
pub(crate) type Answer = Response<Body>;

/// The digest of what an answer is about.
pub(crate) const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const CHUNK: usize = 256 << 10;

/// An answer without a body.
pub(crate) fn empty(status: StatusCode) -> Answer {
    with(status, Bytes::new())
}

/// An answer with these bytes.
pub(crate) fn with(status: StatusCode, bytes: impl Into<Bytes>) -> Answer {
    let body = Full::new(bytes.into()).map_err(|never| match never {}).boxed();
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer
}

/// An answer of JSON.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Answer {
    // What is written here has names for keys and no floating point: it cannot fail.
    let mut answer = with(status, serde_json::to_vec(value).unwrap_or_default());
    set(&mut answer, CONTENT_TYPE, "application/json");
    answer
}

/// An answer whose body is read as it goes.
pub(crate) fn stream(status: StatusCode, reader: impl AsyncRead + Send + Sync + 'static) -> Answer {
    let frames = ReaderStream::with_capacity(reader, CHUNK).map(|chunk| chunk.map(Frame::data));
    let mut answer = Response::new(BodyExt::boxed(StreamBody::new(frames)));
    *answer.status_mut() = status;
    answer
}

/// Sets a header; a value that cannot be one is left out.
pub(crate) fn set(answer: &mut Answer, name: HeaderName, value: impl AsRef<str>) {
    if let Ok(value) = HeaderValue::from_str(value.as_ref()) {
        answer.headers_mut().insert(name, value);
    }
}

/// A failure as the specification writes it.
pub(crate) fn failed(failure: &Failure) -> Answer {
    let body = json!({"errors": [{"code": failure.code(), "message": failure.to_string(), "detail": null}]});
    let mut answer = json(failure.status(), &body);
    match failure {
        Failure::Unauthorized => set(&mut answer, WWW_AUTHENTICATE, "Basic realm=\"sampan registry\""),
        Failure::UploadOutOfOrder(size) => set(&mut answer, RANGE, received(*size)),
        _ => {}
    }
    answer
}

/// How much of an upload is here: `0-<last byte>`.
pub(crate) fn received(size: u64) -> String {
    format!("0-{}", size.saturating_sub(1))
}
