//! `sampan registry`: a registry of one's own, in this executable.

use crate::failure::{ExitStatus, Result};
use crate::session::Session;

/// Serves a registry, or tidies one up.
///
/// # Errors
/// None: what goes wrong is said, and is the exit status.
#[cfg(feature = "daemon")]
pub(crate) fn run(_session: &Session, words: &[String]) -> Result<ExitStatus> {
    Ok(ExitStatus(sampan_daemon::registry(words)))
}

/// This build is the command line alone.
///
/// # Errors
/// Always.
#[cfg(not(feature = "daemon"))]
pub(crate) fn run(_session: &Session, _words: &[String]) -> Result<ExitStatus> {
    Err("this executable was built without the daemon, and so without a registry".into())
}
