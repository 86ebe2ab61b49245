//! A server on a Unix socket of its own, and a client that speaks raw bytes.

use super::FakeEngine;
use crate::server::{EngineSlot, Listener, serve};
use std::net::Shutdown;
use std::path::PathBuf;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// A server with a fake engine.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    pub(crate) engine: FakeEngine,
    pub(crate) slot: std::sync::Arc<EngineSlot<FakeEngine>>,
}

impl Server {
    /// A server whose engine is there.
    pub(crate) fn start() -> Self {
        let server = Self::start_without_engine();
        server.slot.fill(server.engine.clone());
        server
    }

    /// A server whose engine is still recovering.
    pub(crate) fn start_without_engine() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(folder.path().join("api.sock")).expect("a socket");
        let slot = std::sync::Arc::new(EngineSlot::default());
        let served = slot.clone();
        tokio::spawn(async move {
            serve(vec![Listener::Unix(listener)], &served, std::future::pending()).await;
        });
        Self { folder, engine: FakeEngine::default(), slot }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> Client {
        Client { stream: UnixStream::connect(self.path()).await.expect("connected"), ahead: Vec::new() }
    }

    /// One request without a body on a connection of its own.
    pub(crate) async fn ask(&self, method: &str, target: &str) -> Reply {
        let mut client = self.connect().await;
        client.send(&format!("{method} {target} HTTP/1.1\r\nHost: d\r\n\r\n")).await;
        client.reply(method == "HEAD").await
    }

    /// One request with a JSON body on a connection of its own.
    pub(crate) async fn ask_json(&self, method: &str, target: &str, body: &str) -> Reply {
        let mut client = self.connect().await;
        client
            .send(&format!(
                "{method} {target} HTTP/1.1\r\nHost: d\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ))
            .await;
        client.reply(false).await
    }
}

/// A connection.
pub(crate) struct Client {
    stream: UnixStream,
    ahead: Vec<u8>,
}

/// A whole reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Reply {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("JSON")
    }

    /// The sentence of an error.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().expect("a message").to_owned()
    }
}

impl Client {
    pub(crate) async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("sent");
    }

    /// Says that nothing more comes.
    pub(crate) fn finish_sending(&mut self) {
        let socket = rustix::io::fcntl_dupfd_cloexec(&self.stream, 3).expect("a descriptor");
        std::os::unix::net::UnixStream::from(socket).shutdown(Shutdown::Write).expect("shut");
    }

    async fn fill(&mut self) -> bool {
        self.stream.read_buf(&mut self.ahead).await.expect("read") > 0
    }

    /// Everything up to and with a piece of text.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = find(&self.ahead, end.as_bytes()) {
                let rest = self.ahead.split_off(at + end.len());
                return String::from_utf8(std::mem::replace(&mut self.ahead, rest)).expect("text");
            }
            assert!(self.fill().await, "ended before {end:?}: {:?}", String::from_utf8_lossy(&self.ahead));
        }
    }

    /// So many bytes.
    pub(crate) async fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.ahead.len() < length {
            assert!(self.fill().await, "ended early: {:?}", String::from_utf8_lossy(&self.ahead));
        }
        let rest = self.ahead.split_off(length);
        std::mem::replace(&mut self.ahead, rest)
    }

    /// Everything up to the end of the connection.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        while self.fill().await {}
        std::mem::take(&mut self.ahead)
    }

    /// The head of a reply.
    pub(crate) async fn head(&mut self) -> String {
        self.until("\r\n\r\n").await
    }

    /// A chunk of a body.
    pub(crate) async fn chunk(&mut self) -> String {
        let length = self.until("\r\n").await;
        let length = usize::from_str_radix(length.trim(), 16).expect("a length");
        let bytes = self.exactly(length + 2).await;
        String::from_utf8(bytes[..length].to_vec()).expect("text")
    }

    /// A whole reply.
    pub(crate) async fn reply(&mut self, without_body: bool) -> Reply {
        let head = self.head().await;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect("a status");
        let mut reply = Reply { status, head, body: String::new() };
        if without_body || status == 304 || status == 204 {
            return reply;
        }
        if let Some(length) = reply.header("content-length").map(|text| text.parse().expect("a number")) {
            reply.body = String::from_utf8(self.exactly(length).await).expect("text");
        } else if reply.header("transfer-encoding").is_some() {
            loop {
                let chunk = self.chunk().await;
                if chunk.is_empty() {
                    break;
                }
                reply.body.push_str(&chunk);
            }
        } else {
            reply.body = String::from_utf8(self.rest().await).expect("text");
        }
        reply
    }
}

fn find(bytes: &[u8], piece: &[u8]) -> Option<usize> {
    bytes.windows(piece.len()).position(|window| window == piece)
}
