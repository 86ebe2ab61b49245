//! Where the engine is: from the flags, the environment, the context, or the default socket.

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::start_daemon;
use super::stream::Stream;
use crate::failure::{Failure, Result};
use crate::session::Session;

/// The socket of Sampan's own daemon, unless `SAMPAN_HOST` names another.
const DEFAULT_HOST: &str = "unix:///run/sampan.sock";
/// The port of an unencrypted engine when the address names none (IANA: docker).
const PLAIN_PORT: &str = "2375";

/// The address of an engine.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    host: String,
    transport: Transport,
    own_default: bool,
}

#[derive(Debug, Clone)]
enum Transport {
    Unix(PathBuf),
    Tcp(String),
}

impl Endpoint {
    /// The endpoint that the session's options and environment ask for.
    ///
    /// # Errors
    /// More than one `-H`, an address of no known form, a context that does not exist.
    pub(crate) fn resolve(session: &Session) -> Result<Self> {
        let options = session.options();
        if options.hosts.len() > 1 {
            return Err("Failed to initialize: unable to resolve docker endpoint: Specify only one -H".into());
        }
        let context = crate::config::current_context(session);
        if context != crate::config::DEFAULT_CONTEXT {
            let host = crate::config::contexts::host(session, &context).map_err(|failure| {
                failure.prefixed("Failed to initialize: unable to resolve docker endpoint")
            })?;
            return Self::parse(&host);
        }
        Self::of_default_context(session)
    }

    /// The endpoint of the default context: `-H`, `DOCKER_HOST` or the default socket.
    ///
    /// # Errors
    /// An address of no known form.
    pub(crate) fn of_default_context(session: &Session) -> Result<Self> {
        let options = session.options();
        let explicit = match options.hosts.first() {
            Some(host) => Some(host.clone()),
            None => std::env::var("DOCKER_HOST").ok(),
        };
        match explicit.map(|host| host.trim().to_owned()).filter(|host| !host.is_empty()) {
            Some(host) => Self::parse(&host),
            None => Self::own_default(),
        }
    }

    /// Sampan's own daemon.
    fn own_default() -> Result<Self> {
        let host = match std::env::var("SAMPAN_HOST") {
            Ok(host) if !host.is_empty() => host,
            _ => DEFAULT_HOST.to_owned(),
        };
        Ok(Self { own_default: true, ..Self::parse(&host)? })
    }

    /// An endpoint from what a user writes for `-H`.
    ///
    /// # Errors
    /// An address of no known form.
    pub(crate) fn parse(host: &str) -> Result<Self> {
        let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
        let (host, transport) = match scheme {
            "unix" => {
                let path = if rest.is_empty() { "/var/run/docker.sock" } else { rest };
                (format!("unix://{path}"), Transport::Unix(PathBuf::from(path)))
            }
            "tcp" | "http" => {
                let address = tcp_address(rest)?;
                (format!("tcp://{address}"), Transport::Tcp(address))
            }
            _ => {
                return Err(Failure::message(format!(
                    "Failed to initialize: unable to resolve docker endpoint: invalid bind address format: {host}"
                )));
            }
        };
        Ok(Self { host, transport, own_default: false })
    }

    /// The address as the user would write it for `-H`.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether this is the default socket of Sampan's own daemon, with nothing else asked for.
    pub(crate) fn is_own_default(&self) -> bool {
        self.own_default
    }

    /// What goes into the `Host` header.
    pub(super) fn host_header(&self) -> &str {
        match &self.transport {
            Transport::Unix(_) => "api.moby.localhost",
            Transport::Tcp(address) => address,
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// Nobody listens there, or this user may not connect.
    pub(super) fn connect(&self) -> Result<Stream> {
        match self.try_connect() {
            Ok(stream) => Ok(stream),
            Err(error) => self.not_connected(error),
        }
    }

    fn try_connect(&self) -> std::io::Result<Stream> {
        match &self.transport {
            Transport::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            Transport::Tcp(address) => TcpStream::connect(address).and_then(|stream| {
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream))
            }),
        }
    }

    /// Starts Sampan's own daemon where nothing else was asked for, else says what is wrong.
    fn not_connected(&self, error: std::io::Error) -> Result<Stream> {
        use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
        let host = self.host.clone();
        match (error.kind(), &self.transport) {
            (PermissionDenied, _) if self.own_default => Err(start_daemon::forbidden(&host)),
            (PermissionDenied, _) => Err(Failure::SocketForbidden { host, reason: error }),
            (NotFound | ConnectionRefused, Transport::Unix(path)) if self.own_default => {
                start_daemon::start(&host, path, || self.try_connect())
            }
            _ => Err(Failure::CannotConnect { host }),
        }
    }
}

/// `host:port` with docker's defaults for both.
fn tcp_address(text: &str) -> Result<String> {
    let text = text.split('/').next().unwrap_or_default();
    let invalid = || {
        Failure::message(format!(
            "Failed to initialize: unable to resolve docker endpoint: invalid bind address format: {text}"
        ))
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        _ => (text, PLAIN_PORT),
    };
    let host = if host.is_empty() { "localhost" } else { host };
    let port = if port.is_empty() { PLAIN_PORT } else { port };
    port.parse::<u16>().map_err(|_| invalid())?;
    Ok(format!("{host}:{port}"))
}
