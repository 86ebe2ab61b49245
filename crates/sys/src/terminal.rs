//! Pseudo-terminals: pairs, sizes, and the controlling terminal.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, openat};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, unlockpt};
use rustix::termios::{Winsize, tcgetwinsize, tcsetwinsize};

/// A pseudo-terminal's two ends.
#[derive(Debug)]
pub struct Pair {
    /// The end that the supervisor reads and writes.
    pub master: OwnedFd,
    /// The end that is the program's terminal.
    pub peer: OwnedFd,
}

/// Opens a new pair through the multiplexer `path` (such as `ptmx` relative to a descriptor of a devpts mount).
///
/// The peer is got by ioctl from the master itself (TIOCGPTPEER), never through a path that somebody else
/// could have replaced.
///
/// # Errors
/// As openat(2) and ioctl_tty(2); `InvalidInput` when what is there is not a pty multiplexer.
pub fn open_pair(directory: BorrowedFd<'_>, path: &str) -> io::Result<Pair> {
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let master = openat(directory, path, flags, Mode::empty())?;
    unlockpt(&master)?;
    let peer = ioctl_tiocgptpeer(&master, OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    Ok(Pair { master, peer })
}

/// Opens a new pair of the mount namespace's own `/dev/pts`.
///
/// # Errors
/// As [`open_pair`].
pub fn open_host_pair() -> io::Result<Pair> {
    let directory = rustix::fs::open("/dev", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    open_pair(directory.as_fd(), "ptmx").or_else(|_| open_pair(directory.as_fd(), "pts/ptmx"))
}

/// Makes `terminal` the controlling terminal of this process, which becomes a session leader when it is not.
///
/// # Errors
/// `EPERM` when the terminal already controls another session.
pub fn make_controlling(terminal: BorrowedFd<'_>) -> io::Result<()> {
    // A process group leader cannot make a session; then it must be a session leader already.
    let _ = rustix::process::setsid();
    Ok(rustix::process::ioctl_tiocsctty(terminal)?)
}

/// Sets the size of the window, in characters; the foreground process group gets SIGWINCH.
///
/// # Errors
/// `ENOTTY` when it is no terminal.
pub fn set_size(terminal: impl AsFd, rows: u16, columns: u16) -> io::Result<()> {
    Ok(tcsetwinsize(terminal, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })?)
}

/// The size of the window, in characters: (rows, columns).
///
/// # Errors
/// `ENOTTY` when it is no terminal.
pub fn size(terminal: impl AsFd) -> io::Result<(u16, u16)> {
    let size = tcgetwinsize(terminal)?;
    Ok((size.ws_row, size.ws_col))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_sizes_cross_a_pair() {
        let pair = open_host_pair().unwrap();
        set_size(&pair.master, 40, 100).unwrap();
        assert_eq!(size(&pair.peer).unwrap(), (40, 100));
        rustix::io::write(&pair.peer, b"x").unwrap();
        let mut buffer = [0_u8; 4];
        assert_eq!(rustix::io::read(&pair.master, &mut buffer).unwrap(), 1);
    }
}
