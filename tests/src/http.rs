//! One HTTP request at a time, from inside a host's network: enough to see that a server answers, and to
//! speak to the daemon in ways that no client library would.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A server's answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Status line and headers, as they were sent.
    pub head: String,
    /// What came after the empty line, as it was sent.
    pub body: String,
}

impl Answer {
    /// Reads an answer as it came over the wire; `None` when it is not HTTP.
    pub(crate) fn parse(text: &str) -> Option<Answer> {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, head: head.into(), body: body.into() })
    }

    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        pairs.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

/// Asks a web server for `/` over a connection of its own. Call it inside [`crate::Host::in_network`].
///
/// # Errors
/// When the connection fails or the answer is not HTTP.
pub fn get(address: SocketAddr) -> std::io::Result<Answer> {
    let patience = Duration::from_secs(20);
    let mut stream = TcpStream::connect_timeout(&address, patience)?;
    stream.set_read_timeout(Some(patience))?;
    exchange(&mut stream, b"GET / HTTP/1.0\r\nHost: test\r\n\r\n")
}

/// Sends bytes and reads until the server closes.
pub(crate) fn exchange(stream: &mut (impl Read + Write), request: &[u8]) -> std::io::Result<Answer> {
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Answer::parse(&text).ok_or_else(|| std::io::Error::other(format!("not an HTTP answer: {text:?}")))
}
