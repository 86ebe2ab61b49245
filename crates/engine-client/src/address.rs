//! Where an engine is: what users write for `docker -H`.

use crate::failure::{Failure, Result};
use std::fmt;
use std::path::PathBuf;

/// An engine's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// `unix:///run/docker.sock`
    Unix(PathBuf),
    /// `tcp://host:2375`; with certificates it is TLS (`2376`).
    Tcp {
        /// Name or IP address, without brackets.
        host: String,
        /// Its port.
        port: u16,
        /// TLS, and with what.
        certificates: Option<Certificates>,
    },
    /// `ssh://[user@]host[:port][/path of the socket]`: ssh's own configuration and keys count.
    Ssh {
        /// Empty is ssh's own choice.
        user: String,
        /// Name or IP address.
        host: String,
        /// Empty is ssh's own choice.
        port: String,
        /// The engine's socket there; empty is its usual one.
        socket: String,
    },
}

/// Files that make up one side's identity and its trust.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificates {
    /// Who may have signed the engine's certificate; `None` is the system's authorities.
    pub authority: Option<PathBuf>,
    /// Ours, with its key.
    pub identity: Option<(PathBuf, PathBuf)>,
}

impl Address {
    /// Reads an address.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str, certificates: Option<Certificates>) -> Result<Self> {
        let invalid =
            |reason: &str| Err(Failure::Address(format!("{text:?} is no engine's address: {reason}")));
        let Some((scheme, rest)) = text.split_once("://") else {
            return invalid("it begins with unix://, tcp:// or ssh://");
        };
        match scheme {
            "unix" if rest.starts_with('/') => Ok(Self::Unix(PathBuf::from(rest))),
            "unix" => invalid("the socket's path begins with /"),
            "tcp" | "http" | "https" => {
                let usual = if certificates.is_some() { 2376 } else { 2375 };
                match split_port(rest.trim_end_matches('/')) {
                    Some((host, port)) if !host.is_empty() && !host.contains('/') => {
                        Ok(Self::Tcp { host: host.to_owned(), port: port.unwrap_or(usual), certificates })
                    }
                    _ => invalid("it is tcp://HOST:PORT"),
                }
            }
            "ssh" => ssh(rest)
                .map_or_else(|| invalid("it is ssh://[USER@]HOST[:PORT][/SOCKET], without a password"), Ok),
            _ => invalid("it begins with unix://, tcp:// or ssh://"),
        }
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port`; `None` for a port that is none.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    match port {
        None => Some((host, None)),
        Some(port) => port.parse().ok().map(|port| (host, Some(port))),
    }
}

fn ssh(rest: &str) -> Option<Address> {
    let (authority, socket) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (host, port) = split_port(host)?;
    // What looks like an option would be one for ssh.
    let sound = !host.is_empty() && !host.starts_with('-') && !user.starts_with('-') && !user.contains(':');
    sound.then(|| Address::Ssh {
        user: user.to_owned(),
        host: host.to_owned(),
        port: port.map(|port| port.to_string()).unwrap_or_default(),
        socket: socket.trim_end_matches('/').to_owned(),
    })
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp { host, port, .. } if host.contains(':') => write!(f, "tcp://[{host}]:{port}"),
            Self::Tcp { host, port, .. } => write!(f, "tcp://{host}:{port}"),
            Self::Ssh { host, .. } => write!(f, "ssh://{host}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_as_users_write_them() {
        for (text, shown) in [
            ("unix:///run/docker.sock", "unix:///run/docker.sock"),
            ("tcp://10.0.0.1", "tcp://10.0.0.1:2375"),
            ("tcp://[::1]:99", "tcp://[::1]:99"),
            ("ssh://me@host:22/run/x.sock", "ssh://host"),
        ] {
            assert_eq!(Address::parse(text, None).unwrap().to_string(), shown);
        }
        for text in [
            "",
            "host",
            "unix://x",
            "tcp://",
            "tcp://h:x",
            "ssh://-oProxyCommand=x",
            "ssh://a:b@host",
            "ftp://x",
        ] {
            assert!(Address::parse(text, None).is_err(), "{text}");
        }
    }
}
