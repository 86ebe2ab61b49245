//! Terminals: handing one over to the caller's console socket, or passing it through to this process's own.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use sampan_error::{Context, Result};

/// Sends a terminal's master to the unix socket of the caller (runc's console socket protocol).
pub(crate) fn hand_over(path: &str, master: &OwnedFd) -> Result<()> {
    let socket = UnixStream::connect(path).context(format!("connect to the console socket {path}"))?;
    sampan_sys::socket::send_with_descriptors(socket.as_fd(), b"/dev/ptmx", &[master.as_fd()])
        .context(format!("send the terminal to the console socket {path}"))?;
    Ok(())
}

/// This process's terminal in raw mode; put back when dropped.
pub(crate) struct Raw(rustix::termios::Termios);

impl Raw {
    /// `None` when standard input is no terminal.
    pub(crate) fn enter() -> Option<Self> {
        let stdin = rustix::stdio::stdin();
        let before = rustix::termios::tcgetattr(stdin).ok()?;
        let mut raw = before.clone();
        raw.make_raw();
        rustix::termios::tcsetattr(stdin, rustix::termios::OptionalActions::Now, &raw).ok()?;
        Some(Self(before))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        let stdin = rustix::stdio::stdin();
        let _ = rustix::termios::tcsetattr(stdin, rustix::termios::OptionalActions::Now, &self.0);
    }
}

/// Gives the terminal the size of this process's own.
pub(crate) fn copy_size(master: &OwnedFd) {
    if let Ok((rows, columns)) = sampan_sys::terminal::size(rustix::stdio::stdin()) {
        let _ = sampan_sys::terminal::set_size(master, rows, columns);
    }
}
