//! The streams of a container: its output to us, our input and signals to it, until it ends or the user
//! detaches.

use std::io::{IoSlice, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, poll};

use super::demultiplex::{Demultiplexer, Sink, write_all};
use super::keys::{DEFAULT_DETACH_KEYS, EscapeFilter, parse_keys};
use super::raw::RawMode;
use super::signals::{Arrived, Signals};
use crate::client::{Hijacked, Response, Stream};
use crate::failure::{Failure, Result};

/// How much is read from the socket at once, in bytes.
const READ: usize = 128 * 1024;

/// A hijacked connection and what to do with it.
pub(crate) struct Streams<'a> {
    /// The connection.
    pub(crate) hijacked: Hijacked,
    /// Send stdin.
    pub(crate) stdin: bool,
    /// Show any output; without it the container's end is all that is waited for.
    pub(crate) output: bool,
    /// The container has a terminal: stdin goes raw, output is not framed.
    pub(crate) tty: bool,
    /// Output is framed even with a terminal (`/sampan/run`).
    pub(crate) framed: bool,
    /// The user's own detach keys; empty for Ctrl-P Ctrl-Q.
    pub(crate) detach_keys: String,
    /// Where the output goes.
    pub(crate) sink: &'a mut dyn Sink,
    /// The signals to look at.
    pub(crate) signals: Option<Signals>,
    /// Called for every signal.
    pub(crate) on_signal: &'a mut dyn FnMut(Arrived),
    /// The answer of `/wait`, if the container's end is waited for.
    pub(crate) exit: Option<Response>,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The user typed the detach keys.
    Detached,
    /// The peer ended the output.
    OutputEnded,
    /// The container ended; the body of the `/wait` answer.
    Exited(String),
}

impl Streams<'_> {
    /// Runs until the output and, if waited for, the container have ended, or the user detaches.
    ///
    /// # Errors
    /// The connection breaks, the stream is not what it should be, stdout cannot be written.
    pub(crate) fn run(mut self) -> Result<Outcome> {
        let mut raw = if self.tty && self.stdin { Some(RawMode::enter()) } else { None };
        let detached = Arc::new(AtomicBool::new(false));
        if self.stdin {
            self.send_stdin(&detached)?;
        } else {
            // Nothing will be sent: the peer learns it at once.
            let _ = self.hijacked.stream.shutdown(Shutdown::Write);
        }
        let mut output = Output { demultiplexer: Demultiplexer::default(), open: self.output };
        let ahead = std::mem::take(&mut self.hijacked.ahead);
        self.show(&ahead, &mut output)?;
        let mut exited = None;
        let mut buffer = vec![0; READ];
        loop {
            if detached.load(Ordering::Acquire) {
                return Ok(Outcome::Detached);
            }
            if !output.open {
                if let Some(raw) = &mut raw {
                    raw.restore();
                }
                match (exited.take(), self.exit.is_some()) {
                    (Some(text), _) => return Ok(Outcome::Exited(text)),
                    (None, false) => return Ok(Outcome::OutputEnded),
                    (None, true) => {}
                }
            }
            let ready = self.wait(output.open)?;
            if ready.signals {
                self.take_signals();
            }
            if ready.exit
                && let Some(response) = self.exit.take()
            {
                exited = Some(response.text()?);
                // Without output there is nothing more to wait for.
                output.open &= self.output;
            }
            if ready.socket {
                match self.hijacked.stream.read(&mut buffer) {
                    Ok(0) => output.open = false,
                    Ok(count) => self.show(&buffer[..count], &mut output)?,
                    Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                    // The peer may reset a connection on which input was still under way.
                    Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => output.open = false,
                    Err(error) => return Err(Failure::Connection(error.to_string())),
                }
            }
        }
    }

    fn show(&mut self, bytes: &[u8], output: &mut Output) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        if self.tty && !self.framed {
            return Ok(self.sink.stdout(&mut [IoSlice::new(bytes)])?);
        }
        output.demultiplexer.push(bytes, self.sink)
    }

    fn take_signals(&mut self) {
        let arrived = self.signals.as_mut().map(Signals::arrived).unwrap_or_default();
        for signal in arrived {
            (self.on_signal)(signal);
        }
    }

    /// Waits until something is there to be read.
    fn wait(&self, socket: bool) -> Result<Ready> {
        if self.exit.as_ref().is_some_and(Response::is_buffered) {
            return Ok(Ready { exit: true, ..Ready::default() });
        }
        let mut polled = Vec::with_capacity(3);
        let mut places = Ready3 { socket: None, signals: None, exit: None };
        if socket {
            places.socket = Some(polled.len());
            polled.push(PollFd::new(&self.hijacked.stream, PollFlags::IN));
        }
        if let Some(signals) = &self.signals {
            places.signals = Some(polled.len());
            polled.push(PollFd::new(signals, PollFlags::IN));
        }
        let exit = self.exit.as_ref().and_then(Response::descriptor);
        if let Some(exit) = exit {
            places.exit = Some(polled.len());
            polled.push(PollFd::from_borrowed_fd(exit, PollFlags::IN));
        }
        match poll(&mut polled, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(std::io::Error::from(error).into()),
        }
        let ready = |place: Option<usize>| place.is_some_and(|index| !polled[index].revents().is_empty());
        Ok(Ready {
            socket: ready(places.socket),
            signals: ready(places.signals),
            exit: ready(places.exit) || (self.exit.is_some() && exit.is_none()),
        })
    }

    /// Copies stdin to the socket in a thread of its own, so that neither direction waits for the other.
    fn send_stdin(&self, detached: &Arc<AtomicBool>) -> Result<()> {
        let socket = self.hijacked.stream.try_clone()?;
        let detached = Arc::clone(detached);
        let keys = match (self.tty, self.detach_keys.as_str()) {
            (false, _) => Vec::new(),
            (true, "") => DEFAULT_DETACH_KEYS.to_vec(),
            (true, keys) => parse_keys(keys).unwrap_or_else(|reason| {
                eprintln!("invalid detach escape keys, using default: {reason}");
                DEFAULT_DETACH_KEYS.to_vec()
            }),
        };
        std::thread::Builder::new()
            .name(String::from("stdin"))
            .spawn(move || copy_stdin(socket, EscapeFilter::new(keys), &detached))?;
        Ok(())
    }
}

struct Output {
    demultiplexer: Demultiplexer,
    open: bool,
}

#[derive(Default)]
struct Ready {
    socket: bool,
    signals: bool,
    exit: bool,
}

struct Ready3 {
    socket: Option<usize>,
    signals: Option<usize>,
    exit: Option<usize>,
}

fn copy_stdin(mut socket: Stream, mut filter: EscapeFilter, detached: &AtomicBool) {
    let mut buffer = vec![0_u8; 32 * 1024];
    loop {
        let count = match rustix::io::read(rustix::stdio::stdin(), &mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(rustix::io::Errno::INTR) => continue,
            Err(rustix::io::Errno::AGAIN) => {
                let stdin = rustix::stdio::stdin();
                let _ = poll(&mut [PollFd::from_borrowed_fd(stdin.as_fd(), PollFlags::IN)], None);
                continue;
            }
            Err(_) => break,
        };
        let (passed, complete) = filter.filter(&buffer[..count]);
        if complete {
            detached.store(true, Ordering::Release);
            // Wakes the reader, which then sees why.
            let _ = socket.shutdown(Shutdown::Both);
            return;
        }
        if socket.write_all(&passed).is_err() {
            return;
        }
    }
    let _ = socket.shutdown(Shutdown::Write);
}

/// This process's stdout for a container with a terminal: both of its streams are one.
pub(crate) struct TerminalOutput;

impl Sink for TerminalOutput {
    fn stdout(&mut self, pieces: &mut [IoSlice<'_>]) -> std::io::Result<()> {
        write_all(rustix::stdio::stdout(), pieces)
    }

    fn stderr(&mut self, pieces: &mut [IoSlice<'_>]) -> std::io::Result<()> {
        write_all(rustix::stdio::stdout(), pieces)
    }
}
