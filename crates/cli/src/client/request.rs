//! Request heads and bodies.

use std::io::Read;

use super::Client;
use crate::failure::Result;

/// What is sent after the head.
pub(crate) enum Body {
    /// Nothing at all.
    None,
    /// These bytes, with their media type.
    Bytes(Vec<u8>, &'static str),
    /// A stream of unknown length, sent in chunks while the answer may already be arriving.
    Stream(Box<dyn Read + Send>, &'static str),
}

impl Body {
    /// A JSON document, ended by a newline as Go's encoder does.
    ///
    /// # Errors
    /// A value that has no JSON form.
    pub(crate) fn json(value: &impl serde::Serialize) -> Result<Self> {
        let mut bytes = serde_json::to_vec(value)?;
        bytes.push(b'\n');
        Ok(Self::Bytes(bytes, "application/json"))
    }

    /// Whether it can be sent a second time.
    pub(super) fn is_repeatable(&self) -> bool {
        !matches!(self, Self::Stream(..))
    }
}

impl Client {
    /// The head of a request, ready to be sent.
    pub(super) fn head(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &Body) -> Vec<u8> {
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n", self.endpoint.host_header());
        for (name, value) in &self.headers {
            if !name.eq_ignore_ascii_case("user-agent") {
                head.push_str(&format!("{name}: {value}\r\n"));
            }
        }
        head.push_str(concat!("User-Agent: Sampan-Client/", env!("CARGO_PKG_VERSION"), " (linux)\r\n"));
        let mut has_type = false;
        for (name, value) in headers {
            has_type |= name.eq_ignore_ascii_case("content-type");
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        match body {
            Body::None => {
                if matches!(method, "POST" | "PUT") {
                    head.push_str("Content-Length: 0\r\n");
                }
            }
            Body::Bytes(bytes, media_type) => {
                if !has_type {
                    head.push_str(&format!("Content-Type: {media_type}\r\n"));
                }
                head.push_str(&format!("Content-Length: {}\r\n", bytes.len()));
            }
            Body::Stream(_, media_type) => {
                if !has_type {
                    head.push_str(&format!("Content-Type: {media_type}\r\n"));
                }
                head.push_str("Transfer-Encoding: chunked\r\n");
            }
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}
