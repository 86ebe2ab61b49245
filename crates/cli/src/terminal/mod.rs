//! The terminal: raw mode, window size, detach keys, signals, and the streams of a container.

mod demultiplex;
mod keys;
mod raw;
mod signals;
mod stream;

pub(crate) use demultiplex::{Demultiplexer, Sink, StandardStreams, copy_raw};
pub(crate) use signals::{Arrived, Signals};
pub(crate) use stream::{Outcome, Streams, TerminalOutput};

use std::io::IsTerminal;

use crate::failure::Result;

/// Rows and columns of the terminal on stdout; zeros when it is none.
pub(crate) fn size() -> (u16, u16) {
    rustix::termios::tcgetwinsize(std::io::stdout()).map_or((0, 0), |size| (size.ws_row, size.ws_col))
}

/// Refuses a pseudo-terminal for the container when stdin is to be attached and is none itself.
///
/// # Errors
/// `the input device is not a TTY`.
pub(crate) fn check_tty(attach_stdin: bool, tty: bool) -> Result<()> {
    if tty && attach_stdin && !std::io::stdin().is_terminal() {
        return Err("the input device is not a TTY".into());
    }
    Ok(())
}
