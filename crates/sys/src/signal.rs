//! Signals as something to read, for programs that handle them in their loop.

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};

/// Blocks these signals in the calling thread and opens a descriptor from which they can be read (signalfd(2)).
///
/// A process that is the first of its pid namespace gets signals only if it blocks or handles them: this counts.
/// Threads made later inherit the mask; threads that exist already do not have it.
///
/// # Errors
/// `EINVAL` for a number that is no signal, `EMFILE` when no descriptor is left.
pub fn open(signals: &[i32]) -> io::Result<OwnedFd> {
    // SAFETY: the set is plain memory that sigemptyset initialises before anything reads it; sigaddset refuses
    // numbers that are no signals.
    let fd = unsafe {
        let mut set: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for &signal in signals {
            if libc::sigaddset(&raw mut set, signal) != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        let refused = libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        if refused != 0 {
            return Err(io::Error::from_raw_os_error(refused));
        }
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The number of the next signal that has arrived; `None` when there is none.
///
/// # Errors
/// As read(2).
pub fn next(signals: impl AsFd) -> io::Result<Option<i32>> {
    // The size of signalfd_siginfo; the signal's number is its first field.
    let mut information = [0_u8; 128];
    match rustix::io::read(signals, &mut information) {
        Ok(_) => {
            let number = [information[0], information[1], information[2], information[3]];
            Ok(Some(i32::from_ne_bytes(number)))
        }
        Err(rustix::io::Errno::AGAIN) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_signal_is_read() {
        let signals = open(&[libc::SIGUSR2]).unwrap();
        assert_eq!(next(&signals).unwrap(), None);
        // SAFETY: sends a signal, blocked above, to this very thread.
        unsafe { libc::pthread_kill(libc::pthread_self(), libc::SIGUSR2) };
        assert_eq!(next(&signals).unwrap(), Some(libc::SIGUSR2));
        assert!(open(&[-1]).is_err());
    }
}
