//! One call: what a handler gets.

use super::form::Form;
use super::json;
use super::router::Parameters;
use super::version::Version;
use bytes::Bytes;
use futures_util::Stream;
use http_body_util::{BodyExt, BodyStream, Limited};
use hyper::body::Incoming;
use hyper::{HeaderMap, header};
use sampan_error::{Error, Kind, Result};
use serde::de::DeserializeOwned;

/// The largest body of JSON that is read, in bytes.
const LARGEST_JSON: usize = 8 * 1024 * 1024;

/// A call of a route.
pub(crate) struct Call<E> {
    /// The engine.
    pub(crate) engine: E,
    /// The version of the API that the client speaks.
    pub(crate) version: Version,
    /// Placeholders of the path.
    pub(crate) parameters: Parameters,
    /// The query.
    pub(crate) query: Form,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, not read yet.
    pub(crate) body: Incoming,
}

impl<E> Call<E> {
    /// The value of a placeholder of the path.
    pub(crate) fn parameter(&self, name: &str) -> String {
        self.parameters.get(name).to_owned()
    }

    /// Whether the client asks to take the connection over with `101`.
    pub(crate) fn wants_upgrade(&self) -> bool {
        self.headers.contains_key(header::UPGRADE)
    }

    /// Reads the whole body, JSON of a size that fits memory.
    ///
    /// # Errors
    /// It is too large, or the client went away.
    pub(crate) async fn bytes(&mut self) -> Result<Bytes> {
        match Limited::new(&mut self.body, LARGEST_JSON).collect().await {
            Ok(collected) => Ok(collected.to_bytes()),
            Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Error::invalid(format!(
                "the request body is larger than {} MiB",
                LARGEST_JSON / 1024 / 1024
            ))),
            Err(error) => Err(Error::new(Kind::Cancelled, "the request body ended early").caused_by(error)),
        }
    }

    /// Reads and decodes a JSON body.
    ///
    /// # Errors
    /// A wrong content type, bad JSON.
    pub(crate) async fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        let bytes = self.bytes().await?;
        self.check_content_type(&bytes)?;
        json::decode(&bytes)
    }

    /// Reads and decodes a JSON body that may be empty.
    ///
    /// # Errors
    /// A wrong content type, bad JSON.
    pub(crate) async fn optional_json<T: DeserializeOwned + Default>(&mut self) -> Result<T> {
        let bytes = self.bytes().await?;
        self.check_content_type(&bytes)?;
        json::decode_optional(&bytes)
    }

    /// A body that is JSON says so.
    fn check_content_type(&self, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let given =
            self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        let essence = given.split(';').next().unwrap_or("").trim();
        if essence.eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        Err(Error::invalid(format!("unsupported Content-Type header ({given}): must be 'application/json'")))
    }

    /// The body as it comes.
    pub(crate) fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        use futures_util::StreamExt;
        BodyStream::new(self.body).filter_map(|frame| {
            std::future::ready(match frame {
                Ok(frame) => frame.into_data().ok().map(Ok),
                Err(error) => {
                    Some(Err(Error::new(Kind::Cancelled, "the request body ended early").caused_by(error)))
                }
            })
        })
    }
}
