//! A front before a real registry that makes trouble: what a network, a proxy or a broken registry does.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::Host;

/// What happens to one request.
#[derive(Debug, Clone)]
pub enum Fault {
    /// Another answer: status with its words, further header lines, body.
    Answer(&'static str, String, String),
    /// The connection closes without an answer.
    Hangup,
    /// The answer breaks off after half its body.
    Half,
    /// After half its body the answer stands still, and its connection stays open.
    Stall,
    /// So many bytes of the request's body get through, then the connection closes.
    Cut(u64),
    /// One byte in the middle of the body is another one.
    Damaged,
    /// The body goes on after its end, and its length says so.
    Longer,
    /// JSON that has no end, a gigabyte of it.
    Endless,
}

/// The first byte of somebody who speaks TLS: a record of a handshake (RFC 8446, 5.1).
const TLS: [u8; 1] = [22];

type Rule = dyn Fn(&str, usize) -> Option<Fault> + Send + Sync;

/// A front that runs on threads of the test, in a host's network.
pub struct Front {
    port: u16,
    seen: Arc<Mutex<Vec<String>>>,
    sent: Arc<AtomicU64>,
}

impl Front {
    /// Starts one on a port of the host, before a registry on another. `rule` gets each request's method and path,
    /// and how often the same has come before.
    ///
    /// # Panics
    /// When the port is taken.
    #[track_caller]
    pub fn start(
        host: &Host,
        port: u16,
        registry: u16,
        rule: impl Fn(&str, usize) -> Option<Fault> + Send + Sync + 'static,
    ) -> Front {
        let listener =
            host.in_network(|| TcpListener::bind(("127.0.0.1", port)).expect("a port for the front"));
        let network = Arc::new(host.network());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let requests = Arc::clone(&seen);
        let rule: Arc<Rule> = Arc::new(rule);
        let sent = Arc::new(AtomicU64::new(0));
        let bytes = Arc::clone(&sent);
        std::thread::spawn(move || {
            let counts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
            for client in listener.incoming().flatten() {
                let (network, rule, counts) = (Arc::clone(&network), Arc::clone(&rule), Arc::clone(&counts));
                let (requests, bytes) = (Arc::clone(&requests), Arc::clone(&bytes));
                std::thread::spawn(move || {
                    crate::enter(&network);
                    // A connection that breaks is what fronts are for.
                    let _ = serve(&client, registry, &*rule, &counts, &requests, &bytes);
                    let _ = client.shutdown(Shutdown::Both);
                });
            }
        });
        Front { port, seen, sent }
    }

    /// `host:port`, as image names begin.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The requests so far: first line and headers of each.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("no test panics here").clone()
    }

    /// Bytes of requests' bodies that got through so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::SeqCst)
    }

    /// How many requests had this in their first line or headers, in lower case.
    pub fn asked(&self, part: &str) -> usize {
        self.seen().iter().filter(|head| head.to_lowercase().contains(part)).count()
    }
}

fn serve(
    client: &TcpStream,
    registry: u16,
    rule: &Rule,
    counts: &Mutex<HashMap<String, usize>>,
    requests: &Mutex<Vec<String>>,
    sent: &Arc<AtomicU64>,
) -> std::io::Result<()> {
    let mut first = [0];
    client.peek(&mut first)?;
    if first == TLS {
        // The end of the connection says that this is plain HTTP.
        return Ok(());
    }
    let mut reader = BufReader::new(client);
    let head = read_head(&mut reader)?;
    let Some(first) = head.first() else { return Ok(()) };
    let mut words = first.split(' ');
    let what = format!("{} {}", words.next().unwrap_or_default(), words.next().unwrap_or_default());
    requests.lock().expect("no test panics here").push(head.join("\n"));
    let nth = {
        let mut counts = counts.lock().expect("no test panics here");
        let count = counts.entry(what.clone()).or_default();
        *count += 1;
        *count - 1
    };
    match rule(&what, nth) {
        Some(Fault::Hangup) => Ok(()),
        Some(Fault::Answer(status, headers, body)) => answer(client, status, &headers, body.as_bytes()),
        Some(Fault::Endless) => endless(client),
        fault => {
            let mut upstream = TcpStream::connect(("127.0.0.1", registry))?;
            let kept = head.iter().filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
            let lines: Vec<&str> = kept.map(String::as_str).chain(["Connection: close"]).collect();
            upstream.write_all(format!("{}\r\n\r\n", lines.join("\r\n")).as_bytes())?;
            let sender = upstream.try_clone()?;
            let body = client.try_clone()?;
            let buffered = reader.buffer().to_vec();
            let sent = Arc::clone(sent);
            let most = if let Some(Fault::Cut(most)) = fault { most } else { u64::MAX };
            // It ends with the connection, which the main thread closes.
            let passing = std::thread::spawn(move || pass_on(&buffered, body, sender, most, &sent));
            if matches!(fault, Some(Fault::Cut(_))) {
                // The registry keeps what it got once it sees the end of the connection.
                let _ = passing.join();
                return Ok(());
            }
            relay(client, upstream, fault)
        }
    }
}

fn read_head(reader: &mut impl BufRead) -> std::io::Result<Vec<String>> {
    let mut lines = Vec::new();
    loop {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        if line.is_empty() {
            return Ok(lines);
        }
        lines.push(line);
    }
}

fn pass_on(buffered: &[u8], from: TcpStream, mut to: TcpStream, most: u64, sent: &AtomicU64) {
    let mut from = buffered.chain(from).take(most);
    let mut part = vec![0; 64 << 10];
    // Either side may go.
    while let Ok(count @ 1..) = from.read(&mut part) {
        if to.write_all(&part[..count]).is_err() {
            return;
        }
        sent.fetch_add(count as u64, Ordering::SeqCst);
    }
    let _ = to.shutdown(Shutdown::Write);
}

fn relay(mut client: &TcpStream, upstream: TcpStream, fault: Option<Fault>) -> std::io::Result<()> {
    let mut reader = BufReader::new(upstream);
    let mut head = read_head(&mut reader)?;
    head.retain(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    head.push("Connection: close".to_owned());
    let Some(fault) = fault else {
        client.write_all(format!("{}\r\n\r\n", head.join("\r\n")).as_bytes())?;
        return std::io::copy(&mut reader, &mut client).map(drop);
    };
    let mut body = Vec::new();
    reader.read_to_end(&mut body)?;
    let middle = body.len() / 2;
    match fault {
        Fault::Half | Fault::Stall => body.truncate(middle),
        Fault::Damaged => {
            if let Some(byte) = body.get_mut(middle) {
                *byte ^= 1;
            }
        }
        _ => {
            body.extend_from_slice(b"more");
            head.retain(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
            head.push(format!("Content-Length: {}", body.len()));
        }
    }
    client.write_all(format!("{}\r\n\r\n", head.join("\r\n")).as_bytes())?;
    client.write_all(&body)?;
    if matches!(fault, Fault::Stall) {
        // Until the other side gives up.
        client.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn answer(mut client: &TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<()> {
    let head =
        format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n", body.len());
    client.write_all(head.as_bytes())?;
    client.write_all(body)
}

fn endless(mut client: &TcpStream) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: application/vnd.oci.image.index.v1+json\r\n\r\n";
    client.write_all(head.as_bytes())?;
    client.write_all(br#"{"schemaVersion":2,"manifests":["#)?;
    let part = "{},".repeat(1 << 16);
    for _ in 0..(1 << 30) / part.len() {
        client.write_all(part.as_bytes())?;
    }
    Ok(())
}
