//! The HTTP client: Docker's Engine API over a unix socket, TCP, TLS or ssh.
//!
//! Small and blocking on purpose: a command sends one request at a time, and what must go on at the
//! same time (stdin, signals) is done with `poll` on the raw descriptors, so that no runtime has to
//! start before the first byte is sent.

mod connection;
mod environment;
mod hijack;
mod query;
mod request;
mod response;
mod stream;
mod transport;
mod version;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub(crate) use environment::{ENVIRONMENT_HEADER, environment_header};
pub(crate) use hijack::Hijacked;
pub(crate) use query::{Query, object_path, own_path};
pub(crate) use request::Body;
pub(crate) use response::Response;
pub(crate) use stream::Stream;
pub(crate) use transport::{Endpoint, WATCH_DAEMON, watch_lock};
pub(crate) use version::MAXIMUM_API_VERSION;
use version::Ping;

use crate::failure::{Failure, Result};
use crate::session::Session;
use connection::Connection;

/// Idle connections, shared by a client and the responses that still read from one.
type Pool = Arc<Mutex<Vec<Connection>>>;

/// A client of one engine. Cheap to share between threads; each request takes an idle connection or
/// makes a new one.
pub(crate) struct Client {
    endpoint: Endpoint,
    headers: Vec<(String, String)>,
    pool: Pool,
    ping: OnceLock<Ping>,
    version: OnceLock<String>,
    /// Set by the first answer: the peer's `Server` header begins with `Sampan/`.
    own: OnceLock<bool>,
}

impl Client {
    /// A client of this engine; nothing is sent yet.
    ///
    /// # Errors
    /// A malformed header in the configuration.
    pub(crate) fn new(endpoint: Endpoint, session: &Session) -> Result<Self> {
        let mut headers: Vec<(String, String)> = Vec::new();
        if !endpoint.is_own_default() || session.config().has_http_headers() {
            for (name, value) in session.config().http_headers() {
                if name.contains(['\r', '\n', ':']) || value.contains(['\r', '\n']) {
                    return Err(Failure::message(format!("invalid header in config.json: {name}")));
                }
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Ok(Self {
            endpoint,
            headers,
            pool: Pool::default(),
            ping: OnceLock::new(),
            version: OnceLock::new(),
            own: OnceLock::new(),
        })
    }

    /// The address as the user would write it for `-H`.
    pub(crate) fn host(&self) -> &str {
        self.endpoint.host()
    }

    /// Makes sure that the engine can be reached, starting Sampan's own if need be.
    ///
    /// # Errors
    /// It cannot.
    pub(crate) fn reach(&self) -> Result<()> {
        let connection = Connection::open(&self.endpoint)?;
        self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok(())
    }

    /// A connection on which nothing was said yet.
    ///
    /// # Errors
    /// The engine cannot be reached.
    pub(crate) fn raw_stream(&self) -> Result<Stream> {
        self.endpoint.connect()
    }

    /// Sends a request to a path of the API (`/containers/json`), which gets the version put before it.
    ///
    /// # Errors
    /// [`Failure::Daemon`] for an answer of 400 or more, and what keeps the request from being made.
    pub(crate) fn request(&self, method: &str, path: &str, query: &Query, body: Body) -> Result<Response> {
        self.request_with(method, path, query, &[], body)
    }

    /// As [`Client::request`], with headers of the command's own.
    pub(crate) fn request_with(
        &self,
        method: &str,
        path: &str,
        query: &Query,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Response> {
        let target = format!("/v{}{}{query}", self.api_version(), query::escape_path(path));
        let response = self.exchange(method, &target, headers, body)?;
        response.check()
    }

    /// `GET`.
    pub(crate) fn get(&self, path: &str, query: &Query) -> Result<Response> {
        self.request("GET", path, query, Body::None)
    }

    /// `POST` without a body.
    pub(crate) fn post(&self, path: &str, query: &Query) -> Result<Response> {
        self.request("POST", path, query, Body::None)
    }

    /// `POST` with a JSON body.
    pub(crate) fn post_json(
        &self,
        path: &str,
        query: &Query,
        body: &impl serde::Serialize,
    ) -> Result<Response> {
        self.request("POST", path, query, Body::json(body)?)
    }

    /// `DELETE`.
    pub(crate) fn delete(&self, path: &str, query: &Query) -> Result<Response> {
        self.request("DELETE", path, query, Body::None)
    }

    /// Whether the engine is Sampan itself: known at once at the default socket, else from the
    /// handshake's `Server` header.
    pub(crate) fn is_own_engine(&self) -> bool {
        if self.endpoint.is_own_default() {
            return true;
        }
        self.api_version();
        *self.own.get_or_init(|| self.ping().is_ok_and(|ping| ping.own_engine))
    }

    /// One request and the head of its answer, whatever its status; the target is used as it is.
    pub(super) fn exchange(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Response> {
        let head = self.head(method, target, headers, &body);
        let pooled = self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(mut connection) = pooled
            && body.is_repeatable()
        {
            // A peer may have closed an idle connection: then, and only then, one more try.
            if let Ok(()) = connection.send(&head, &body)
                && let Ok(response) = connection.receive(method, &self.pool)
            {
                return Ok(response);
            }
        }
        // Our own daemon comes back when it dies: what only asks is asked once more.
        let asks_again = matches!(method, "GET" | "HEAD") && self.endpoint.is_own_default();
        let (mut body, mut asked_again) = (Some(body), false);
        let response = loop {
            let mut connection = Connection::open(&self.endpoint)?;
            let sent = connection.send_all(&head, body.take().unwrap_or(Body::None));
            match sent.and_then(|()| connection.receive(method, &self.pool)) {
                Ok(response) => break response,
                Err(error) if asks_again && !std::mem::replace(&mut asked_again, true) && is_cut(&error) => {}
                Err(error) => return Err(self.broken(&error)),
            }
        };
        version::note_other_build(&|name| response.header(name).map(str::to_owned));
        Ok(response)
    }

    fn broken(&self, error: &std::io::Error) -> Failure {
        Failure::Connection(format!("{}: {error}", self.host()))
    }
}

/// The peer went away before it answered.
fn is_cut(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | BrokenPipe | UnexpectedEof)
}
