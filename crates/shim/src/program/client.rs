//! One attached client: what it gets, what it sends, and when it is gone.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown, recv, sendmsg, shutdown};
use sampan_shim::log::{Framing, LogReader, Progress, Stream};
use sampan_shim::protocol::{Attach, AttachEnd, AttachFraming};

use super::detach::DetachKeys;
use super::poll::{Poll, Token, Watched};

/// How long a client that got everything may take to close its side.
const LINGER: Duration = Duration::from_secs(10);

/// The frame that ends a run stream with the exit status, and the one that says "detached".
const RUN_END: u8 = 17;
const RUN_DETACHED: u8 = 18;

/// What a client sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing for now.
    Nothing,
    /// So many bytes of the buffer.
    Bytes(usize),
    /// It closed its sending side.
    End,
    /// It is gone.
    Gone,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) number: u32,
    pub(crate) id: u64,
    pub(crate) detach: Option<DetachKeys>,
    socket: Watched,
    framing: AttachFraming,
    stdout: bool,
    stderr: bool,
    /// Whether what it sends is still of interest.
    input_open: bool,
    pending: Vec<u8>,
    sent: usize,
    replay: Option<LogReader>,
    /// What came while the replay was not over: only what is left when the program has ended.
    later: Vec<u8>,
    /// Nothing more will be written to it; the reason is told when all is flushed.
    closing: Option<AttachEnd>,
    /// All is flushed and our side is shut: wait until it closes, so that nothing in flight is reset.
    lingering: Option<Instant>,
    gone: bool,
}

impl Client {
    pub(crate) fn new(
        socket: OwnedFd,
        attach: &Attach,
        replay: Option<LogReader>,
        poll: &Rc<Poll>,
        (session, number): (u32, u32),
    ) -> Self {
        Self {
            number,
            id: attach.id,
            detach: DetachKeys::new(attach.detach_keys.0.clone()),
            socket: Watched::new(socket, poll, Token::Client(session, number)),
            framing: attach.framing,
            stdout: attach.stdout,
            stderr: attach.stderr,
            input_open: attach.stdin,
            pending: attach.prologue.0.clone(),
            sent: 0,
            replay,
            later: Vec::new(),
            closing: None,
            lingering: None,
            gone: false,
        }
    }

    /// It takes no output any more. What it sent before may still have to be read; else it is gone.
    pub(crate) fn output_failed(&mut self) {
        self.stdout = false;
        self.stderr = false;
        self.pending = Vec::new();
        self.sent = 0;
        self.replay = None;
        self.later = Vec::new();
        self.gone |= !self.takes_input();
    }

    /// Its connection is broken.
    pub(crate) fn mark_gone(&mut self) {
        self.gone = true;
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone
    }

    /// How earlier output has to be framed for this client.
    pub(crate) fn replay_framing(framing: AttachFraming) -> Framing {
        match framing {
            AttachFraming::Raw => Framing::Raw,
            AttachFraming::Multiplexed | AttachFraming::Run => Framing::Multiplexed,
        }
    }

    /// Whether it must take what it has before it may get more.
    pub(crate) fn is_behind(&self) -> bool {
        self.lingering.is_none() && (self.sent < self.pending.len() || self.replay.is_some())
    }

    /// Whether it is attached: not on its way out.
    pub(crate) fn is_attached(&self) -> bool {
        self.closing.is_none() && self.lingering.is_none()
    }

    /// Whether it is told the exit status at the end.
    pub(crate) fn is_run_stream(&self) -> bool {
        self.framing == AttachFraming::Run
    }

    pub(crate) fn is_lingering(&self) -> bool {
        self.lingering.is_some()
    }

    /// When waiting for it to close its side is over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.lingering
    }

    pub(crate) fn takes_input(&self) -> bool {
        self.input_open && self.is_attached()
    }

    /// Gives it output of the program. What it does not take at once is kept.
    pub(crate) fn deliver(&mut self, stream: Stream, data: &[u8]) -> io::Result<()> {
        let wanted = match stream {
            Stream::Stdout => self.stdout,
            Stream::Stderr => self.stderr,
        };
        if !wanted || !self.is_attached() {
            return Ok(());
        }
        match self.framing {
            AttachFraming::Raw => self.write(&[], data),
            AttachFraming::Multiplexed | AttachFraming::Run => {
                self.write(&header(stream.number(), data.len()), data)
            }
        }
    }

    fn write(&mut self, header: &[u8], data: &[u8]) -> io::Result<()> {
        if self.replay.is_some() {
            self.later.extend_from_slice(header);
            self.later.extend_from_slice(data);
            return Ok(());
        }
        let mut taken = 0;
        if !self.is_behind() {
            taken = match send(&self.socket, header, data) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => return Err(error),
            };
        }
        if taken < header.len() {
            self.pending.extend_from_slice(&header[taken..]);
            taken = header.len();
        }
        self.pending.extend_from_slice(&data[taken - header.len()..]);
        Ok(())
    }

    /// Nothing more comes for this client: its last words, then the end.
    pub(crate) fn close(&mut self, end: AttachEnd, run_end: Option<&str>) {
        if !self.is_attached() {
            return;
        }
        if self.framing == AttachFraming::Run {
            let (kind, text) = match (end, run_end) {
                (AttachEnd::Detached, _) => (RUN_DETACHED, ""),
                (_, text) => (RUN_END, text.unwrap_or("{}")),
            };
            let last = if self.replay.is_some() { &mut self.later } else { &mut self.pending };
            last.extend_from_slice(&header(kind, text.len()));
            last.extend_from_slice(text.as_bytes());
        }
        self.closing = Some(end);
    }

    /// Sends what waits. When the client was closed and all is sent, says why it ended (once).
    pub(crate) fn flush(&mut self) -> io::Result<Option<AttachEnd>> {
        if self.lingering.is_some() {
            return Ok(None);
        }
        loop {
            while self.sent < self.pending.len() {
                match send(&self.socket, &[], &self.pending[self.sent..]) {
                    Ok(count) => self.sent += count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                    Err(error) => return Err(error),
                }
            }
            self.pending = Vec::new();
            self.sent = 0;
            if !self.replay_more()? {
                break;
            }
        }
        if self.closing.is_some() {
            self.lingering = Some(Instant::now() + LINGER);
            let _ = shutdown(&self.socket, Shutdown::Write);
        }
        Ok(self.closing)
    }

    /// Takes the next piece of the log into what is pending; false when there is none.
    fn replay_more(&mut self) -> io::Result<bool> {
        let Some(reader) = &mut self.replay else { return Ok(false) };
        if reader.read(&mut self.pending, 32 * 1024)? != Progress::More {
            self.replay = None;
            self.pending.append(&mut self.later);
        }
        Ok(true)
    }

    /// Reads what it sent.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], flags: EventFlags) -> Input {
        let reading = self.takes_input() || self.lingering.is_some();
        let ended = flags.intersects(EventFlags::HUP | EventFlags::ERR);
        if !reading
            || !flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR)
        {
            return if ended { Input::Gone } else { Input::Nothing };
        }
        match rustix::io::retry_on_intr(|| recv(&self.socket, &mut *buffer, RecvFlags::DONTWAIT)) {
            Ok((0, _)) if ended || self.lingering.is_some() => Input::Gone,
            Ok((0, _)) => {
                self.input_open = false;
                Input::End
            }
            Ok(_) if self.lingering.is_some() => Input::Nothing,
            Ok((count, _)) => Input::Bytes(count),
            Err(rustix::io::Errno::AGAIN) if !ended => Input::Nothing,
            Err(_) => Input::Gone,
        }
    }

    /// Says what to wait for. `room` is whether the program's input can take something.
    pub(crate) fn refresh(&mut self, room: bool) {
        let behind = self.is_behind() || (self.closing.is_some() && self.lingering.is_none());
        let mut flags = if behind { EventFlags::OUT } else { EventFlags::empty() };
        if self.lingering.is_some() || (self.takes_input() && room) {
            flags |= EventFlags::IN | EventFlags::RDHUP;
        }
        // A hang-up cannot be masked, and what was sent before it must wait for room first.
        let blocked = self.takes_input() && !room && !behind;
        self.socket.watch((!blocked).then_some(flags));
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Closing with unread bytes would reset the connection, and the client could lose our last words.
        let mut rest = [0; 1024];
        for _ in 0..64 {
            if !matches!(recv(&self.socket, &mut rest, RecvFlags::DONTWAIT), Ok((count, _)) if count > 0) {
                break;
            }
        }
    }
}

fn header(kind: u8, length: usize) -> [u8; 8] {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [kind, 0, 0, 0, length[0], length[1], length[2], length[3]]
}

fn send(socket: impl AsFd, header: &[u8], data: &[u8]) -> io::Result<usize> {
    let parts = [IoSlice::new(header), IoSlice::new(data)];
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    let mut control = SendAncillaryBuffer::default();
    Ok(rustix::io::retry_on_intr(|| sendmsg(socket.as_fd(), &parts, &mut control, flags))?)
}
