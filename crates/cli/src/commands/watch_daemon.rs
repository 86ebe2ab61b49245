//! The tiny parent of a daemon that a command started: starts it again when it dies, unless it was told to
//! stop.

use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal, setsid};
use signal_hook::consts::signal::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::client::watch_lock;
use crate::failure::{ExitStatus, Result};
use crate::session::Session;

/// The pause before a daemon that died is started again; doubled for every one that dies young.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A daemon that lived so long did not die young.
const GROWN_UP: Duration = Duration::from_secs(60);
/// A first daemon that gives up within this time cannot run here at all.
const STILLBORN: Duration = Duration::from_secs(5);

/// The daemon that runs now, and whether somebody asked this process to stop.
#[derive(Default)]
struct Watched {
    daemon: Option<OwnedFd>,
    told_to_stop: bool,
}

/// Runs `daemon` with these words until it ends on purpose. The first daemon says on this process's stdout
/// that it is ready; later ones have nobody to tell.
///
/// # Errors
/// The daemon cannot be started at all.
pub(crate) fn run(_session: &Session, words: &[String]) -> Result<ExitStatus> {
    // A session of its own: the terminal's signals and its closing do not reach the daemon.
    let _ = setsid();
    let socket = words.iter().skip_while(|word| *word != "--socket").nth(1).ok_or("--socket is missing")?;
    // Held to the end: commands see by it that a daemon that died comes back by itself.
    let (_lock, alone) = watch_lock(Path::new(socket))?;
    if !alone {
        return Err(format!("another process watches over the daemon of {socket}").into());
    }
    let watched: Arc<Mutex<Watched>> = Arc::default();
    pass_on_signals(Arc::clone(&watched))?;
    let executable = std::env::current_exe()?;
    let mut pause = FIRST_PAUSE;
    let mut first = true;
    loop {
        let started = Instant::now();
        let mut command = Command::new(&executable);
        command.arg("daemon").args(words).stdin(Stdio::null()).stdout(Stdio::null());
        // A plain duplicate goes through exec, and the daemon writes a byte to it once it answers.
        let ready = if first {
            Some(rustix::io::dup(rustix::stdio::stdout()).map_err(std::io::Error::from)?)
        } else {
            None
        };
        if let Some(ready) = &ready {
            command.arg("--ready-fd").arg(ready.as_raw_fd().to_string());
        }
        let mut daemon = command.spawn()?;
        drop(ready);
        let handle = pidfd_open(Pid::from_child(&daemon), PidfdFlags::empty());
        watched.lock().unwrap_or_else(PoisonError::into_inner).daemon = handle.ok();
        if first {
            close_stdout();
        }
        let status = daemon.wait()?;
        let told = {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.daemon = None;
            watched.told_to_stop
        };
        let stillborn = first && status.code().is_some() && started.elapsed() < STILLBORN;
        if told || status.success() || stillborn {
            return Ok(ExitStatus::of_program(i64::from(status.code().unwrap_or(0))));
        }
        let reason = match (status.code(), status.signal()) {
            (Some(code), _) => format!("ended with status {code}"),
            (None, signal) => format!("died of signal {}", signal.unwrap_or_default()),
        };
        eprintln!("sampan: the daemon {reason}, starting it again");
        if started.elapsed() > GROWN_UP {
            pause = FIRST_PAUSE;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
        first = false;
    }
}

/// A request to stop goes on to the daemon.
fn pass_on_signals(watched: Arc<Mutex<Watched>>) -> Result<()> {
    let mut signals = Signals::new([SIGTERM, SIGINT])?;
    std::thread::Builder::new().name(String::from("signals")).spawn(move || {
        for _ in signals.forever() {
            let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.told_to_stop = true;
            match &watched.daemon {
                // A daemon that is gone already needs no signal.
                Some(daemon) => drop(pidfd_send_signal(daemon, Signal::TERM)),
                None => std::process::exit(0),
            }
        }
    })?;
    Ok(())
}

/// The command that waits for the daemon sees the end of the pipe when the daemon is gone.
fn close_stdout() {
    if let Ok(null) = std::fs::OpenOptions::new().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(null);
    }
}
