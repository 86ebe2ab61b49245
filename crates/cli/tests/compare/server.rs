//! An engine that knows its answers by heart, on a unix socket: what both clients talk to.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The version of the API that it offers: what the older of the clients speaks.
const API_VERSION: &str = "1.50";

/// What was asked of it, as `METHOD /path?query body`, without the handshake.
pub(crate) type Log = Arc<Mutex<Vec<String>>>;

/// An answer: the status and the body.
pub(crate) type Answer = (u16, String);

/// The engine.
pub(crate) struct Server {
    path: PathBuf,
    log: Log,
}

impl Server {
    /// Listens in a folder and answers with `answer`, which is given the method and the path without
    /// version and query.
    pub(crate) fn start(folder: &Path, answer: fn(&str, &str) -> Answer) -> Self {
        let path = folder.join("engine.sock");
        let listener = UnixListener::bind(&path).expect("the socket can be bound");
        let log = Log::default();
        let shared = log.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = shared.clone();
                std::thread::spawn(move || serve(&stream, answer, &log));
            }
        });
        Self { path, log }
    }

    /// The address for `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// What was asked since the last call, sorted: some requests go out side by side.
    pub(crate) fn take_log(&self) -> Vec<String> {
        let mut log = std::mem::take(&mut *self.log.lock().expect("nobody panicked with the log"));
        log.sort();
        log
    }
}

fn serve(stream: &UnixStream, answer: fn(&str, &str) -> Answer, log: &Log) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let path = without_version(path);
        let (status, body) =
            if path == "/_ping" { (200, "OK".to_string()) } else { answer(&request.method, path) };
        if path != "/_ping" {
            let entry = format!("{} {path}?{query} {}", request.method, normal(&request.body));
            log.lock().expect("nobody panicked with the log").push(entry);
        }
        let media_type = if path == "/_ping" { "text/plain; charset=utf-8" } else { "application/json" };
        let head = format!(
            "HTTP/1.1 {status} X\r\nApi-Version: {API_VERSION}\r\nOstype: linux\r\nServer: Docker/28.0 (linux)\r\n\
             Docker-Experimental: false\r\nSwarm: inactive\r\nBuilder-Version: 2\r\nContent-Type: {media_type}\r\n\
             Content-Length: {}\r\n\r\n",
            body.len()
        );
        let body = if request.method == "HEAD" { "" } else { &body };
        let mut writer = stream;
        if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}

struct Request {
    method: String,
    target: String,
    body: Vec<u8>,
}

fn read_request(reader: &mut BufReader<&UnixStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_string(), words.next()?.to_string());
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        chunked |= header == "transfer-encoding: chunked";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        body.extend_from_slice(&chunk[..size]);
        chunked = size > 0;
    }
    Some(Request { method, target, body })
}

fn without_version(path: &str) -> &str {
    match path.strip_prefix("/v1.") {
        Some(rest) => rest.find('/').map_or(path, |slash| &rest[slash..]),
        None => path,
    }
}

/// A JSON body without what says nothing: both clients may or may not send what is empty.
fn normal(body: &[u8]) -> String {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(value) => meaning(value).map(|value| value.to_string()).unwrap_or_default(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

fn meaning(value: serde_json::Value) -> Option<serde_json::Value> {
    use serde_json::Value as Json;
    match value {
        Json::Null | Json::Bool(false) => None,
        Json::Number(number) if number.as_f64() == Some(0.0) => None,
        Json::String(text) if text.is_empty() => None,
        Json::Array(items) if items.is_empty() => None,
        Json::Object(entries) => {
            let kept: serde_json::Map<String, Json> =
                entries.into_iter().filter_map(|(key, value)| Some((key, meaning(value)?))).collect();
            if kept.is_empty() { None } else { Some(Json::Object(kept)) }
        }
        other => Some(other),
    }
}
