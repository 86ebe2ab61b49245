//! Answers: their status, headers and body.

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::PoisonError;

use super::Pool;
use super::connection::{Connection, Head};
use crate::failure::{Failure, Result};

/// The longest error text that is read from an answer, in bytes.
const ERROR_LIMIT: u64 = 1024 * 1024;

/// How the body of an answer ends.
#[derive(Debug)]
pub(super) enum Framing {
    /// After this many more bytes.
    Length(u64),
    /// At the empty chunk; the number is what is left of the current chunk.
    Chunked { left: u64, first: bool },
    /// When the peer closes.
    UntilClose,
}

impl Framing {
    /// RFC 9112, section 6.3.
    pub(super) fn of(head: &Head, method: &str) -> io::Result<Self> {
        if method == "HEAD" || matches!(head.status, 204 | 304) {
            return Ok(Self::Length(0));
        }
        if head
            .header("transfer-encoding")
            .is_some_and(|value| value.to_ascii_lowercase().contains("chunked"))
        {
            return Ok(Self::Chunked { left: 0, first: true });
        }
        match head.header("content-length") {
            Some(text) => text
                .trim()
                .parse()
                .map(Self::Length)
                .map_err(|_| io::Error::other(format!("bad Content-Length {text:?}"))),
            None => Ok(Self::UntilClose),
        }
    }
}

/// An answer whose body is read from the connection by [`Read`].
pub(crate) struct Response {
    head: Head,
    framing: Framing,
    connection: Option<Connection>,
    pool: Pool,
}

impl Response {
    pub(super) fn new(head: Head, framing: Framing, connection: Connection, pool: Pool) -> Self {
        let mut response = Self { head, framing, connection: Some(connection), pool };
        if matches!(response.framing, Framing::Length(0)) {
            response.finish();
        }
        response
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.head.status
    }

    /// A header's value; names match in any case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.header(name)
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// The connection breaks or the body is not what was expected.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(mut self) -> Result<T> {
        let bytes = self.whole_body()?;
        Ok(serde_json::from_slice(&bytes)?)
    }

    /// The body as text.
    ///
    /// # Errors
    /// The connection breaks.
    pub(crate) fn text(mut self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.whole_body()?).into_owned())
    }

    /// Reads the body to its end and forgets it, so that the connection can be used again.
    ///
    /// # Errors
    /// The connection breaks.
    pub(crate) fn discard(mut self) -> Result<()> {
        self.whole_body()?;
        Ok(())
    }

    /// The socket that more of the body comes from; nothing once the body is complete.
    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.connection.as_ref().map(|connection| connection.stream.as_fd())
    }

    /// Whether some of the body was read from the socket already.
    pub(crate) fn is_buffered(&self) -> bool {
        self.connection.as_ref().is_none_or(|connection| !connection.buffered().is_empty())
    }

    fn whole_body(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes).map_err(|error| Failure::Connection(error.to_string()))?;
        Ok(bytes)
    }

    /// Turns an answer of 400 or more into the failure that docker prints.
    pub(super) fn check(mut self) -> Result<Self> {
        let status = self.head.status;
        if (200..400).contains(&status) || status == 101 {
            return Ok(self);
        }
        let mut body = Vec::new();
        let json = self.header("content-type").is_some_and(|value| value.starts_with("application/json"));
        let mut limited = (&mut self).take(ERROR_LIMIT);
        let _ = limited.read_to_end(&mut body);
        let text = String::from_utf8_lossy(&body).trim().to_owned();
        let message = if text.is_empty() {
            return Err(Failure::message(format!(
                "request returned {status} for API route and version, check if the server supports the \
                 requested API version"
            )));
        } else if json {
            match serde_json::from_slice::<serde_json::Value>(&body) {
                Ok(value) => match value.get("message").and_then(|message| message.as_str()) {
                    Some(message) if !message.is_empty() => message.trim().to_owned(),
                    _ => format!("API returned a {status} but provided no error-message"),
                },
                Err(error) => return Err(Failure::message(format!("Error reading JSON: {error}"))),
            }
        } else {
            text
        };
        Err(Failure::Daemon { status, message })
    }

    /// The body is at its end: the connection goes back to the pool if it may be used again.
    fn finish(&mut self) {
        let Some(mut connection) = self.connection.take() else { return };
        let closes = self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        if !closes && !matches!(self.framing, Framing::UntilClose) && connection.reusable() {
            self.pool.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    fn next_chunk(&mut self, first: bool) -> io::Result<u64> {
        if !first {
            self.line()?;
        }
        let line = self.line()?;
        let digits = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(digits, 16)
            .map_err(|_| io::Error::other(format!("bad chunk size {digits:?}")))?;
        if size == 0 {
            while !self.line()?.is_empty() {}
        }
        Ok(size)
    }

    fn line(&mut self) -> io::Result<String> {
        let Some(connection) = self.connection.as_mut() else {
            return Err(io::ErrorKind::UnexpectedEof.into());
        };
        loop {
            let buffered = connection.buffered();
            if let Some(end) = buffered.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8_lossy(&buffered[..end]).trim_end_matches('\r').to_owned();
                connection.position += end + 1;
                return Ok(line);
            }
            if buffered.len() > 64 * 1024 {
                return Err(io::Error::other("a chunk's head is too long"));
            }
            if connection.fill()? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

impl Read for Response {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.connection.is_none() {
            return Ok(0);
        }
        if let Framing::Chunked { left: 0, first } = self.framing {
            let size = self.next_chunk(first)?;
            self.framing = Framing::Chunked { left: size, first: false };
            if size == 0 {
                self.finish();
                return Ok(0);
            }
        }
        let limit = match self.framing {
            Framing::Length(left) | Framing::Chunked { left, .. } => {
                usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len())
            }
            Framing::UntilClose => buffer.len(),
        };
        let Some(connection) = self.connection.as_mut() else { return Ok(0) };
        let count = connection.read(&mut buffer[..limit])?;
        match &mut self.framing {
            Framing::UntilClose if count == 0 => self.finish(),
            Framing::UntilClose => {}
            Framing::Length(_) | Framing::Chunked { .. } if count == 0 => {
                self.connection = None;
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Framing::Chunked { left, .. } => *left -= count as u64,
            Framing::Length(left) => {
                *left -= count as u64;
                if *left == 0 {
                    self.finish();
                }
            }
        }
        Ok(count)
    }
}
