//! The sockets that the shim holds for published ports, and the forwarding that some of them need.
//!
//! Most published ports are forwarded by the kernel; the sockets here only keep the ports taken. What the kernel
//! cannot forward ([::1], for which there is no route into a container) comes in here and is passed on.

mod datagrams;
mod stream;

use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Instant;

use rustix::event::epoll::EventFlags;
use rustix::net::{
    RecvFlags, SocketFlags, SocketType, accept_with, getpeername, getsockname, recvfrom, sockopt,
};
use sampan_error::{Error, Result};
use sampan_shim::protocol::{ChangeSockets, Relay, RelayProtocol};

use super::poll::{Poll, Token, Watched};
use datagrams::Peer;
use stream::Flow;

/// Whether the other end of a connection is near, or is this host by one of its own addresses.
fn is_near_peer(connection: &OwnedFd) -> bool {
    let Some(peer) = getpeername(connection).ok().flatten() else { return false };
    let Ok(peer) = SocketAddr::try_from(peer) else { return false };
    let own = getsockname(connection).ok().and_then(|own| SocketAddr::try_from(own).ok());
    is_near(peer) || own.is_some_and(|own| own.ip() == peer.ip())
}

/// Whether an address is of this host, a private network or the same link (RFC 1918, 3927, 4193, 4291).
fn is_near(address: SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

/// The most flows at a time, over all relays. More wait in the listener's queue.
const MOST_FLOWS: usize = 1024;

/// The most datagrams that are passed on before others get their turn.
const TURNS: usize = 32;

/// A socket on which flows begin.
struct Entrance {
    number: u32,
    socket: Watched,
    relay: Relay,
}

pub(crate) struct Relays {
    poll: Rc<Poll>,
    reservations: Vec<OwnedFd>,
    entrances: Vec<Entrance>,
    flows: Vec<(u32, Flow)>,
    peers: Vec<(u32, Peer)>,
    last: u32,
}

impl Relays {
    pub(crate) fn new(poll: &Rc<Poll>) -> Self {
        let (reservations, entrances, flows, peers) = Default::default();
        Self { poll: Rc::clone(poll), reservations, entrances, flows, peers, last: 0 }
    }

    /// Replaces all held sockets. Flows that exist go on.
    pub(crate) fn replace(
        &mut self,
        relays: &[Relay],
        reservations: Vec<OwnedFd>,
        listeners: Vec<OwnedFd>,
    ) -> Result<()> {
        if relays.len() != listeners.len() {
            return Err(Error::invalid(format!(
                "{} relays came with {} sockets",
                relays.len(),
                listeners.len()
            )));
        }
        self.reservations = reservations;
        self.entrances.retain(|entrance| !entrance.relay.name.is_empty());
        self.enter(relays, listeners);
        Ok(())
    }

    fn enter(&mut self, relays: &[Relay], listeners: Vec<OwnedFd>) {
        for (relay, socket) in relays.iter().zip(listeners) {
            self.last += 1;
            let number = self.last;
            // Blocking would stop everything; the flag is harmless to whoever else holds the socket.
            let _ = rustix::io::ioctl_fionbio(&socket, true);
            let socket = Watched::new(socket, &self.poll, Token::Relay(number));
            self.entrances.push(Entrance { number, socket, relay: relay.clone() });
        }
        self.watch_entrances();
    }

    /// Adds sockets and closes others. Flows that exist go on.
    pub(crate) fn change(
        &mut self,
        change: &ChangeSockets,
        reservations: Vec<OwnedFd>,
        listeners: Vec<OwnedFd>,
    ) -> Result<()> {
        if change.relays.len() != listeners.len() {
            return Err(Error::invalid("the relays do not go with their sockets"));
        }
        let is_closed = |socket: BorrowedFd<'_>| {
            let address = getsockname(socket).ok().and_then(|own| SocketAddr::try_from(own).ok());
            let protocol = match sockopt::socket_type(socket) {
                Ok(SocketType::DGRAM) => RelayProtocol::Udp,
                _ => RelayProtocol::Tcp,
            };
            address.is_some_and(|address| change.closed.contains(&(protocol, address)))
        };
        self.reservations.retain(|socket| !is_closed(socket.as_fd()));
        self.entrances
            .retain(|entrance| !entrance.relay.name.is_empty() || !is_closed(entrance.socket.as_fd()));
        for aim in &change.aims {
            for entrance in self.entrances.iter_mut().filter(|entrance| entrance.relay.name == aim.name) {
                (entrance.relay.target, entrance.relay.held) = (aim.target, aim.held);
            }
        }
        self.reservations.extend(reservations);
        self.enter(&change.relays, listeners);
        Ok(())
    }

    /// Lets everything go: the container has ended.
    pub(crate) fn clear(&mut self) {
        self.reservations = Vec::new();
        self.entrances = Vec::new();
        self.flows = Vec::new();
        self.peers = Vec::new();
    }

    /// How many sockets are held for published ports.
    pub(crate) fn sockets(&self) -> u32 {
        u32::try_from(self.reservations.len() + self.entrances.len()).unwrap_or(u32::MAX)
    }

    /// When the next idle datagram flow ends.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.peers.iter().map(|(_, peer)| peer.deadline()).min()
    }

    /// Ends idle datagram flows.
    pub(crate) fn pass_time(&mut self) {
        let now = Instant::now();
        self.peers.retain(|(_, peer)| peer.deadline() > now);
        self.watch_entrances();
    }

    /// Somebody wants something from a published port.
    pub(crate) fn socket_ready(&mut self, number: u32, buffer: &mut [u8]) {
        let Some(index) = self.entrances.iter().position(|entrance| entrance.number == number) else {
            return;
        };
        match self.entrances[index].relay.protocol {
            RelayProtocol::Tcp => self.accept(index),
            RelayProtocol::Udp => self.receive(index, buffer),
        }
        self.watch_entrances();
    }

    fn accept(&mut self, index: usize) {
        while self.flows.len() < MOST_FLOWS {
            let entrance = &self.entrances[index];
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            let Ok(outer) = accept_with(&entrance.socket, flags) else { return };
            if entrance.relay.only_near && !is_near_peer(&outer) {
                continue;
            }
            self.last += 1;
            // A target that cannot even be tried refuses by closing.
            if let Ok(flow) = Flow::open(outer, &entrance.relay.target, self.last, &self.poll) {
                self.flows.push((self.last, flow));
            }
        }
    }

    fn receive(&mut self, index: usize, buffer: &mut [u8]) {
        for _ in 0..TURNS {
            let entrance = &self.entrances[index];
            let received = recvfrom(&entrance.socket, &mut *buffer, RecvFlags::DONTWAIT);
            let Ok((count, _, Some(source))) = received else { return };
            let Ok(source) = SocketAddr::try_from(source) else { continue };
            if entrance.relay.only_near && !is_near(source) {
                continue;
            }
            if !self.peers.iter().any(|(_, peer)| peer.is_from(entrance.number, source)) {
                if self.peers.len() >= MOST_FLOWS {
                    continue;
                }
                self.last += 1;
                let place = (entrance.number, self.last);
                let Ok(peer) = Peer::open(place, source, &entrance.relay.target, &self.poll) else {
                    continue;
                };
                self.peers.push((self.last, peer));
            }
            let known = self.peers.iter_mut().find(|(_, peer)| peer.is_from(entrance.number, source));
            if let Some((_, peer)) = known {
                peer.pass_in(&buffer[..count]);
            }
        }
    }

    /// One side of a flow can go on.
    pub(crate) fn flow_ready(&mut self, number: u32, inner: bool, flags: EventFlags, buffer: &mut [u8]) {
        if let Some(index) = self.flows.iter().position(|(of, _)| *of == number) {
            if !self.flows[index].1.advance(inner, flags, buffer) {
                self.flows.swap_remove(index);
                self.watch_entrances();
            }
            return;
        }
        if let Some((_, peer)) = self.peers.iter_mut().find(|(of, _)| *of == number)
            && let Some(entrance) = self.entrances.iter().find(|entrance| entrance.number == peer.entrance())
        {
            peer.pass_out(&entrance.socket, TURNS, buffer);
        }
    }

    /// New flows wait while there are too many, and where they are held.
    fn watch_entrances(&mut self) {
        let full = self.flows.len() >= MOST_FLOWS;
        for entrance in &mut self.entrances {
            let closed = full && entrance.relay.protocol == RelayProtocol::Tcp;
            let open = !closed && !entrance.relay.held;
            entrance.socket.watch(open.then_some(EventFlags::IN));
        }
    }
}
