//! The standard streams of one process, the container's or an exec's: from the program to the log and every
//! client, from the clients to the program.
//!
//! A client that does not take its output holds the program up, as with Docker: while one is behind, no more
//! is read. Once the process has ended nothing is held up any more: the rest is kept for whoever is slow.

use std::io;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use sampan_shim::log::{LogReader, LogWriter, Stream};
use sampan_shim::protocol::{Attach, AttachEnd, AttachEnded, Event};

use super::client::{Client, Input as Received};
use super::poll::{Poll, Token, Watched};

/// How long output is still awaited after the process has ended while a descendant holds its end of the pipe.
/// Docker's own limit for execs (moby `daemon/monitor.go`).
const GRACE: Duration = Duration::from_secs(2);

/// Reads in a row from one output before others get their turn.
const TURNS: usize = 8;

/// Where clients' bytes go.
#[derive(Debug)]
enum Input {
    /// It is kept: there are no streams yet.
    Awaited,
    /// Nowhere: /dev/null, or closed.
    None,
    /// A pipe.
    Pipe(Watched),
    /// The terminal, which is also the first output.
    Terminal,
}

/// What becomes of standard input when a client that is attached to it ends its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AtEnd {
    /// It is closed; the client still gets output (`run -i`, exec).
    CloseInput,
    /// It stays open; the client's attach ends (moby `daemon/internal/stream/attach.go`).
    EndAttach,
}

/// The near ends of a process's standard streams.
#[derive(Debug)]
pub(crate) enum Streams {
    /// A terminal's master.
    Terminal(OwnedFd),
    /// Pipes; what is missing is /dev/null.
    Pipes {
        /// Where to write its input.
        input: Option<OwnedFd>,
        /// Where to read its output.
        output: Option<OwnedFd>,
        /// Where to read its errors.
        error: Option<OwnedFd>,
    },
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) number: u32,
    /// The exec's id; `None` for the container itself.
    pub(crate) exec: Option<String>,
    pub(crate) log: Option<LogWriter>,
    poll: Rc<Poll>,
    at_end: AtEnd,
    input: Input,
    input_pending: Vec<u8>,
    input_sent: usize,
    close_input: bool,
    outputs: [Option<Watched>; 2],
    clients: Vec<Client>,
    last_client: u32,
    /// Set when the process has ended: until when its output is awaited.
    grace: Option<Instant>,
    finished: bool,
}

impl Session {
    pub(crate) fn new(number: u32, exec: Option<String>, at_end: AtEnd, poll: &Rc<Poll>) -> Self {
        Self {
            number,
            exec,
            log: None,
            poll: Rc::clone(poll),
            at_end,
            input: Input::Awaited,
            input_pending: Vec::new(),
            input_sent: 0,
            close_input: false,
            outputs: [None, None],
            clients: Vec::new(),
            last_client: 0,
            grace: None,
            finished: false,
        }
    }

    /// Takes the near ends of the streams.
    pub(crate) fn connect(&mut self, streams: Streams) -> io::Result<()> {
        let watched = |fd: OwnedFd, token| -> io::Result<Watched> {
            rustix::io::ioctl_fionbio(&fd, true)?;
            Ok(Watched::new(fd, &self.poll, token))
        };
        let output = |fd: Option<OwnedFd>, stream| {
            fd.map(|fd| watched(fd, Token::Output(self.number, stream))).transpose()
        };
        match streams {
            Streams::Terminal(master) => {
                self.outputs = [output(Some(master), Stream::Stdout)?, None];
                self.input = Input::Terminal;
            }
            Streams::Pipes { input, output: out, error } => {
                let outputs = [output(out, Stream::Stdout)?, output(error, Stream::Stderr)?];
                let input = input.map(|input| watched(input, Token::Input(self.number))).transpose()?;
                self.input = input.map_or(Input::None, Input::Pipe);
                self.outputs = outputs;
            }
        }
        self.write_input();
        self.refresh();
        Ok(())
    }

    /// The terminal's master, if there is one.
    pub(crate) fn terminal(&self) -> Option<&Watched> {
        match self.input {
            Input::Terminal => self.outputs[0].as_ref(),
            _ => None,
        }
    }

    pub(crate) fn attached(&self) -> usize {
        self.clients.iter().filter(|client| client.is_attached()).count()
    }

    /// Whether all is over and every client has got everything. Those that linger do not count.
    pub(crate) fn is_served(&self) -> bool {
        self.finished && self.clients.iter().all(Client::is_lingering)
    }

    /// Whether nothing refers to this session any more.
    pub(crate) fn is_forgotten(&self) -> bool {
        self.finished && self.clients.is_empty()
    }

    /// Attaches a client: its prologue, then earlier output if wanted, then what comes.
    pub(crate) fn attach(
        &mut self,
        socket: OwnedFd,
        attach: &Attach,
        events: &mut Vec<Event>,
    ) -> io::Result<()> {
        let replay = match (&attach.replay, &self.log) {
            (Some(selection), Some(log)) => {
                let mut selection = selection.clone();
                selection.framing = Client::replay_framing(attach.framing);
                selection.stdout &= attach.stdout;
                selection.stderr &= attach.stderr;
                let mut reader = LogReader::open(log.path(), selection)?;
                reader.stop_at_present_end()?;
                Some(reader)
            }
            _ => None,
        };
        self.last_client += 1;
        let place = (self.number, self.last_client);
        let client = Client::new(socket, attach, replay, &self.poll, place);
        self.clients.push(client);
        if attach.stdin && !attach.read_ahead.0.is_empty() {
            self.take_input(self.clients.len() - 1, &attach.read_ahead.0);
        }
        self.settle(events);
        Ok(())
    }

    /// Output is there, or the terminal takes input again.
    pub(crate) fn output_ready(
        &mut self,
        stream: Stream,
        flags: EventFlags,
        buffer: &mut Vec<u8>,
        events: &mut Vec<Event>,
    ) {
        if flags.contains(EventFlags::OUT) {
            self.write_input();
        }
        if flags.intersects(EventFlags::IN | EventFlags::HUP | EventFlags::ERR) {
            self.pump(stream, TURNS, buffer);
        }
        self.settle(events);
    }

    /// Reads an output until it is empty, at most `turns` times.
    fn pump(&mut self, stream: Stream, turns: usize, buffer: &mut Vec<u8>) {
        let index = usize::from(stream.number()) - 1;
        for _ in 0..turns {
            if self.grace.is_none() && self.clients.iter().any(Client::is_behind) {
                return;
            }
            let Some(output) = &self.outputs[index] else { return };
            let count = match rustix::io::read(output, &mut buffer[..]) {
                Ok(count) => count,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return,
                // A terminal whose last other end is closed answers with EIO.
                Err(_) => 0,
            };
            if count == 0 {
                self.outputs[index] = None;
                return;
            }
            if let Some(log) = &mut self.log {
                log.write(stream, &buffer[..count]);
            }
            for client in &mut self.clients {
                if client.deliver(stream, &buffer[..count]).is_err() {
                    client.output_failed();
                }
            }
            if count < buffer.len() {
                // A short read has emptied the pipe; do not ask again only to hear that.
                if self.grace.is_none() {
                    return;
                }
            } else if buffer.len() < super::LARGE_BUFFER {
                buffer.resize(super::LARGE_BUFFER, 0);
            }
        }
    }

    /// Something happened on a client's connection.
    pub(crate) fn client_ready(
        &mut self,
        number: u32,
        flags: EventFlags,
        buffer: &mut Vec<u8>,
        events: &mut Vec<Event>,
    ) {
        let Some(index) = self.clients.iter().position(|client| client.number == number) else { return };
        let room = self.has_room();
        if room || !self.clients[index].takes_input() {
            match self.clients[index].receive(buffer, flags) {
                Received::Nothing => {}
                Received::Bytes(count) => {
                    self.take_input(index, &buffer[..count]);
                    if count == buffer.len() {
                        buffer.resize(super::LARGE_BUFFER, 0);
                    }
                }
                Received::End => self.input_ended(index),
                Received::Gone => {
                    if self.clients[index].takes_input() {
                        self.input_ended(index);
                    }
                    self.clients[index].mark_gone();
                }
            }
        }
        self.settle(events);
    }

    /// The pipe to standard input takes something again.
    pub(crate) fn input_ready(&mut self, events: &mut Vec<Event>) {
        self.write_input();
        self.settle(events);
    }

    fn has_room(&self) -> bool {
        self.input_pending.is_empty()
    }

    /// Bytes of a client are on their way to the program.
    fn take_input(&mut self, index: usize, bytes: &[u8]) {
        let client = &mut self.clients[index];
        let detached = match &mut client.detach {
            // Only a terminal's client can detach by keys.
            Some(keys) if matches!(self.input, Input::Terminal) => {
                keys.filter(bytes, &mut self.input_pending)
            }
            _ => {
                self.input_pending.extend_from_slice(bytes);
                false
            }
        };
        if detached {
            client.close(AttachEnd::Detached, None);
        }
        self.write_input();
    }

    /// A client attached to standard input has ended its side.
    fn input_ended(&mut self, index: usize) {
        match self.at_end {
            AtEnd::CloseInput if !matches!(self.input, Input::Terminal) => self.close_input(),
            _ => self.clients[index].close(AttachEnd::HungUp, None),
        }
    }

    /// Closes standard input once all that clients sent has been taken.
    pub(crate) fn close_input(&mut self) {
        self.close_input = true;
        self.write_input();
    }

    fn write_input(&mut self) {
        if matches!(self.input, Input::Awaited) {
            return;
        }
        while self.input_sent < self.input_pending.len() {
            let bytes = &self.input_pending[self.input_sent..];
            let result = match (&self.input, &self.outputs[0]) {
                (Input::Pipe(pipe), _) => rustix::io::write(pipe, bytes),
                (Input::Terminal, Some(terminal)) => rustix::io::write(terminal, bytes),
                _ => Ok(bytes.len()),
            };
            match result {
                Ok(count) => self.input_sent += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => {
                    // The program reads no more: what clients send is thrown away.
                    if matches!(self.input, Input::Pipe(_)) {
                        self.input = Input::None;
                    }
                    self.input_sent = self.input_pending.len();
                }
            }
        }
        self.input_pending = Vec::new();
        self.input_sent = 0;
        if self.close_input && matches!(self.input, Input::Pipe(_)) {
            self.input = Input::None;
        }
    }

    /// The process has ended: takes the output that is left. From now on nobody is waited for.
    pub(crate) fn process_ended(&mut self, buffer: &mut Vec<u8>, events: &mut Vec<Event>) {
        self.grace = Some(Instant::now() + GRACE);
        self.input = match std::mem::replace(&mut self.input, Input::None) {
            Input::Pipe(_) => Input::None,
            other => other,
        };
        buffer.resize(super::LARGE_BUFFER, 0);
        // A pipe holds at most a megabyte; a descendant that goes on writing is not followed for ever.
        self.pump(Stream::Stdout, 64, buffer);
        self.pump(Stream::Stderr, 64, buffer);
        self.settle(events);
    }

    /// Whether the process has ended and no output can come any more, or was awaited long enough.
    pub(crate) fn is_drained(&self) -> bool {
        let over = |grace| self.outputs.iter().all(Option::is_none) || grace <= Instant::now();
        !self.finished && self.grace.is_some_and(over)
    }

    /// When something has to be looked at without an event.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let grace = self.grace.filter(|_| self.outputs.iter().any(Option::is_some));
        self.clients.iter().filter_map(Client::deadline).chain(grace).min()
    }

    /// Gives the clients a message of our own, as if the program had written it.
    pub(crate) fn say(&mut self, text: &str) {
        for client in &mut self.clients {
            if client.deliver(Stream::Stdout, text.as_bytes()).is_err() {
                client.output_failed();
            }
        }
    }

    /// All output has been read: ends the log and every attach, except run streams.
    pub(crate) fn finish(&mut self, events: &mut Vec<Event>) {
        self.finished = true;
        self.outputs = [None, None];
        self.input = Input::None;
        if let Some(log) = &mut self.log {
            log.finish();
        }
        for client in self.clients.iter_mut().filter(|client| !client.is_run_stream()) {
            client.close(AttachEnd::Finished, None);
        }
        self.settle(events);
    }

    /// Whether a run stream waits for its end.
    pub(crate) fn has_run_streams(&self) -> bool {
        self.clients.iter().any(|client| client.is_run_stream() && client.is_attached())
    }

    /// Ends the run streams, with the exit status.
    pub(crate) fn end_run_streams(&mut self, code: i32, events: &mut Vec<Event>) {
        let text = format!("{{\"StatusCode\":{code}}}");
        for client in &mut self.clients {
            client.close(AttachEnd::Finished, Some(&text));
        }
        self.settle(events);
    }

    /// After any event: sends what can be sent, forgets who is gone, and decides what to wait for.
    pub(crate) fn settle(&mut self, events: &mut Vec<Event>) {
        let now = Instant::now();
        let exec = &self.exec;
        self.clients.retain_mut(|client| {
            if !client.is_gone() && client.takes_input() {
                if client.flush().is_err() {
                    client.output_failed();
                }
                return true;
            }
            let end = if client.is_gone() { Err(io::ErrorKind::BrokenPipe.into()) } else { client.flush() };
            let told = match end {
                Ok(None) => None,
                Ok(Some(end)) => Some(end),
                Err(_) if client.is_lingering() => return false,
                Err(_) => {
                    events.push(ended(exec, client.id, AttachEnd::HungUp));
                    return false;
                }
            };
            if let Some(end) = told {
                events.push(ended(exec, client.id, end));
            }
            client.deadline().is_none_or(|deadline| deadline > now)
        });
        self.refresh();
    }

    fn refresh(&mut self) {
        let held_up = self.grace.is_none() && self.clients.iter().any(Client::is_behind);
        let waiting = !self.input_pending.is_empty();
        let is_terminal = matches!(self.input, Input::Terminal);
        for (index, output) in self.outputs.iter_mut().enumerate() {
            let Some(output) = output else { continue };
            let mut flags = if held_up { EventFlags::empty() } else { EventFlags::IN };
            if index == 0 && is_terminal && waiting {
                flags |= EventFlags::OUT;
            }
            output.watch((!flags.is_empty()).then_some(flags));
        }
        if let Input::Pipe(pipe) = &mut self.input {
            pipe.watch(waiting.then_some(EventFlags::OUT));
        }
        for client in &mut self.clients {
            client.refresh(!waiting);
        }
    }
}

fn ended(exec: &Option<String>, id: u64, end: AttachEnd) -> Event {
    Event::AttachEnded(AttachEnded { id, exec: exec.clone(), end })
}
