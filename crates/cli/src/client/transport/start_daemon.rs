//! Starts Sampan's daemon when a command finds none at the default socket.

use std::fs::{File, OpenOptions};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

use super::DEFAULT_HOST;
use crate::client::stream::Stream;
use crate::failure::{Failure, Result};

/// Where a daemon that a command started writes its log.
pub(crate) const LOG: &str = "/var/log/sampan.log";
/// The hidden command that watches over a daemon.
pub(crate) const WATCH: &str = "watch-daemon";

/// How long a command waits for a daemon that its watcher starts again.
const RESTART_PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks meanwhile.
const RESTART_PAUSE: Duration = Duration::from_millis(20);

/// The path of this executable.
fn executable() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("sampan"))
}

/// Starts the daemon under its watcher and connects to it as soon as it says that it is ready. Of several
/// commands at the same time one starts it and the others wait.
///
/// # Errors
/// This user may not, or the daemon does not come up: the last line of its log.
pub(super) fn start(
    host: &str,
    socket: &Path,
    connect: impl Fn() -> std::io::Result<Stream>,
) -> Result<Stream> {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::NoDaemon(format!(
            "sampan: no daemon at {host}, and starting one needs root: sudo {} daemon{}",
            executable().display(),
            socket_words(socket)
        )));
    }
    let _lock = lock(socket)?;
    // Another command may have started it while this one waited for the lock.
    if let Ok(stream) = connect() {
        return Ok(stream);
    }
    if let Some(stream) = wait_for_watcher(socket, &connect)? {
        return Ok(stream);
    }
    eprintln!("sampan: no daemon at {host}, starting one in the background (its log: {LOG})");
    let failed = |reason: String| Failure::NoDaemon(format!("sampan: the daemon did not start: {reason}"));
    let mut watcher = Command::new(executable())
        .arg(WATCH)
        .arg("--socket")
        .arg(socket)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log()?)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    let mut said = [0; 1];
    let ready = match watcher.stdout.take() {
        Some(mut pipe) => pipe.read(&mut said).unwrap_or(0) > 0,
        None => false,
    };
    if ready {
        return connect().map_err(|error| failed(error.to_string()));
    }
    Err(failed(last_line(Path::new(LOG)).unwrap_or_else(|| format!("see {LOG}"))))
}

/// The daemon is there, and this user may not talk to it.
pub(super) fn forbidden(host: &str) -> Failure {
    let words: Vec<String> = std::env::args().skip(1).collect();
    Failure::NoDaemon(format!(
        "sampan: permission denied at {host}: join the group of that socket, or run: sudo {} {}",
        executable().display(),
        words.join(" ")
    ))
}

/// What the daemon must be told when its socket is not the usual one.
fn socket_words(socket: &Path) -> String {
    if DEFAULT_HOST.strip_prefix("unix://") == socket.to_str() {
        return String::new();
    }
    format!(" --socket {}", socket.display())
}

/// A daemon that died is started again by its watcher: nothing to do but to wait for it. Nothing comes back
/// when there is no watcher.
fn wait_for_watcher(socket: &Path, connect: &impl Fn() -> std::io::Result<Stream>) -> Result<Option<Stream>> {
    let begun = Instant::now();
    while begun.elapsed() < RESTART_PATIENCE && !watch_lock(socket)?.1 {
        if let Ok(stream) = connect() {
            return Ok(Some(stream));
        }
        std::thread::sleep(RESTART_PAUSE);
    }
    Ok(None)
}

/// Held while a daemon is being started for this socket.
fn lock(socket: &Path) -> Result<File> {
    let file = beside(socket, ".starting")?;
    flock(&file, FlockOperation::LockExclusive).map_err(std::io::Error::from)?;
    Ok(file)
}

/// The lock that a watcher holds as long as it lives, and whether this process has it now.
///
/// # Errors
/// The folder of the socket cannot be written.
pub(crate) fn watch_lock(socket: &Path) -> Result<(File, bool)> {
    let file = beside(socket, ".watched")?;
    let taken = flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok();
    Ok((file, taken))
}

fn beside(socket: &Path, suffix: &str) -> Result<File> {
    let mut path = socket.as_os_str().to_owned();
    path.push(suffix);
    Ok(OpenOptions::new().write(true).create(true).truncate(false).open(path)?)
}

fn log() -> Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    Ok(options.open(LOG)?)
}

fn last_line(path: &Path) -> Option<String> {
    let bytes = std::fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
}
