//! The one place where the shim waits: an epoll instance, and descriptors that know their place in it.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::Timespec;
use sampan_shim::log::Stream;

/// What an event is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    /// The shim's own socket: a daemon connects.
    Listener,
    /// A daemon's connection, by number.
    Connection(u32),
    /// The process of a session has ended.
    Process(u32),
    /// Output (or the terminal) of a session.
    Output(u32, Stream),
    /// The pipe to a session's standard input.
    Input(u32),
    /// A client of a session, by session and client number.
    Client(u32, u32),
    /// A relay's own socket, by number.
    Relay(u32),
    /// One side of a relayed flow, by number: false is the outer side.
    Flow(u32, bool),
}

impl Token {
    fn pack(self) -> u64 {
        let (tag, first, second) = match self {
            Self::Listener => (0, 0, 0),
            Self::Connection(number) => (1, number, 0),
            Self::Process(session) => (2, session, 0),
            Self::Output(session, stream) => (3, session, u32::from(stream.number())),
            Self::Input(session) => (4, session, 0),
            Self::Client(session, client) => (5, session, client),
            Self::Relay(number) => (6, number, 0),
            Self::Flow(number, inner) => (7, number, u32::from(inner)),
        };
        u64::from(tag as u8) << 56 | u64::from(first & 0x0fff_ffff) << 28 | u64::from(second & 0x0fff_ffff)
    }

    fn unpack(packed: u64) -> Option<Self> {
        let first = u32::try_from(packed >> 28 & 0x0fff_ffff).ok()?;
        let second = u32::try_from(packed & 0x0fff_ffff).ok()?;
        Some(match packed >> 56 {
            0 => Self::Listener,
            1 => Self::Connection(first),
            2 => Self::Process(first),
            3 if second == 1 => Self::Output(first, Stream::Stdout),
            3 => Self::Output(first, Stream::Stderr),
            4 => Self::Input(first),
            5 => Self::Client(first, second),
            6 => Self::Relay(first),
            7 => Self::Flow(first, second == 1),
            _ => return None,
        })
    }
}

/// The epoll instance.
#[derive(Debug)]
pub(crate) struct Poll {
    epoll: OwnedFd,
}

impl Poll {
    pub(crate) fn new() -> io::Result<Rc<Self>> {
        Ok(Rc::new(Self { epoll: epoll::create(CreateFlags::CLOEXEC)? }))
    }

    /// Waits for events, for at most so many milliseconds if given, and appends them to `ready`.
    pub(crate) fn wait(&self, limit: Option<u64>, ready: &mut Vec<(Token, EventFlags)>) -> io::Result<()> {
        let limit = limit.map(|milliseconds| Timespec {
            tv_sec: i64::try_from(milliseconds / 1000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(milliseconds % 1000 * 1_000_000).unwrap_or(0),
        });
        let mut events = [const { std::mem::MaybeUninit::uninit() }; 16];
        match epoll::wait(&self.epoll, &mut events, limit.as_ref()) {
            Ok((events, _)) => {
                ready.extend(
                    events.iter().filter_map(|event| Some((Token::unpack(event.data.u64())?, event.flags))),
                );
                Ok(())
            }
            Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// A descriptor that may be watched. It leaves the epoll instance before it is closed: somebody else may hold
/// the same open file, and then closing alone would leave the watch behind (epoll(7)).
#[derive(Debug)]
pub(crate) struct Watched {
    fd: OwnedFd,
    poll: Rc<Poll>,
    token: Token,
    flags: Option<EventFlags>,
}

impl Watched {
    pub(crate) fn new(fd: OwnedFd, poll: &Rc<Poll>, token: Token) -> Self {
        Self { fd, poll: Rc::clone(poll), token, flags: None }
    }

    /// Says what to wait for; hang-ups and errors always come along. `None` waits for nothing at all.
    ///
    /// A file that cannot be watched (a plain file: `EPERM`) is simply not watched.
    pub(crate) fn watch(&mut self, flags: Option<EventFlags>) {
        if flags == self.flags {
            return;
        }
        let data = EventData::new_u64(self.token.pack());
        let result = match (self.flags, flags) {
            (None, Some(flags)) => epoll::add(&self.poll.epoll, &self.fd, data, flags),
            (Some(_), Some(flags)) => epoll::modify(&self.poll.epoll, &self.fd, data, flags),
            (_, None) => epoll::delete(&self.poll.epoll, &self.fd),
        };
        self.flags = if result.is_ok() { flags } else { None };
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch(None);
    }
}

impl AsFd for Watched {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
