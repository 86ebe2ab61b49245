//! Processes held by descriptor: signals that can never reach a stranger, and waiting for the end.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, waitid};

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code (0 to 255).
    Code(u8),
    /// A signal ended it.
    Signal {
        /// The signal's number.
        number: i32,
        /// Whether a core file was written.
        core_dumped: bool,
    },
}

impl Exit {
    /// The status as a shell and Docker show it: the code, or 128 plus the signal.
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => i32::from(code),
            Self::Signal { number, .. } => 128 + number,
        }
    }
}

/// A descriptor for the process `pid`. The caller must know that the number still belongs to the process it
/// means, for example because it is its own unreaped child.
///
/// # Errors
/// `ESRCH` when there is no such process; `EINVAL` for a number that is not positive.
pub fn open(pid: i32) -> io::Result<OwnedFd> {
    let pid = Pid::from_raw(pid).filter(|_| pid > 0).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(pidfd_open(pid, PidfdFlags::empty())?)
}

/// Sends signal `number` (0 only asks whether the process is alive).
///
/// # Errors
/// `ESRCH` when the process has ended and been reaped, `EINVAL` for an unknown signal.
pub fn send_signal(pidfd: impl AsFd, number: i32) -> io::Result<()> {
    use std::os::fd::AsRawFd;
    let fd = pidfd.as_fd().as_raw_fd();
    // SAFETY: a null siginfo is allowed by pidfd_send_signal(2); the descriptor is borrowed and open.
    let result = unsafe {
        libc::syscall(libc::SYS_pidfd_send_signal, fd, number, std::ptr::null::<libc::siginfo_t>(), 0_u32)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Waits until the child ends, reaps it and says how it ended.
///
/// # Errors
/// `ECHILD` when it is not a child of this process.
pub fn wait(pidfd: impl AsFd) -> io::Result<Exit> {
    loop {
        if let Some(exit) = collect(&pidfd, WaitIdOptions::EXITED)? {
            return Ok(exit);
        }
    }
}

/// Reaps the child if it has ended; `None` while it runs.
///
/// # Errors
/// `ECHILD` when it is not a child of this process.
pub fn try_wait(pidfd: impl AsFd) -> io::Result<Option<Exit>> {
    collect(&pidfd, WaitIdOptions::EXITED | WaitIdOptions::NOHANG)
}

/// Waits until the process has ended, child or not, for at most `timeout` (forever when `None`); says whether
/// it has. Nothing is reaped.
///
/// # Errors
/// As poll(2).
pub fn wait_readable(pidfd: impl AsFd, timeout: Option<std::time::Duration>) -> io::Result<bool> {
    let limit = timeout.map(|limit| Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(limit.subsec_nanos()),
    });
    let mut entries = [PollFd::new(&pidfd, PollFlags::IN)];
    let ready = rustix::io::retry_on_intr(|| poll(&mut entries, limit.as_ref()))?;
    Ok(ready > 0)
}

fn collect(pidfd: &impl AsFd, options: WaitIdOptions) -> io::Result<Option<Exit>> {
    let status = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(pidfd.as_fd()), options))?;
    let Some(status) = status else { return Ok(None) };
    if let Some(code) = status.exit_status() {
        return Ok(Some(Exit::Code(u8::try_from(code & 0xff).unwrap_or(u8::MAX))));
    }
    match status.terminating_signal() {
        Some(number) => Ok(Some(Exit::Signal { number, core_dumped: status.dumped() })),
        None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_signalled_and_reaped() {
        #[expect(clippy::zombie_processes, reason = "reaped through the descriptor, which is what is tested")]
        let child = std::process::Command::new("sleep").arg("100").spawn().unwrap();
        let fd = open(i32::try_from(child.id()).unwrap()).unwrap();
        assert_eq!(try_wait(&fd).unwrap(), None);
        send_signal(&fd, 9).unwrap();
        assert!(wait_readable(&fd, None).unwrap());
        let exit = wait(&fd).unwrap();
        assert_eq!(exit, Exit::Signal { number: 9, core_dumped: false });
        assert_eq!(exit.code(), 137);
    }
}
