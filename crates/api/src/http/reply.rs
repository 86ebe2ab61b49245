//! Replies.

use super::body::Body;
use bytes::Bytes;
use futures_util::Stream;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use sampan_error::{Error, Result};
use serde::Serialize;

/// JSON as Docker writes it: no escaping for HTML, a line break at the end.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Result<Response<Body>> {
    let mut bytes = serde_json::to_vec(value).map_err(not_writable)?;
    bytes.push(b'\n');
    Ok(with(status, "application/json", Body::full(bytes)))
}

/// JSON with status 200.
pub(crate) fn ok(value: &impl Serialize) -> Result<Response<Body>> {
    json(StatusCode::OK, value)
}

/// A status without a body.
pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

/// 204.
pub(crate) fn no_content() -> Response<Body> {
    empty(StatusCode::NO_CONTENT)
}

/// A stream with status 200. The head goes out before the first chunk is there.
pub(crate) fn stream(
    content_type: &'static str,
    stream: impl Stream<Item = Result<Bytes>> + Send + 'static,
) -> Response<Body> {
    with(StatusCode::OK, content_type, Body::stream(stream))
}

/// A reply of a content type.
pub(crate) fn with(status: StatusCode, content_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// One object of a JSON stream: the object and this line ending.
pub(crate) fn line(value: &impl Serialize, ending: &str) -> Result<Bytes> {
    let mut bytes = serde_json::to_vec(value).map_err(not_writable)?;
    bytes.extend_from_slice(ending.as_bytes());
    Ok(bytes.into())
}

fn not_writable(error: serde_json::Error) -> Error {
    Error::internal("an answer cannot be written as JSON: please report this").caused_by(error)
}
