//! Daemons that are connected: taking them in, hearing them, answering them.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::epoll::EventFlags;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, listen, socket_with, sockopt,
};
use sampan_shim::protocol::{Greeting, Incoming, Message, Outgoing, SOCKET_NAME, VERSION};

use super::poll::{Token, Watched};
use super::{Shim, watch_reading};

/// One daemon.
pub(crate) struct Connection {
    pub(crate) number: u32,
    socket: Watched,
    incoming: Incoming,
    outgoing: Outgoing,
    broken: bool,
}

impl Connection {
    pub(crate) fn push(&mut self, message: Message) {
        self.push_with(message, Vec::new());
    }

    pub(crate) fn push_with(&mut self, message: Message, descriptors: Vec<OwnedFd>) {
        self.outgoing.push(message, descriptors);
    }
}

impl Shim {
    /// Listens in the shim's directory for later daemons. The path is given relative to a descriptor, because
    /// a socket's path is limited to 108 bytes (unix(7)).
    pub(crate) fn listen(&mut self, directory: &std::path::Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        match std::fs::DirBuilder::new().recursive(true).mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        let handle = std::fs::File::open(directory)?;
        let path = directory.join(SOCKET_NAME);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
        let near = sampan_sys::descriptor::proc_path(&handle).join(SOCKET_NAME);
        bind(&socket, &SocketAddrUnix::new(near)?)?;
        listen(&socket, 16)?;
        self.listener = Some(watch_reading(socket, &self.poll, Token::Listener));
        self.directory = Some(directory.to_owned());
        Ok(())
    }

    /// Takes in every daemon that waits.
    pub(crate) fn accept_waiting(&mut self) {
        while let Some(listener) = &self.listener {
            match accept_with(listener, SocketFlags::CLOEXEC) {
                Ok(socket) if is_trusted(&socket) => self.accept(socket),
                Ok(_) | Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
                Err(_) => return,
            }
        }
    }

    /// Takes in a daemon.
    pub(crate) fn accept(&mut self, socket: OwnedFd) {
        let number = self.number();
        let socket = watch_reading(socket, &self.poll, Token::Connection(number));
        let mut connection = Connection {
            number,
            socket,
            incoming: Incoming::default(),
            outgoing: Outgoing::default(),
            broken: false,
        };
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let greeting = Greeting { version: VERSION, program: env!("CARGO_PKG_VERSION").to_owned(), pid };
        if let Ok(message) = Message::new("greeting", 0, &[], &greeting) {
            connection.push(message);
        }
        self.connections.push(connection);
    }

    /// A daemon has sent something, takes something again, or is gone.
    pub(crate) fn connection_ready(&mut self, number: u32, flags: EventFlags) {
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            let Some(connection) = self.connections.iter_mut().find(|connection| connection.number == number)
            else {
                return;
            };
            let mut packets = Vec::new();
            match connection.incoming.receive(connection.socket.as_fd()) {
                Ok(true) => loop {
                    match connection.incoming.take() {
                        Ok(Some(packet)) => packets.push(packet),
                        Ok(None) => break,
                        Err(_) => {
                            connection.broken = true;
                            break;
                        }
                    }
                },
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Ok(false) | Err(_) => connection.broken = true,
            }
            for packet in packets {
                self.answer(number, packet);
            }
        }
        self.flush_connections();
    }

    /// Sends what waits to be sent, and forgets who is gone.
    pub(crate) fn flush_connections(&mut self) {
        self.connections.retain_mut(|connection| {
            if connection.broken {
                return false;
            }
            match connection.outgoing.send(connection.socket.as_fd()) {
                Ok(true) => connection.socket.watch(Some(EventFlags::IN)),
                Ok(false) => connection.socket.watch(Some(EventFlags::IN | EventFlags::OUT)),
                Err(_) => return false,
            }
            true
        });
    }

    /// Whether every daemon has got everything.
    pub(crate) fn all_told(&self) -> bool {
        self.events.is_empty() && self.connections.iter().all(|connection| connection.outgoing.is_empty())
    }
}

/// Only root, and the user that the shim itself runs as, may speak to it. The directory's mode says the same.
fn is_trusted(socket: &OwnedFd) -> bool {
    sockopt::socket_peercred(socket)
        .is_ok_and(|peer| peer.uid.is_root() || peer.uid == rustix::process::geteuid())
}
