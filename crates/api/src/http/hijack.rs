//! Connections that leave HTTP behind.
//!
//! A handler that wants the socket reads the body, checks what can be checked, and gives the rest of its work
//! as a continuation. The connection's task then takes the socket off the HTTP library, with the bytes that
//! were read behind the request, and runs it. No head has been written then: the continuation, or whoever it
//! hands the socket to, writes exactly what old clients expect.

use super::body::Body;
use super::failure;
use super::version::Version;
use hyper::Response;
use sampan_engine::containers::ClientStream;
use sampan_error::Error;
use std::future::Future;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::pin::Pin;

/// The rest of the work of a handler that takes the socket.
pub(crate) type Continuation = Box<dyn FnOnce(Taken) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send>;

/// What a handler gives back.
pub(crate) enum Outcome {
    /// An ordinary reply.
    Reply(Response<Body>),
    /// The socket is taken.
    Hijack(Continuation),
}

impl Outcome {
    /// Takes the socket and goes on with this work.
    pub(crate) fn hijack<F>(work: impl FnOnce(Taken) -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::Hijack(Box::new(|taken| Box::pin(work(taken))))
    }
}

impl From<Response<Body>> for Outcome {
    fn from(response: Response<Body>) -> Self {
        Self::Reply(response)
    }
}

/// A socket that HTTP has left.
pub(crate) struct Taken {
    /// The socket, non-blocking.
    pub(crate) socket: OwnedFd,
    /// Bytes that came behind the request.
    pub(crate) read_ahead: Vec<u8>,
}

impl Taken {
    /// As the engine wants it: `prologue` is written before the first output.
    pub(crate) fn into_client_stream(self, prologue: Vec<u8>, multiplexed: bool) -> ClientStream {
        ClientStream { socket: self.socket, read_ahead: self.read_ahead, prologue, multiplexed }
    }
}

/// Answers a failure on a socket on which nothing was written yet.
pub(crate) fn refuse(stream: Option<ClientStream>, error: &Error) {
    let answer = failure::raw(error);
    if let Some(stream) = stream {
        write(stream.socket, &answer);
    }
}

/// Writes the head and then the failure as output, as Docker's exec does. Nothing was written yet.
pub(crate) fn fail_in_stream(stream: Option<ClientStream>, error: &Error) {
    tracing::debug!("{error}");
    let Some(mut stream) = stream else { return };
    let mut bytes = std::mem::take(&mut stream.prologue);
    let text = format!("{error}\r\n");
    if stream.multiplexed {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        bytes.extend_from_slice(&[1, 0, 0, 0]);
        bytes.extend_from_slice(&length.to_be_bytes());
    }
    bytes.extend_from_slice(text.as_bytes());
    write(stream.socket, &bytes);
}

/// An answer of a few hundred bytes fits the socket's empty buffer; a client that is gone misses nothing.
fn write(socket: OwnedFd, bytes: &[u8]) {
    if let Err(error) = std::fs::File::from(socket).write_all(bytes) {
        tracing::debug!(%error, "a client went away before its answer");
    }
}

/// The content type of a raw stream.
pub(crate) const RAW: &str = "application/vnd.docker.raw-stream";
/// The content type of a stream of frames.
pub(crate) const MULTIPLEXED: &str = "application/vnd.docker.multiplexed-stream";

/// The content type of a stream: frames are named from version 1.42 on.
pub(crate) fn content_type(version: Version, multiplexed: bool) -> &'static str {
    if multiplexed && version >= Version(42) { MULTIPLEXED } else { RAW }
}

/// The head of a stream that takes the socket. Clients that asked for an upgrade get `101`; those that did
/// not get a `200` without a length and without chunks, and always the raw content type.
pub(crate) fn prologue(upgrade: bool, version: Version, multiplexed: bool) -> Vec<u8> {
    if upgrade {
        switching(content_type(version, multiplexed))
    } else {
        format!("HTTP/1.1 200 OK\r\nContent-Type: {RAW}\r\n\r\n").into_bytes()
    }
}

/// The head of `101`.
pub(crate) fn switching(content_type: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 101 UPGRADED\r\nContent-Type: {content_type}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_4_the_heads_of_taken_connections() {
        let text = |upgrade, minor, multiplexed| {
            String::from_utf8(prologue(upgrade, Version(minor), multiplexed)).expect("text")
        };
        let upgraded = |kind: &str| {
            format!(
                "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.{kind}-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
            )
        };
        assert_eq!(text(true, 51, true), upgraded("multiplexed"));
        assert_eq!(text(true, 42, false), upgraded("raw"));
        assert_eq!(text(true, 41, true), upgraded("raw"));
        let raw = "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n";
        assert_eq!(text(false, 51, true), raw);
        assert_eq!(text(false, 24, false), raw);
    }
}
