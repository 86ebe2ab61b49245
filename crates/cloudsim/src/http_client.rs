//! One request on a connection of its own, to the engine's socket or to the registry.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use sampan_error::{Error, Kind, Result};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};

/// Sends a request over a fresh connection. The connection ends with the answer's body.
///
/// # Errors
/// The other side does not speak HTTP, or goes away.
pub(crate) async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> Result<Response<Incoming>> {
    let broken = |error: hyper::Error| Error::unavailable(format!("a request broke off: {error}"));
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(broken)
}

/// The whole answer, or an error of the kind that its status says.
///
/// # Errors
/// A status of 300 and above, with the sentence in the answer; or the answer breaks off.
pub(crate) async fn whole(answer: Response<Incoming>) -> Result<Bytes> {
    let status = answer.status();
    let body = answer.into_body().collect().await;
    let body = body.map_err(|error| Error::unavailable(format!("an answer broke off: {error}")))?.to_bytes();
    if status.is_success() {
        return Ok(body);
    }
    let kind = match status.as_u16() {
        304 => Kind::NotModified,
        400 => Kind::InvalidArgument,
        401 | 403 => Kind::PermissionDenied,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        _ => Kind::Internal,
    };
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = said["message"].as_str().map_or_else(|| status.to_string(), str::to_owned);
    Err(Error::new(kind, said))
}
