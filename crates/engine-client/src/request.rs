//! Requests and their answers.

use crate::address::Address;
use crate::connect::{Connection, connect};
use crate::failure::{Failure, Result};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, TryStreamExt};
use http::{Method, Request, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper_util::rt::TokioIo;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use std::pin::Pin;

/// What must not stand in a path or query as it is.
const ESCAPED: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'&')
    .add(b'+')
    .add(b'/')
    .add(b'<')
    .add(b'=')
    .add(b'>')
    .add(b'?')
    .add(b'{')
    .add(b'}');
/// Most bytes of an answer that is read whole.
const LARGEST: usize = 64 << 20;

/// The type of a stream both ways.
const RAW: &str = "application/vnd.docker.raw-stream";

/// Bytes of an answer, as they come.
pub type Content = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// A request's body.
type Sent = UnsyncBoxBody<Bytes, std::io::Error>;

/// A path with a query.
#[derive(Debug, Clone, Default)]
pub struct Query(String);

impl Query {
    /// A path; `words` are escaped and put for each `{}`.
    #[must_use]
    pub fn path(form: &str, words: &[&str]) -> Self {
        let mut text = String::new();
        let mut words = words.iter();
        for (position, part) in form.split("{}").enumerate() {
            if position > 0 {
                text.extend(utf8_percent_encode(words.next().unwrap_or(&""), ESCAPED));
            }
            text += part;
        }
        Self(text)
    }

    /// With one more parameter.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.push(if self.0.contains('?') { '&' } else { '?' });
        self.0 += name;
        self.0.push('=');
        self.0.extend(utf8_percent_encode(value, ESCAPED));
        self
    }
}

/// A client of one engine. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    address: Address,
    headers: Vec<(&'static str, String)>,
}

impl Client {
    /// Nothing is asked yet.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self { address, headers: Vec::new() }
    }

    /// Sends this header with every request from now on.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Where the engine is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// `GET`, as JSON.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn get(&self, query: Query) -> Result<Value> {
        self.json(Method::GET, query, None).await
    }

    /// `POST` with an optional body; the answer as JSON, null when it is empty.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn post(&self, query: Query, body: Option<&Value>) -> Result<Value> {
        self.json(Method::POST, query, body).await
    }

    /// `DELETE`.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn delete(&self, query: Query) -> Result<Value> {
        self.json(Method::DELETE, query, None).await
    }

    /// `GET`, as the bytes come.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn stream(&self, query: Query) -> Result<Content> {
        Ok(content(self.send(Method::GET, query, empty(), None).await?))
    }

    /// `POST` a stream of bytes of this type; the answer as its bytes come.
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn upload(&self, query: Query, media_type: &str, bytes: Content) -> Result<Content> {
        let body = StreamBody::new(bytes.map_ok(Frame::data)).boxed_unsync();
        Ok(content(self.send(Method::POST, query, body, Some(media_type)).await?))
    }

    /// `POST` that makes a stream of bytes both ways of its connection (RFC 9110, 7.8; Docker Engine API, "Attach to a
    /// container").
    ///
    /// # Errors
    /// See [`Failure`].
    pub async fn upgrade(&self, query: Query) -> Result<Box<dyn Connection>> {
        let answer = self.send(Method::POST, query, empty(), Some(RAW)).await?;
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(Failure::Transport(format!("{} gave no stream", self.address)));
        }
        let upgraded = hyper::upgrade::on(answer).await.map_err(|error| self.broken(&error))?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }

    async fn json(&self, method: Method, query: Query, body: Option<&Value>) -> Result<Value> {
        let (bytes, media_type) = match body {
            None => (empty(), None),
            Some(value) => (full(value.to_string().into()), Some("application/json")),
        };
        let answer = self.send(method, query, bytes, media_type).await?;
        let bytes = whole(answer).await.map_err(|error| self.broken(&error))?;
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes)
            .map_err(|_| Failure::Transport(format!("{} gave an answer that is no JSON", self.address)))
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Failure {
        Failure::Transport(format!("{} broke off: {error}", self.address))
    }

    async fn send(
        &self,
        method: Method,
        query: Query,
        body: Sent,
        media_type: Option<&str>,
    ) -> Result<http::Response<Incoming>> {
        let upgrades = media_type == Some(RAW);
        let connection = connect(&self.address).await?;
        let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(connection))
            .await
            .map_err(|error| self.broken(&error))?;
        // It ends with the answer's last byte, or when nobody reads on; its error is the reader's.
        tokio::spawn(async move { drop(driver.with_upgrades().await) });
        let mut request = Request::builder().method(method).uri(query.0).header("host", "engine");
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        if upgrades {
            request = request.header("connection", "Upgrade").header("upgrade", "tcp");
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let request = request
            .body(body)
            .map_err(|error| Failure::Address(format!("a request cannot be made: {error}")))?;
        let answer = sender.send_request(request).await.map_err(|error| self.broken(&error))?;
        let status = answer.status();
        if status.is_success() || status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(answer);
        }
        let bytes = whole(answer).await.unwrap_or_default();
        let said = serde_json::from_slice::<Value>(&bytes).ok();
        let said = said.as_ref().and_then(|value| value.get("message")).and_then(Value::as_str);
        let message = said.map_or_else(|| format!("{} answered {status}", self.address), str::to_owned);
        Err(Failure::Answer { status: status.as_u16(), message })
    }
}

async fn whole(answer: http::Response<Incoming>) -> std::io::Result<Bytes> {
    let limited = http_body_util::Limited::new(answer.into_body(), LARGEST);
    limited.collect().await.map(http_body_util::Collected::to_bytes).map_err(std::io::Error::other)
}

fn content(answer: http::Response<Incoming>) -> Content {
    answer.into_body().into_data_stream().map_err(std::io::Error::other).boxed()
}

fn empty() -> Sent {
    full(Bytes::new())
}

fn full(bytes: Bytes) -> Sent {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
