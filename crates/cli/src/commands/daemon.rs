//! `sampan daemon`: the engine itself, in this executable.

use crate::failure::{ExitStatus, Result};
use crate::session::Session;

/// Runs the daemon with these words until it is told to stop.
///
/// # Errors
/// What keeps it from running.
#[cfg(feature = "daemon")]
pub(crate) fn run(_session: &Session, words: &[String]) -> Result<ExitStatus> {
    Ok(ExitStatus(sampan_daemon::run(words.iter().map(Into::into).collect())))
}

/// This build is the command line alone.
///
/// # Errors
/// Always.
#[cfg(not(feature = "daemon"))]
pub(crate) fn run(_session: &Session, _words: &[String]) -> Result<ExitStatus> {
    Err("this executable was built without the daemon".into())
}
