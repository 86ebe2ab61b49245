//! A small web server: one thread, any number of slow or wicked clients, an end on request.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::facts::Facts;
use crate::page;
use crate::request::{LARGEST_HEAD, Parsed, Request, parse};

/// The most connections at a time; more wait in the listener's queue.
const MOST: usize = 256;

/// How long a client may take to send a head, to take the page, or to ask again.
const PATIENCE: Duration = Duration::from_secs(15);

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

/// One client.
struct Connection {
    stream: TcpStream,
    client: Option<SocketAddr>,
    input: Vec<u8>,
    output: Vec<u8>,
    sent: usize,
    /// Nothing more is read; it ends when the output is sent.
    last: bool,
    /// All is sent and our side is shut; what still arrives is thrown away.
    shut: bool,
    deadline: Instant,
}

/// Serves until SIGTERM or SIGINT.
pub(crate) fn run(port: u16) -> io::Result<()> {
    // As process 1 of a container it gets no signal that it does not ask for.
    let signals = sampan_sys::signal::open(&[SIGINT, SIGTERM])?;
    let listener = listen(port)?;
    listener.set_nonblocking(true)?;
    say(&format!("hello: serving on port {}", listener.local_addr()?.port()));
    Server { signals, listener, connections: Vec::new() }.run()
}

/// Does nothing until SIGTERM or SIGINT.
pub(crate) fn wait() -> io::Result<()> {
    let signals = sampan_sys::signal::open(&[SIGINT, SIGTERM])?;
    let mut watched = [PollFd::new(&signals, PollFlags::IN)];
    poll(&mut watched, None)?;
    Ok(())
}

/// IPv6 with IPv4 included where there is IPv6, else IPv4.
fn listen(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind((Ipv6Addr::UNSPECIFIED, port)).or_else(|error| match error.kind() {
        io::ErrorKind::AddrInUse | io::ErrorKind::PermissionDenied => Err(error),
        _ => TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)),
    })
}

fn say(line: &str) {
    // A log that went away does not end the page.
    let _ = writeln!(io::stdout(), "{line}");
}

struct Server {
    signals: OwnedFd,
    listener: TcpListener,
    connections: Vec<Connection>,
}

impl Server {
    fn run(&mut self) -> io::Result<()> {
        loop {
            let ready = self.wait()?;
            if ready.signal && sampan_sys::signal::next(&self.signals)?.is_some() {
                say("hello: ending");
                return Ok(());
            }
            let now = Instant::now();
            let mut index = 0;
            self.connections.retain_mut(|connection| {
                let touched = ready.connections.get(index).copied().unwrap_or(false);
                index += 1;
                (!touched || connection.advance(now).is_ok_and(|goes_on| goes_on))
                    && connection.deadline > now
            });
            if ready.listener {
                self.accept(now);
            }
        }
    }

    fn accept(&mut self, now: Instant) {
        while self.connections.len() < MOST {
            let Ok((stream, client)) = self.listener.accept() else { return };
            if stream.set_nonblocking(true).is_err() {
                continue;
            }
            let mut connection = Connection {
                stream,
                client: Some(plain(client)),
                input: Vec::new(),
                output: Vec::new(),
                sent: 0,
                last: false,
                shut: false,
                deadline: now + PATIENCE,
            };
            // Most requests are there with the connection.
            if connection.advance(now).is_ok_and(|goes_on| goes_on) {
                self.connections.push(connection);
            }
        }
    }

    fn wait(&self) -> io::Result<Ready> {
        let room = self.connections.len() < MOST;
        let mut entries = vec![
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&self.listener, if room { PollFlags::IN } else { PollFlags::empty() }),
        ];
        entries.extend(self.connections.iter().map(|connection| {
            let writing = connection.sent < connection.output.len();
            PollFd::new(&connection.stream, if writing { PollFlags::OUT } else { PollFlags::IN })
        }));
        let limit = self.connections.iter().map(|connection| connection.deadline).min().map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(1);
            Timespec {
                tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
                tv_nsec: i64::from(left.subsec_nanos()),
            }
        });
        match poll(&mut entries, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let ready = |entry: &PollFd<'_>| !entry.revents().is_empty();
        Ok(Ready {
            signal: ready(&entries[0]),
            listener: ready(&entries[1]),
            connections: entries[2..].iter().map(ready).collect(),
        })
    }
}

struct Ready {
    signal: bool,
    listener: bool,
    connections: Vec<bool>,
}

impl Connection {
    /// Reads, answers and writes as far as it goes without waiting. False when the connection is over.
    fn advance(&mut self, now: Instant) -> io::Result<bool> {
        loop {
            if !self.send()? {
                return Ok(true);
            }
            if self.last && !self.shut {
                self.shut = true;
                self.stream.shutdown(std::net::Shutdown::Write)?;
                self.deadline = now + Duration::from_secs(2);
            }
            if !self.shut && self.answer_next() {
                self.deadline = now + PATIENCE;
                continue;
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return Ok(false),
                Ok(_) if self.shut => {}
                Ok(count) => self.input.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(true),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends what waits; true when nothing does any more.
    fn send(&mut self) -> io::Result<bool> {
        while self.sent < self.output.len() {
            match self.stream.write(&self.output[self.sent..]) {
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.output.clear();
        self.sent = 0;
        Ok(true)
    }

    /// Answers a request that has arrived whole; false when there is none.
    fn answer_next(&mut self) -> bool {
        match parse(&self.input[..self.input.len().min(LARGEST_HEAD)]) {
            Parsed::Incomplete => false,
            Parsed::Bad(status) => {
                self.last = true;
                self.input.clear();
                self.output = refuse(status, "");
                say(&format!("{} - {status}", self.from()));
                true
            }
            Parsed::Request(request, length) => {
                self.input.drain(..length);
                self.last = !request.keeps_alive();
                let (status, response) = answer(&request, self.client, self.last);
                self.output = response;
                say(&format!("{} {} {} {status}", self.from(), request.method, request.path.escape_debug()));
                true
            }
        }
    }

    fn from(&self) -> String {
        self.client.map_or_else(|| "?".to_owned(), |client| client.ip().to_string())
    }
}

/// An IPv4 address that came in through an IPv6 socket, as IPv4.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn answer(request: &Request, client: Option<SocketAddr>, last: bool) -> (u16, Vec<u8>) {
    match request.method.as_str() {
        "GET" | "HEAD" if request.path == "/favicon.ico" => (404, refuse(404, "")),
        "GET" | "HEAD" => {
            let page = page::page(&Facts::gather(), request, client);
            let mut response = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
                 Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: {}\r\n\r\n",
                page.len(),
                if last { "close" } else { "keep-alive" },
            );
            if request.method == "GET" {
                response.push_str(&page);
            }
            (200, response.into_bytes())
        }
        _ => (405, refuse(405, "Allow: GET, HEAD\r\n")),
    }
}

/// A short answer without a page.
fn refuse(status: u16, header: &str) -> Vec<u8> {
    let reason = match status {
        404 => "Not Found",
        405 => "Method Not Allowed",
        431 => "Request Header Fields Too Large",
        505 => "HTTP Version Not Supported",
        _ => "Bad Request",
    };
    format!("HTTP/1.1 {status} {reason}\r\n{header}Content-Length: 0\r\n\r\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A server on a port of its own, on a thread that ends with the test process.
    fn server() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let signals = sampan_sys::signal::open(&[SIGTERM]).unwrap();
            Server { signals, listener, connections: Vec::new() }.run().unwrap();
        });
        address
    }

    fn ask(address: SocketAddr, text: &[u8]) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(text).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    #[test]
    fn pages_refusals_and_a_slow_client_beside_them() {
        let address = server();
        let mut slow = TcpStream::connect(address).unwrap();
        slow.write_all(b"GET / HT").unwrap();
        let page = ask(address, b"GET /here HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("GET /here HTTP/1.1"), "{page}");
        let both = ask(
            address,
            b"GET /one HTTP/1.1\r\nHost: x\r\n\r\nHEAD /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        );
        assert_eq!(both.matches("HTTP/1.1 200 OK").count(), 2, "two requests on one connection");
        assert!(ask(address, b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").starts_with("HTTP/1.1 405"));
        assert!(ask(address, b"\x16\x03\x01\x02\r\n\r\n").starts_with("HTTP/1.1 400"));
        assert!(ask(address, &vec![b'x'; 40_000]).starts_with("HTTP/1.1 431"));
        slow.write_all(b"TP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        slow.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"));
    }
}
