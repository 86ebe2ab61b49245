//! Work that blocks, away from the threads that serve requests.

use sampan_error::{Error, Kind, Result};

/// Runs blocking work on a thread made for it.
///
/// # Errors
/// The work's own failure, or that it panicked (a bug, reported and survived).
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => outcome,
        Err(panic) => {
            Err(Error::new(Kind::Internal, "the engine met a bug while working on this; see its log")
                .caused_by(panic))
        }
    }
}
