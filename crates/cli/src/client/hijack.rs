//! Connections that leave HTTP behind: attach, exec and run.

use std::os::fd::{AsFd, BorrowedFd};

use super::connection::Connection;
use super::query::escape_path;
use super::response::{Framing, Response};
use super::{Body, Client, Query, Stream};
use crate::failure::{Failure, Result};

/// A raw stream in both directions, after the `101` answer.
pub(crate) struct Hijacked {
    /// The socket; closing its write side is end-of-file for the peer.
    pub(crate) stream: Stream,
    /// What the peer sent right behind its answer: consume this before reading the socket.
    pub(crate) ahead: Vec<u8>,
}

impl AsFd for Hijacked {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl Client {
    /// Sends a `POST` that asks for the connection itself, on a connection of its own.
    ///
    /// # Errors
    /// [`Failure::Daemon`] when the engine refuses.
    pub(crate) fn hijack(&self, path: &str, query: &Query, body: Body) -> Result<Hijacked> {
        let target = format!("/v{}{}{query}", self.api_version(), escape_path(path));
        let headers = match body {
            Body::None => {
                &[("Content-Type", "text/plain"), ("Connection", "Upgrade"), ("Upgrade", "tcp")][..]
            }
            _ => &[("Connection", "Upgrade"), ("Upgrade", "tcp")][..],
        };
        self.hijack_at(&target, headers, body)
    }

    /// As [`Client::hijack`], with a target that is used as it is.
    pub(crate) fn hijack_at(&self, target: &str, headers: &[(&str, &str)], body: Body) -> Result<Hijacked> {
        let head = self.head("POST", target, headers, &body);
        let mut connection = Connection::open(&self.endpoint)?;
        connection.send_all(&head, body).map_err(|error| self.broken(&error))?;
        let head = connection.read_head().map_err(|error| self.broken(&error))?;
        super::version::note_other_build(&|name| head.header(name).map(str::to_owned));
        if head.status != 101 {
            let framing = Framing::of(&head, "POST")?;
            let status = head.status;
            Response::new(head, framing, connection, self.pool.clone()).check()?;
            return Err(Failure::message(format!("unable to upgrade to tcp, received {status}")));
        }
        let ahead = connection.buffered().to_vec();
        Ok(Hijacked { stream: connection.stream, ahead })
    }
}
