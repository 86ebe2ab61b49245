//! `ssh://`: the engine of another host, by way of `docker system dial-stdio` there.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use crate::failure::{Failure, Result};

/// `[user@]host[:port][/path of the socket]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SshTarget {
    user: String,
    host: String,
    port: String,
    path: String,
}

impl SshTarget {
    /// Reads what stands behind `ssh://`.
    ///
    /// # Errors
    /// No host, a password, a query.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let invalid =
            |reason: &str| Err(Failure::message(format!("ssh host connection is not valid: {reason}")));
        if text.contains(['?', '#']) {
            return invalid("query or fragment is not allowed");
        }
        let (authority, path) = match text.find('/') {
            Some(slash) => (&text[..slash], &text[slash..]),
            None => (text, ""),
        };
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        if user.contains(':') {
            return invalid("plain-text password is not supported");
        }
        let (host, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or_default()),
            None => host.split_once(':').unwrap_or((host, "")),
        };
        // A host that looks like an option would be one for ssh.
        if host.is_empty() || host.starts_with('-') || user.starts_with('-') {
            return invalid("no host specified");
        }
        Ok(Self {
            user: user.to_owned(),
            host: host.to_owned(),
            port: port.to_owned(),
            path: path.trim_end_matches('/').to_owned(),
        })
    }

    /// The words for ssh.
    fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = ["-o", "ConnectTimeout=30", "-T"].map(str::to_owned).into();
        if !self.user.is_empty() {
            words.extend([String::from("-l"), self.user.clone()]);
        }
        if !self.port.is_empty() {
            words.extend([String::from("-p"), self.port.clone()]);
        }
        words.extend([String::from("--"), self.host.clone(), String::from("docker")]);
        if !self.path.is_empty() {
            words.extend([String::from("--host"), format!("unix://{}", self.path)]);
        }
        words.extend(["system", "dial-stdio"].map(str::to_owned));
        words
    }

    /// Starts ssh with one end of a socket pair as its stdin and stdout; the other end is the connection.
    ///
    /// # Errors
    /// There is no ssh.
    pub(super) fn connect(&self) -> Result<UnixStream> {
        let (ours, theirs) = UnixStream::pair()?;
        let output = OwnedFd::from(theirs.try_clone()?);
        Command::new("ssh")
            .args(self.words())
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(output))
            .spawn()
            .map_err(|error| Failure::Connection(format!("command ssh could not be started: {error}")))?;
        Ok(ours)
    }
}

#[cfg(test)]
mod tests {
    use super::SshTarget;

    #[test]
    fn targets_and_their_words() {
        let words = |text| SshTarget::parse(text).unwrap().words().join(" ");
        let options = "-o ConnectTimeout=30 -T";
        assert_eq!(words("host"), format!("{options} -- host docker system dial-stdio"));
        assert_eq!(
            words("me@[::1]:2222/run/x.sock"),
            format!("{options} -l me -p 2222 -- ::1 docker --host unix:///run/x.sock system dial-stdio")
        );
        assert!(SshTarget::parse("me:secret@host").is_err());
        assert!(SshTarget::parse("-oProxyCommand=x").is_err());
        assert!(SshTarget::parse("").is_err());
    }
}
