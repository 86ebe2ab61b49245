//! Staying with a process until it ends: signals are passed on, a terminal is passed through.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, poll};
use sampan_error::{Context, Result};
use sampan_runtime::Started;
use sampan_sys::signal;

use crate::console::{self, Raw};

/// Signals that are passed on: those that people and supervisors send.
const PASSED_ON: [i32; 9] = [1, 2, 3, 10, 12, 15, 18, 20, 28];
const WINDOW_CHANGED: i32 = 28;

/// Collects the signals; before the process exists, so that none is lost.
pub(crate) fn prepare() -> Result<OwnedFd> {
    signal::open(&PASSED_ON).context("collect signals")
}

/// Waits for the end of the process and returns its status as a shell shows it.
pub(crate) fn wait(started: &Started, signals: &OwnedFd) -> Result<u8> {
    let _raw = started.console.as_ref().and_then(|master| {
        console::copy_size(master);
        Raw::enter()
    });
    let mut input_open = true;
    loop {
        let stdin = rustix::stdio::stdin();
        let mut entries =
            vec![PollFd::new(&started.pidfd, PollFlags::IN), PollFd::new(signals, PollFlags::IN)];
        if let Some(master) = &started.console {
            entries.push(PollFd::new(master, PollFlags::IN));
            if input_open {
                entries.push(PollFd::from_borrowed_fd(stdin, PollFlags::IN));
            }
        }
        rustix::io::retry_on_intr(|| poll(&mut entries, None))
            .map_err(std::io::Error::from)
            .context("wait")?;
        let ready: Vec<bool> = entries.iter().map(|entry| !entry.revents().is_empty()).collect();
        if ready[1] {
            pass_on(started, signals)?;
        }
        if let Some(master) = &started.console {
            if ready[2] {
                copy(master.as_fd(), rustix::stdio::stdout());
            }
            if ready.get(3) == Some(&true) {
                input_open = copy(stdin, master.as_fd());
            }
        }
        if ready[0] {
            break;
        }
    }
    if let Some(master) = &started.console {
        drain(master);
    }
    let exit = sampan_sys::pidfd::wait(&started.pidfd).context("wait for the process")?;
    Ok(u8::try_from(exit.code()).unwrap_or(u8::MAX))
}

fn pass_on(started: &Started, signals: &OwnedFd) -> Result<()> {
    while let Some(number) = signal::next(signals).context("collect signals")? {
        match &started.console {
            Some(master) if number == WINDOW_CHANGED => console::copy_size(master),
            // The process may end at this moment.
            _ => drop(sampan_sys::pidfd::send_signal(&started.pidfd, number)),
        }
    }
    Ok(())
}

/// Copies what is there; false at the end of the input.
fn copy(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> bool {
    let mut buffer = [0_u8; 16 << 10];
    let Ok(count) = rustix::io::read(from, &mut buffer) else { return false };
    let mut rest = &buffer[..count];
    while !rest.is_empty() {
        match rustix::io::write(to, rest) {
            Ok(written) => rest = &rest[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    count > 0
}

/// What the process wrote before it ended is still in the terminal.
fn drain(master: &OwnedFd) {
    loop {
        let mut entries = [PollFd::new(master, PollFlags::IN)];
        let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
        if !poll(&mut entries, Some(&zero)).is_ok_and(|ready| ready > 0) {
            return;
        }
        if !copy(master.as_fd(), rustix::stdio::stdout()) {
            return;
        }
    }
}
