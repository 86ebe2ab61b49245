//! Process 1 of a container with `--init`: it starts the container's program, passes signals on to it, and
//! reaps what others leave behind. Seen inside as `/sbin/docker-init`.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use rustix::event::{PollFd, PollFlags};
use rustix::process::{Pid, Signal, WaitOptions};

/// SIGCHLD.
const CHILD: i32 = 17;
/// Signals that say something about this process itself, or that nobody can block: KILL, STOP, and those of a
/// broken program.
const NOT_PASSED: [i32; 9] = [4, 5, 7, 8, 9, 11, 19, 21, 22];

/// Runs `arguments` (with or without `--` first) to the end; its exit code is ours.
///
/// # Errors
/// Only before the program runs; what the program cannot be executed for is an exit code of 126 or 127.
pub(crate) fn run(arguments: &[String]) -> io::Result<ExitCode> {
    let words = arguments.strip_prefix(&["--".to_owned()]).unwrap_or(arguments);
    let Some((program, rest)) = words.split_first() else {
        eprintln!("docker-init: there is no program to start");
        return Ok(ExitCode::from(127));
    };
    let passed: Vec<i32> = (1..=31).filter(|number| !NOT_PASSED.contains(number)).collect();
    let signals = sampan_sys::signal::open(&passed)?;
    let child = match Command::new(program).args(rest).process_group(0).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("docker-init: exec: \"{program}\": {error}");
            let code = if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 };
            return Ok(ExitCode::from(code));
        }
    };
    let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    // The program's group is the terminal's foreground, if there is a terminal at all.
    let _ = rustix::termios::tcsetpgrp(rustix::stdio::stdin(), pid);
    loop {
        let mut wait = [PollFd::new(&signals, PollFlags::IN)];
        match rustix::event::poll(&mut wait, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        while let Some(number) = sampan_sys::signal::next(signals.as_fd())? {
            if number == CHILD {
                if let Some(code) = reap(pid)? {
                    return Ok(ExitCode::from(code));
                }
            } else if let Some(signal) = Signal::from_named_raw(number) {
                // It may have ended in this moment; then its SIGCHLD is on the way.
                let _ = rustix::process::kill_process(pid, signal);
            }
        }
    }
}

/// Reaps everything that has ended; the exit code when the program is among it.
fn reap(program: Pid) -> io::Result<Option<u8>> {
    let mut code = None;
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) if pid == program => {
                let value = status
                    .exit_status()
                    .or_else(|| status.terminating_signal().map(|signal| 128 + signal))
                    .unwrap_or(255);
                code = Some(u8::try_from(value).unwrap_or(255));
            }
            Ok(Some(_)) => {}
            Ok(None) | Err(rustix::io::Errno::CHILD) => return Ok(code),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
