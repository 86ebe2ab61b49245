//! A recording engine on a unix socket: it answers just enough for a client to go on, with hijacked
//! streams where a client asks for one.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;

/// The id of every container that it makes.
pub(crate) const ID: &str = "04a43d72b98c45a9fbca9e72bcf3f3c507be3baa3e114eeed1eececc0371580e";

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
    pub(crate) upgrade: bool,
}

impl Request {
    /// The path without version and query.
    pub(crate) fn path(&self) -> &str {
        let path = self.target.split('?').next().unwrap_or_default();
        match path.strip_prefix("/v1.") {
            Some(rest) => rest.find('/').map_or(path, |slash| &rest[slash..]),
            None => path,
        }
    }

    /// One line for the comparison: the JSON body with sorted keys and sorted environment.
    pub(crate) fn line(&self) -> String {
        let body = match serde_json::from_slice::<Value>(&self.body) {
            Ok(mut value) => {
                for list in ["/Env", "/HostConfig/Binds"] {
                    // Docker's client keeps these in maps: their order says nothing.
                    if let Some(Value::Array(entries)) = value.pointer_mut(list) {
                        entries.sort_by_key(ToString::to_string);
                    }
                }
                value.to_string()
            }
            Err(_) => String::from_utf8_lossy(&self.body).into_owned(),
        };
        format!("{} {} {body}", self.method, self.target)
    }
}

/// What to do with a request.
pub(crate) enum Answer {
    /// A status and a body; the media type is JSON unless the body is no JSON.
    Plain(u16, String),
    /// `101`, these bytes, what the client sends (read to its end with `listen`, said back with `echo`), and
    /// the end. A stream that has input must listen: closing on unread input resets the connection.
    Stream { bytes: Vec<u8>, listen: bool, echo: bool, tail: Vec<u8> },
}

/// The engine.
pub(crate) struct Server {
    path: PathBuf,
    log: Arc<Mutex<Vec<Request>>>,
}

/// Decides the answer; the second argument is what was asked before.
pub(crate) type Script = fn(&Request, &[Request]) -> Answer;

impl Server {
    /// Listens in a folder; `name` is what its `Server` header says.
    pub(crate) fn start(folder: &Path, name: &'static str, script: Script) -> Self {
        let path = folder.join("engine.sock");
        let listener = UnixListener::bind(&path).expect("the socket can be bound");
        let log: Arc<Mutex<Vec<Request>>> = Arc::default();
        let shared = Arc::clone(&log);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let log = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, name, script, &log));
            }
        });
        Self { path, log }
    }

    /// The address for `DOCKER_HOST`.
    pub(crate) fn host(&self) -> String {
        format!("unix://{}", self.path.display())
    }

    /// What was asked since the last call.
    pub(crate) fn take(&self) -> Vec<Request> {
        std::mem::take(&mut *self.log.lock().expect("nobody panicked with the log"))
    }
}

fn serve(stream: UnixStream, name: &str, script: Script, log: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().expect("a descriptor is left"));
    let mut writer = stream;
    while let Some(request) = read_request(&mut reader) {
        let answer = {
            let mut log = log.lock().expect("nobody panicked with the log");
            let answer = match request.path() {
                "/_ping" => Answer::Plain(200, String::from("OK")),
                _ => script(&request, &log),
            };
            log.push(request.clone());
            answer
        };
        match answer {
            Answer::Plain(status, body) => {
                let media = if body.starts_with(['{', '[']) { "application/json" } else { "text/plain" };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nApi-Version: 1.50\r\nOstype: linux\r\nServer: {name}\r\n\
                     Builder-Version: 2\r\nContent-Type: {media}\r\nContent-Length: {}\r\n\r\n",
                    body.len()
                );
                let body = if request.method == "HEAD" { "" } else { &body };
                if writer.write_all(format!("{head}{body}").as_bytes()).is_err() {
                    return;
                }
            }
            Answer::Stream { bytes, listen, echo, tail } => {
                let head = "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.multiplexed-stream\r\n\
                            Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n";
                // In one write: a client must not lose what follows the head.
                let _ = writer.write_all(&[head.as_bytes(), &bytes].concat());
                let mut typed = Vec::new();
                if listen {
                    let _ = reader.read_to_end(&mut typed);
                }
                if echo {
                    let _ = writer.write_all(&frame(1, &typed));
                }
                let _ = writer.write_all(&tail);
                return;
            }
        }
    }
}

/// A frame of a multiplexed stream.
pub(crate) fn frame(kind: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).expect("short content").to_be_bytes();
    [&[kind, 0, 0, 0], &length[..], content].concat()
}

fn read_request(reader: &mut BufReader<UnixStream>) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut chunked, mut upgrade) = (0, false, false);
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
        upgrade |= header == "upgrade: tcp";
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
    Some(Request { method, target, body, upgrade })
}
