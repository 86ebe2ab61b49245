//! Who reaches whom: servers and clients on threads of the test, inside any network namespace.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Streams.
    Tcp,
    /// Datagrams.
    Udp,
}

/// Answers on a port of all addresses of a network, by both protocols, with what the other's address looks like from
/// there. Lasts as long as the namespace's last user.
///
/// # Panics
/// When the port is taken.
#[track_caller]
pub fn serve(network: OwnedFd, port: u16) {
    let (ready, started) = std::sync::mpsc::channel();
    thread::spawn(move || {
        crate::enter(&network);
        drop(network);
        let any = SocketAddr::from(([0_u16; 8], port));
        let listener = TcpListener::bind(any).expect("a listening socket");
        let socket = UdpSocket::bind(any).expect("a socket");
        ready.send(()).expect("the test waits");
        let datagrams = thread::spawn(move || {
            let mut buffer = [0; 64];
            while let Ok((_, peer)) = socket.recv_from(&mut buffer) {
                let _ = socket.send_to(peer.ip().to_canonical().to_string().as_bytes(), peer);
            }
        });
        for mut stream in listener.incoming().flatten() {
            if let Ok(peer) = stream.peer_addr() {
                let _ = stream.write_all(peer.ip().to_canonical().to_string().as_bytes());
            }
        }
        let _ = datagrams.join();
    });
    started.recv().expect("the server starts");
}

/// Asks from inside a network; what the server saw, or `None` when nothing answers in time.
pub fn ask(network: &OwnedFd, protocol: Protocol, to: SocketAddr, patience: Duration) -> Option<String> {
    thread::scope(|scope| {
        let asking = scope.spawn(|| {
            crate::enter(network);
            match protocol {
                Protocol::Tcp => by_stream(to, patience),
                Protocol::Udp => by_datagram(to, patience),
            }
            .ok()
        });
        asking.join().expect("asking ends well")
    })
}

fn by_stream(to: SocketAddr, patience: Duration) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&to, patience)?;
    stream.set_read_timeout(Some(patience))?;
    let mut text = String::new();
    stream.read_to_string(&mut text)?;
    if text.is_empty() { Err(std::io::ErrorKind::UnexpectedEof.into()) } else { Ok(text) }
}

fn by_datagram(to: SocketAddr, patience: Duration) -> std::io::Result<String> {
    let any: SocketAddr = if to.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0_u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(Duration::from_millis(100).min(patience)))?;
    let end = Instant::now() + patience;
    let mut buffer = [0; 64];
    loop {
        socket.send(b"?")?;
        match socket.recv(&mut buffer) {
            Ok(count) => return Ok(String::from_utf8_lossy(&buffer[..count]).into_owned()),
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// One line of a table of who reaches whom.
#[derive(Debug, Clone)]
pub struct Line {
    /// Who asks, for people.
    pub from: &'static str,
    /// Where the asker is.
    pub network: Arc<OwnedFd>,
    /// What is asked.
    pub to: SocketAddr,
    /// How.
    pub protocol: Protocol,
    /// Whether there shall be an answer.
    pub reached: bool,
}

/// Tries all lines at once; gives those that are wrong. What shall be answered gets seconds, what shall not a moment.
pub fn wrong(lines: &[Line]) -> Vec<String> {
    let try_one = |line: &Line| {
        let patience = if line.reached { Duration::from_secs(5) } else { Duration::from_millis(400) };
        let answer = ask(&line.network, line.protocol, line.to, patience);
        (answer.is_some() != line.reached).then(|| {
            let expected = if line.reached { "reaches" } else { "must not reach" };
            format!("{} {expected} {} by {:?}: {answer:?}", line.from, line.to, line.protocol)
        })
    };
    thread::scope(|scope| {
        let tries: Vec<_> = lines.iter().map(|line| scope.spawn(|| try_one(line))).collect();
        tries.into_iter().filter_map(|one| one.join().expect("a try ends well")).collect()
    })
}
