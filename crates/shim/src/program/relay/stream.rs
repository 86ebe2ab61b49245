//! One relayed TCP connection.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::rc::Rc;

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, Shutdown, SocketFlags, SocketType, connect, recv, send, shutdown,
    socket_with, sockopt,
};

use super::super::poll::{Poll, Token, Watched};

/// Two connected sockets. What one side does not take at once is kept, and as long as something is kept no more
/// is read for it: at most one read's worth of memory for each direction, and none while all flows.
pub(super) struct Flow {
    /// The client's side and the container's.
    sides: [Side; 2],
    connecting: bool,
}

struct Side {
    socket: Watched,
    /// Bytes for this side, and how many are gone already.
    pending: Vec<u8>,
    sent: usize,
    /// This side has said its last byte.
    finished: bool,
    /// That was passed on: nothing more goes to this side.
    shut: bool,
}

impl Flow {
    /// Begins to connect to the target.
    pub(super) fn open(
        outer: OwnedFd,
        target: &SocketAddr,
        number: u32,
        poll: &Rc<Poll>,
    ) -> io::Result<Self> {
        let family = if target.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let inner = socket_with(family, SocketType::STREAM, flags, None)?;
        match connect(&inner, target) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(error.into()),
        }
        // Small packets of a conversation are not held back on the second hop.
        let _ = sockopt::set_tcp_nodelay(&outer, true);
        let _ = sockopt::set_tcp_nodelay(&inner, true);
        let side = |fd, inner| Side {
            socket: Watched::new(fd, poll, Token::Flow(number, inner)),
            pending: Vec::new(),
            sent: 0,
            finished: false,
            shut: false,
        };
        let mut flow = Self { sides: [side(outer, false), side(inner, true)], connecting: true };
        flow.refresh();
        Ok(flow)
    }

    /// Does what can be done after an event on one side. False when the connection is over.
    pub(super) fn advance(&mut self, inner: bool, flags: EventFlags, buffer: &mut [u8]) -> bool {
        if self.connecting && inner {
            if !matches!(sockopt::socket_error(&self.sides[1].socket), Ok(Ok(()))) {
                return false;
            }
            self.connecting = !flags.intersects(EventFlags::OUT | EventFlags::IN);
        }
        if flags.contains(EventFlags::ERR) && !self.connecting {
            return false;
        }
        for (from, to) in [(0, 1), (1, 0)] {
            if !self.connecting && self.carry(from, to, buffer).is_err() {
                return false;
            }
        }
        self.refresh();
        !self.sides.iter().all(|side| side.shut)
    }

    /// Moves bytes from one side to the other until one of them does not go on.
    fn carry(&mut self, from: usize, to: usize, buffer: &mut [u8]) -> io::Result<()> {
        loop {
            let side = &mut self.sides[to];
            while side.sent < side.pending.len() {
                match send(
                    &side.socket,
                    &side.pending[side.sent..],
                    SendFlags::NOSIGNAL | SendFlags::DONTWAIT,
                ) {
                    Ok(count) => side.sent += count,
                    Err(Errno::INTR) => {}
                    Err(Errno::AGAIN) => return Ok(()),
                    Err(error) => return Err(error.into()),
                }
            }
            side.pending = Vec::new();
            side.sent = 0;
            if self.sides[from].finished {
                if !self.sides[to].shut {
                    self.sides[to].shut = true;
                    shutdown(&self.sides[to].socket, Shutdown::Write)?;
                }
                return Ok(());
            }
            match recv(&self.sides[from].socket, &mut *buffer, RecvFlags::DONTWAIT) {
                Ok((0, _)) => self.sides[from].finished = true,
                Ok((count, _)) => self.sides[to].pending.extend_from_slice(&buffer[..count]),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn refresh(&mut self) {
        for (this, other) in [(0, 1), (1, 0)] {
            let mut flags = EventFlags::empty();
            let room = self.sides[other].pending.is_empty() && !self.connecting;
            if room && !self.sides[this].finished {
                flags |= EventFlags::IN;
            }
            if !self.sides[this].pending.is_empty() || (self.connecting && this == 1) {
                flags |= EventFlags::OUT;
            }
            // A hang-up cannot be masked: a side that waits for the other is not watched at all.
            self.sides[this].socket.watch((!flags.is_empty()).then_some(flags));
        }
    }
}
