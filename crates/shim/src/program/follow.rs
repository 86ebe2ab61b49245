//! A follower: a process of its own that sends a log to one client, as long as the container lives.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify;
use rustix::net::{RecvFlags, SendFlags, Shutdown, recv, send, shutdown};
use sampan_shim::log::{LogReader, Progress};
use sampan_shim::protocol::FollowOptions;
use sampan_shim::timestamp::Timestamp;

/// Bytes of formatted log that are gathered before they are sent.
const PIECE: usize = 32 * 1024;

/// The descriptors at which a follower finds its client and its container's shim.
const CLIENT: i32 = 3;
const SHIM: i32 = 4;

struct Follower {
    client: OwnedFd,
    /// The shim's process, while it lives.
    shim: Option<OwnedFd>,
    changes: OwnedFd,
    reader: LogReader,
    options: FollowOptions,
    /// What the client has not taken yet.
    out: Vec<u8>,
    sent: usize,
}

/// Sends the log described by `options` (JSON) to the inherited client.
///
/// # Errors
/// The options cannot be understood, or the log cannot be read.
pub(crate) fn follow(options: &str) -> io::Result<()> {
    sampan_sys::heap::return_large_blocks(32 * 1024);
    let options: FollowOptions = serde_json::from_str(options)?;
    let client = sampan_sys::descriptor::take_inherited(CLIENT)?;
    let shim = sampan_sys::descriptor::take_inherited(SHIM).ok();
    let changes = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    // The directory and not the file: rotation puts another file in its place.
    let directory = options.path.parent().unwrap_or(std::path::Path::new("/"));
    let flags = inotify::WatchFlags::MODIFY | inotify::WatchFlags::CREATE | inotify::WatchFlags::MOVED_TO;
    // Without a directory there is no log and nothing to wait for; the client gets its answer all the same.
    let _ = inotify::add_watch(&changes, directory, flags);
    let reader = LogReader::open(&options.path, options.selection.clone())?;
    let out = options.prologue.0.clone();
    let mut follower = Follower { client, shim, changes, reader, options, out, sent: 0 };
    let result = follower.run();
    let _ = shutdown(&follower.client, Shutdown::Write);
    follower.drain_client();
    result
}

impl Follower {
    fn run(&mut self) -> io::Result<()> {
        loop {
            // The order matters: what is written before the shim's end is seen after its end was.
            let last = self.shim.is_none() || self.wait(&[], Some(0))?.shim;
            let finished = self.send_what_is_there()?;
            match finished {
                None => return Ok(()),
                Some(finished) if finished || last => {
                    if self.options.chunked {
                        self.out.extend_from_slice(b"0\r\n\r\n");
                    }
                    self.send_out()?;
                    return Ok(());
                }
                Some(_) => {}
            }
            let ready = self.wait(&[Wanted::Changes], self.milliseconds_until_the_end())?;
            if ready.gone || ready.nothing {
                return Ok(());
            }
            self.forget_changes();
        }
    }

    /// Sends all that the log holds now. `None` when the client is gone; true when nothing more is wanted.
    fn send_what_is_there(&mut self) -> io::Result<Option<bool>> {
        loop {
            let progress = self.fill()?;
            if !self.send_out()? {
                return Ok(None);
            }
            match progress {
                Progress::More => {}
                Progress::AtEnd => {
                    self.out = Vec::new();
                    return Ok(Some(false));
                }
                Progress::Finished => return Ok(Some(true)),
            }
        }
    }

    /// Takes the next piece of the log.
    fn fill(&mut self) -> io::Result<Progress> {
        if !self.options.chunked {
            return self.reader.read(&mut self.out, PIECE);
        }
        let mut piece = Vec::new();
        let progress = self.reader.read(&mut piece, PIECE)?;
        if !piece.is_empty() {
            self.out.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
            self.out.append(&mut piece);
            self.out.extend_from_slice(b"\r\n");
        }
        Ok(progress)
    }

    /// Sends what is gathered, as slowly as the client takes it. False when the client is gone.
    fn send_out(&mut self) -> io::Result<bool> {
        while self.sent < self.out.len() {
            match send(&self.client, &self.out[self.sent..], SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(count) => self.sent += count,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    if self.wait(&[Wanted::Room], None)?.gone {
                        return Ok(false);
                    }
                }
                Err(_) => return Ok(false),
            }
        }
        self.out.clear();
        self.sent = 0;
        Ok(true)
    }

    /// With an `until` in the future, following ends then.
    fn milliseconds_until_the_end(&self) -> Option<i64> {
        let until = self.options.selection.until?;
        Some((until.0.saturating_sub(Timestamp::now().0) / 1_000_000).saturating_add(1).max(0))
    }

    fn wait(&self, wanted: &[Wanted], milliseconds: Option<i64>) -> io::Result<Ready> {
        let client = if wanted.contains(&Wanted::Room) { PollFlags::OUT } else { PollFlags::empty() };
        // A client of a log says nothing: anything to read is the end of its side.
        let mut entries = vec![PollFd::new(&self.client, client | PollFlags::RDHUP)];
        if wanted.contains(&Wanted::Changes) {
            entries.push(PollFd::new(&self.changes, PollFlags::IN));
        }
        let watched = entries.len();
        if let Some(shim) = self.shim.as_ref().filter(|_| !wanted.contains(&Wanted::Room)) {
            entries.push(PollFd::new(shim, PollFlags::IN));
        }
        let limit = milliseconds.map(|milliseconds| Timespec {
            tv_sec: milliseconds / 1000,
            tv_nsec: milliseconds % 1000 * 1_000_000,
        });
        let count = match poll(&mut entries, limit.as_ref()) {
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => 1,
            Err(error) => return Err(error.into()),
        };
        let ended = PollFlags::HUP | PollFlags::ERR | PollFlags::RDHUP | PollFlags::NVAL;
        Ok(Ready {
            nothing: count == 0,
            gone: entries[0].revents().intersects(ended),
            shim: entries.get(watched).is_some_and(|shim| !shim.revents().is_empty()),
        })
    }

    /// Empties the queue of changes; what they were is found out by reading the log.
    fn forget_changes(&self) {
        let mut buffer = [0; 1024];
        while matches!(rustix::io::read(&self.changes, &mut buffer), Ok(count) if count == buffer.len()) {}
    }

    /// Closing with unread bytes would reset the connection and lose what is in flight.
    fn drain_client(&self) {
        let mut buffer = [0; 256];
        while matches!(recv(self.client(), &mut buffer, RecvFlags::DONTWAIT), Ok((count, _)) if count > 0) {}
    }

    fn client(&self) -> BorrowedFd<'_> {
        self.client.as_fd()
    }
}

/// What a wait is for, besides the client's end and the shim's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The log changes.
    Changes,
    /// The client takes more.
    Room,
}

struct Ready {
    /// The time was over.
    nothing: bool,
    /// The client is gone.
    gone: bool,
    /// The shim is gone.
    shim: bool,
}
