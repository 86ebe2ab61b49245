//! Relayed UDP: one connected socket towards the container for each address that sends.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, sendto, socket_with,
};

use super::super::poll::{Poll, Token, Watched};

/// How long an address that neither sends nor receives is remembered; Docker's proxy has the same.
const IDLE: Duration = Duration::from_secs(90);

pub(super) struct Peer {
    entrance: u32,
    source: SocketAddr,
    inner: Watched,
    used: Instant,
}

impl Peer {
    pub(super) fn open(
        (entrance, number): (u32, u32),
        source: SocketAddr,
        target: &SocketAddr,
        poll: &Rc<Poll>,
    ) -> io::Result<Self> {
        let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::DGRAM, flags, None)?;
        connect(&socket, target)?;
        let mut inner = Watched::new(socket, poll, Token::Flow(number, true));
        inner.watch(Some(EventFlags::IN));
        Ok(Self { entrance, source, inner, used: Instant::now() })
    }

    pub(super) fn entrance(&self) -> u32 {
        self.entrance
    }

    pub(super) fn is_from(&self, entrance: u32, source: SocketAddr) -> bool {
        self.entrance == entrance && self.source == source
    }

    pub(super) fn deadline(&self) -> Instant {
        self.used + IDLE
    }

    /// A datagram for the container. One that cannot be sent is lost, as datagrams may be.
    pub(super) fn pass_in(&mut self, datagram: &[u8]) {
        self.used = Instant::now();
        let _ = send(&self.inner, datagram, SendFlags::DONTWAIT | SendFlags::NOSIGNAL);
    }

    /// Datagrams of the container for the address.
    pub(super) fn pass_out(&mut self, entrance: impl AsFd, turns: usize, buffer: &mut [u8]) {
        self.used = Instant::now();
        for _ in 0..turns {
            match recv(&self.inner, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((count, _)) => {
                    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
                    let _ = sendto(entrance.as_fd(), &buffer[..count], flags, &self.source);
                }
                // Nobody listens in the container (an ICMP error that arrived for an earlier datagram).
                Err(Errno::CONNREFUSED | Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }
}
