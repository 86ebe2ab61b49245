//! Where the engine is, and how to get there: from the flags, the environment, the context, or the
//! default socket.

mod ssh;
mod start_daemon;
mod tls;

use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

pub(crate) use start_daemon::{WATCH as WATCH_DAEMON, watch_lock};

use super::stream::Stream;
use crate::config::contexts;
use crate::failure::{Failure, Result};
use crate::session::Session;
use ssh::SshTarget;
use tls::Tls;

/// The socket of Sampan's own daemon, unless `SAMPAN_HOST` names another.
const DEFAULT_HOST: &str = "unix:///run/sampan.sock";
/// Where an encrypted engine is when nothing says so (IANA: docker-s).
const DEFAULT_TLS_HOST: &str = "tcp://localhost:2376";
/// The port of an engine when the address names none (IANA: docker).
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
    Tcp { address: String, tls: Option<Tls> },
    Ssh(SshTarget),
}

impl Endpoint {
    /// The endpoint that the session's options and environment ask for.
    ///
    /// # Errors
    /// More than one `-H`, an address of no known form, a context that does not exist, certificates that
    /// cannot be read.
    pub(crate) fn resolve(session: &Session) -> Result<Self> {
        let unresolved =
            |failure: Failure| failure.prefixed("Failed to initialize: unable to resolve docker endpoint");
        if session.options().hosts.len() > 1 {
            return Err(unresolved("Specify only one -H".into()));
        }
        let context = crate::config::current_context(session);
        let mut endpoint = match context.as_str() {
            crate::config::DEFAULT_CONTEXT => Self::of_default_context(session).map_err(unresolved)?,
            name => Self::parse(&contexts::host(session, name).map_err(unresolved)?).map_err(unresolved)?,
        };
        if let Transport::Tcp { tls, .. } = &mut endpoint.transport {
            *tls = match context.as_str() {
                crate::config::DEFAULT_CONTEXT => Tls::of_options(session.options()),
                name => Tls::of_context(session, name).map_err(unresolved)?,
            };
        }
        Ok(endpoint)
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
            None if options.tls => Self::parse(DEFAULT_TLS_HOST),
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
    fn parse(host: &str) -> Result<Self> {
        let (scheme, rest) = host.split_once("://").unwrap_or(("tcp", host));
        let (host, transport) = match scheme {
            "unix" => {
                let path = if rest.is_empty() { "/var/run/docker.sock" } else { rest };
                (format!("unix://{path}"), Transport::Unix(PathBuf::from(path)))
            }
            "tcp" | "http" | "https" => {
                let address = tcp_address(rest)?;
                (format!("tcp://{address}"), Transport::Tcp { address, tls: None })
            }
            "ssh" => (host.to_owned(), Transport::Ssh(SshTarget::parse(rest)?)),
            _ => return Err(Failure::message(format!("invalid bind address format: {host}"))),
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
    pub(in crate::client) fn host_header(&self) -> &str {
        match &self.transport {
            Transport::Unix(_) => "api.moby.localhost",
            Transport::Tcp { address, .. } => address,
            Transport::Ssh(_) => "docker.example.com",
        }
    }

    /// A new connection.
    ///
    /// # Errors
    /// Nobody listens there, or this user may not connect.
    pub(in crate::client) fn connect(&self) -> Result<Stream> {
        let connected = match &self.transport {
            Transport::Unix(path) => UnixStream::connect(path).map(Stream::Unix),
            Transport::Tcp { address, tls: None } => connect_tcp(address).map(Stream::Tcp),
            Transport::Tcp { address, tls: Some(tls) } => {
                let stream = connect_tcp(address).map_err(|_| self.unreachable())?;
                return tls.wrap(stream, address).map(Stream::Unix);
            }
            Transport::Ssh(target) => return target.connect().map(Stream::Unix),
        };
        connected.or_else(|error| self.not_connected(error))
    }

    fn unreachable(&self) -> Failure {
        Failure::CannotConnect { host: self.host.clone() }
    }

    /// Starts Sampan's own daemon where nothing else was asked for, else says what is wrong.
    fn not_connected(&self, error: std::io::Error) -> Result<Stream> {
        use std::io::ErrorKind::{ConnectionRefused, NotFound, PermissionDenied};
        let host = self.host.clone();
        match (error.kind(), &self.transport) {
            (PermissionDenied, _) if self.own_default => Err(start_daemon::forbidden(&host)),
            (PermissionDenied, _) => Err(Failure::SocketForbidden { host, reason: error }),
            (NotFound | ConnectionRefused, Transport::Unix(path)) if self.own_default => {
                start_daemon::start(&host, path, || UnixStream::connect(path).map(Stream::Unix))
            }
            _ => Err(self.unreachable()),
        }
    }
}

/// Connects to the first address of a name that answers.
fn connect_tcp(address: &str) -> std::io::Result<TcpStream> {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, PLAIN_PORT));
    let port = port.parse().unwrap_or(0);
    let mut last = std::io::Error::from(std::io::ErrorKind::NotFound);
    for address in sampan_host_names::resolve(host)? {
        match TcpStream::connect((address, port)) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// `host:port` with docker's defaults for both.
fn tcp_address(text: &str) -> Result<String> {
    let text = text.split('/').next().unwrap_or_default();
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port),
        _ => (text, PLAIN_PORT),
    };
    let host = if host.is_empty() { "localhost" } else { host };
    let port = if port.is_empty() { PLAIN_PORT } else { port };
    if port.parse::<u16>().is_err() {
        return Err(Failure::message(format!("invalid bind address format: {text}")));
    }
    Ok(format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn addresses_as_users_write_them() {
        let host = |text: &str| {
            Endpoint::parse(text).map_or_else(|failure| failure.to_string(), |endpoint| endpoint.host)
        };
        assert_eq!(host("unix://"), "unix:///var/run/docker.sock");
        assert_eq!(host("unix:///x.sock"), "unix:///x.sock");
        assert_eq!(host("tcp://"), "tcp://localhost:2375");
        assert_eq!(host("tcp://engine"), "tcp://engine:2375");
        assert_eq!(host("engine:99"), "tcp://engine:99");
        assert_eq!(host("tcp://[::1]:99"), "tcp://[::1]:99");
        assert_eq!(host("ssh://me@there:22"), "ssh://me@there:22");
        assert_eq!(host("tcp://engine:port"), "invalid bind address format: engine:port");
        assert_eq!(host("pigeon://x"), "invalid bind address format: pigeon://x");
    }
}
