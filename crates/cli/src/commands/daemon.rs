//! `sampan daemon`: the engine itself, in this executable.

use crate::failure::{ExitStatus, Result};
use crate::session::Session;

/// Runs the daemon with these words until it is told to stop.
///
/// # Errors
/// What keeps it from running.
#[cfg(feature = "daemon")]
pub(crate) fn run(_session: &Session, words: &[String]) -> Result<ExitStatus> {
    sampan_daemon::run(words)?;
    Ok(ExitStatus::SUCCESS)
}

/// This build is the command line alone.
///
/// # Errors
/// Always.
#[cfg(not(feature = "daemon"))]
pub(crate) fn run(_session: &Session, _words: &[String]) -> Result<ExitStatus> {
    Err("this executable was built without the daemon".into())
}
