//! One connection: sends a request, reads the head of the answer, keeps what was read too far.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use super::Pool;
use super::request::Body;
use super::response::{Framing, Response};
use super::stream::Stream;
use super::transport::Endpoint;
use crate::failure::Result;

/// The longest head of an answer that is accepted, in bytes.
const HEAD_LIMIT: usize = 256 * 1024;
/// The most headers of an answer that are accepted.
const HEADER_LIMIT: usize = 128;

/// A connection and the bytes read from it that nobody has consumed yet.
pub(crate) struct Connection {
    pub(super) stream: Stream,
    pub(super) ahead: Vec<u8>,
    /// Consumed bytes at the front of `ahead`.
    pub(super) position: usize,
    /// The thread that still sends the body of a streamed request.
    sender: Option<Sender>,
}

/// The socket that a thread still sends a body on. Dropped when nobody listens any more, it ends the
/// connection; the thread ends at its next write.
struct Sender(Stream);

impl Drop for Sender {
    fn drop(&mut self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The head of an answer.
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl Connection {
    /// Connects to the engine.
    pub(super) fn open(endpoint: &Endpoint) -> Result<Self> {
        Ok(Self { stream: endpoint.connect()?, ahead: Vec::new(), position: 0, sender: None })
    }

    /// Sends a request whose body is in memory, in one write.
    pub(super) fn send(&mut self, head: &[u8], body: &Body) -> io::Result<()> {
        match body {
            Body::Bytes(bytes, _) => self.stream.write_all(&[head, bytes].concat()),
            Body::None | Body::Stream(..) => self.stream.write_all(head),
        }
    }

    /// Sends a request; a streamed body goes on in a thread while the answer is read.
    pub(super) fn send_all(&mut self, head: &[u8], body: Body) -> io::Result<()> {
        self.send(head, &body)?;
        if let Body::Stream(source, _) = body {
            let stream = self.stream.try_clone()?;
            let thread = std::thread::Builder::new().name(String::from("request-body"));
            thread.spawn(move || {
                // What is wrong shows in the answer, or in its absence.
                let _ = send_chunks(source, stream);
            })?;
            self.sender = Some(Sender(self.stream.try_clone()?));
        }
        Ok(())
    }

    /// Reads the answer to a request of this method; its body stays on the connection.
    pub(super) fn receive(mut self, method: &str, pool: &Pool) -> io::Result<Response> {
        let head = self.read_head()?;
        let framing = Framing::of(&head, method)?;
        Ok(Response::new(head, framing, self, pool.clone()))
    }

    /// Reads the head of an answer, passing over `100 Continue`.
    pub(super) fn read_head(&mut self) -> io::Result<Head> {
        loop {
            let (status, headers, length) = loop {
                let mut storage = [httparse::EMPTY_HEADER; HEADER_LIMIT];
                let mut response = httparse::Response::new(&mut storage);
                match response.parse(&self.ahead[self.position..]) {
                    Ok(httparse::Status::Complete(length)) => {
                        let headers = response
                            .headers
                            .iter()
                            .map(|header| {
                                (header.name.to_owned(), String::from_utf8_lossy(header.value).into_owned())
                            })
                            .collect();
                        break (response.code.unwrap_or(0), headers, length);
                    }
                    Ok(httparse::Status::Partial) if self.ahead.len() < HEAD_LIMIT => {}
                    Ok(httparse::Status::Partial) => {
                        return Err(io::Error::other("the head of the answer is too long"));
                    }
                    Err(error) => {
                        return Err(io::Error::other(format!(
                            "malformed HTTP response ({error}).\n* Are you trying to connect to a \
                             TLS-enabled daemon without TLS?"
                        )));
                    }
                }
                if self.fill()? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            };
            self.position += length;
            if status != 100 {
                return Ok(Head { status, headers });
            }
        }
    }

    /// Reads more bytes behind those not consumed yet; 0 is the end.
    pub(super) fn fill(&mut self) -> io::Result<usize> {
        if self.position > 0 && self.position == self.ahead.len() {
            self.ahead.clear();
            self.position = 0;
        }
        let start = self.ahead.len();
        self.ahead.resize(start + 16 * 1024, 0);
        loop {
            match self.stream.read(&mut self.ahead[start..]) {
                Ok(count) => {
                    self.ahead.truncate(start + count);
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ahead.truncate(start);
                    return Err(error);
                }
            }
        }
    }

    /// The bytes that were read and not consumed.
    pub(super) fn buffered(&self) -> &[u8] {
        &self.ahead[self.position..]
    }

    /// Consumed bytes come first, then the socket.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.buffered();
        if !available.is_empty() {
            let count = available.len().min(buffer.len());
            buffer[..count].copy_from_slice(&available[..count]);
            self.position += count;
            return Ok(count);
        }
        loop {
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// The connection may serve another request if nothing of this one is under way.
    pub(super) fn reusable(&mut self) -> bool {
        // An answer that is complete before its request leaves a connection that nobody can use.
        self.sender.take().is_none() && self.buffered().is_empty()
    }
}

fn send_chunks(mut source: Box<dyn Read + Send>, mut stream: Stream) -> io::Result<()> {
    let mut buffer = vec![0_u8; 64 * 1024];
    loop {
        let count = match source.read(&mut buffer) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => {
                // Without the closing chunk the peer knows that the body is not whole.
                let _ = stream.shutdown(Shutdown::Both);
                return Err(error);
            }
        };
        if count == 0 {
            return stream.write_all(b"0\r\n\r\n");
        }
        stream.write_all(format!("{count:x}\r\n").as_bytes())?;
        stream.write_all(&buffer[..count])?;
        stream.write_all(b"\r\n")?;
    }
}
