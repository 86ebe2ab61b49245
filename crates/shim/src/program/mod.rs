//! The shim process: one thread, one loop, one container.

mod answer;
mod client;
mod control;
mod detach;
mod exec;
mod exit;
mod expiry;
mod first;
mod follow;
mod launch;
mod poll;
mod relay;
mod session;

use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use rustix::event::epoll::EventFlags;
use sampan_shim::protocol::{Event, ExecStatus, Exit, Message};
use sampan_shim::timestamp::Timestamp;

use control::Connection;
use launch::Phase;
use poll::{Poll, Token, Watched};
use relay::Relays;
use session::Session;

pub(crate) use first::run as first;
pub(crate) use follow::follow;

/// Bytes read at once while little is written, and while much is. The larger one exists only meanwhile.
const SMALL_BUFFER: usize = 4096;
const LARGE_BUFFER: usize = 64 * 1024;

/// Milliseconds of silence after which large buffers are given back.
const QUIET: u64 = 100;

/// The descriptor at which the shim finds its first daemon.
const CONTROL: i32 = 3;

/// The session of the container itself; execs have higher numbers.
const CONTAINER: u32 = 0;

/// Everything that the shim knows.
struct Shim {
    poll: Rc<Poll>,
    phase: Phase,
    /// The container's id, and the shim's directory, once known.
    container: String,
    directory: Option<PathBuf>,
    listener: Option<Watched>,
    connections: Vec<Connection>,
    last_number: u32,
    /// The container's session first, then one for each running exec.
    sessions: Vec<Session>,
    processes: Vec<exec::Process>,
    /// Execs that have ended, oldest first.
    ended: Vec<ExecStatus>,
    relays: Relays,
    /// Sockets of the container's name server, which only daemons read.
    name_sockets: Vec<OwnedFd>,
    started_at: Option<Timestamp>,
    exit: Option<Exit>,
    /// A daemon has recorded the exit.
    shutdown: bool,
    /// Set at the end while run streams wait for that: until when they do.
    recording: Option<Instant>,
    /// When the container ends, since the machine's start.
    expires: Option<std::time::Duration>,
    buffer: Vec<u8>,
    /// What is to be told to every daemon.
    events: Vec<Event>,
}

/// Runs a shim on the inherited socket until its work is done.
///
/// # Errors
/// There is no such socket, or the loop itself fails.
pub(crate) fn supervise() -> io::Result<()> {
    // Started by descriptor, it would else be listed under the descriptor's name.
    let _ = std::fs::write("/proc/self/comm", "sampan-shim");
    // Large blocks go back to the system when they are freed: memory counts once per container.
    sampan_sys::heap::return_large_blocks(32 * 1024);
    let control = sampan_sys::descriptor::take_inherited(CONTROL)?;
    let mut shim = Shim::new()?;
    shim.accept(control);
    let result = shim.run();
    shim.discard_parked();
    if let Some(directory) = &shim.directory {
        let _ = std::fs::remove_file(directory.join(sampan_shim::protocol::SOCKET_NAME));
    }
    result
}

impl Shim {
    fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        Ok(Self {
            relays: Relays::new(&poll),
            name_sockets: Vec::new(),
            poll,
            phase: Phase::Fresh,
            container: String::new(),
            directory: None,
            listener: None,
            connections: Vec::new(),
            last_number: 0,
            sessions: Vec::new(),
            processes: Vec::new(),
            ended: Vec::new(),
            started_at: None,
            exit: None,
            shutdown: false,
            recording: None,
            expires: None,
            buffer: vec![0; SMALL_BUFFER],
            events: Vec::new(),
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut ready = Vec::with_capacity(16);
        loop {
            self.broadcast();
            self.end_run_streams();
            self.broadcast();
            if self.is_done() {
                return Ok(());
            }
            self.end_when_expired();
            ready.clear();
            self.poll.wait(self.patience(), &mut ready)?;
            if ready.is_empty() {
                self.pass_time();
            }
            // Ends of processes come last: what they wrote before is read first.
            ready.sort_by_key(|(token, _)| matches!(token, Token::Process(_)));
            for (token, flags) in &ready {
                self.dispatch(*token, *flags);
            }
        }
    }

    fn dispatch(&mut self, token: Token, flags: EventFlags) {
        match token {
            Token::Listener => self.accept_waiting(),
            Token::Connection(number) => self.connection_ready(number, flags),
            Token::Process(number) => self.process_ended(number),
            Token::Output(number, stream) => {
                if let Some(session) = self.sessions.iter_mut().find(|session| session.number == number) {
                    session.output_ready(stream, flags, &mut self.buffer, &mut self.events);
                }
                self.finish_drained();
            }
            Token::Input(number) => {
                if let Some(session) = self.sessions.iter_mut().find(|session| session.number == number) {
                    session.input_ready(&mut self.events);
                }
            }
            Token::Client(number, client) => {
                if let Some(session) = self.sessions.iter_mut().find(|session| session.number == number) {
                    session.client_ready(client, flags, &mut self.buffer, &mut self.events);
                }
                self.forget_ended_sessions();
            }
            Token::Relay(number) => {
                // A datagram that is larger than the buffer would be cut off.
                self.buffer.resize(LARGE_BUFFER, 0);
                self.relays.socket_ready(number, &mut self.buffer);
            }
            Token::Flow(number, inner) => {
                self.buffer.resize(LARGE_BUFFER, 0);
                self.relays.flow_ready(number, inner, flags, &mut self.buffer);
            }
        }
    }

    /// How long to wait for the next event, in milliseconds; `None` is for ever.
    fn patience(&self) -> Option<u64> {
        let sessions = self.sessions.iter().filter_map(Session::deadline);
        let recording = self.recording.filter(|_| self.sessions.iter().any(Session::has_run_streams));
        let deadline = sessions.chain(self.relays.deadline()).chain(recording).min();
        let milliseconds = deadline.map(|deadline| {
            let left = deadline.saturating_duration_since(Instant::now());
            u64::try_from(left.as_millis()).unwrap_or(u64::MAX).saturating_add(1)
        });
        let quiet = (self.buffer.len() > SMALL_BUFFER).then_some(QUIET);
        milliseconds.into_iter().chain(quiet).chain(self.until_expiry()).min()
    }

    /// Nothing happened for a while: looks at what has a deadline, and gives memory back.
    fn pass_time(&mut self) {
        self.buffer = vec![0; SMALL_BUFFER];
        for session in &mut self.sessions {
            if let Some(log) = &mut session.log {
                log.release();
            }
            session.settle(&mut self.events);
        }
        self.relays.pass_time();
        self.finish_drained();
        self.forget_ended_sessions();
    }

    /// Sends what happened to every daemon that is connected.
    fn broadcast(&mut self) {
        for event in std::mem::take(&mut self.events) {
            let Ok(message) = event.message() else { continue };
            for connection in &mut self.connections {
                connection.push(message.clone());
            }
        }
        self.flush_connections();
    }

    /// Whether nothing is left to do.
    fn is_done(&self) -> bool {
        let alone = self.connections.is_empty();
        match self.phase {
            // Nobody can ever launch a container in a shim without a directory.
            Phase::Fresh | Phase::Parked { .. } => alone,
            Phase::Held { .. } | Phase::Running(_) => false,
            Phase::Ended => {
                let served = self.sessions.iter().all(Session::is_served);
                // After a start that failed there is no exit that a daemon would have to record.
                served && (alone || self.shutdown || self.exit.is_none()) && self.all_told()
            }
        }
    }

    fn number(&mut self) -> u32 {
        self.last_number += 1;
        self.last_number
    }

    fn session(&mut self, number: u32) -> Option<&mut Session> {
        self.sessions.iter_mut().find(|session| session.number == number)
    }

    fn tell(&mut self, number: u32, message: Message, descriptors: Vec<OwnedFd>) {
        if let Some(connection) = self.connections.iter_mut().find(|connection| connection.number == number) {
            connection.push_with(message, descriptors);
        }
    }
}

/// Puts a descriptor into the epoll instance for reading.
fn watch_reading(fd: OwnedFd, poll: &Rc<Poll>, token: Token) -> Watched {
    let mut watched = Watched::new(fd, poll, token);
    watched.watch(Some(EventFlags::IN));
    watched
}
