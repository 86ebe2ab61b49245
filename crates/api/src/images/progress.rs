//! Work that tells its steps to the client while it goes on.

use super::wire::{ErrorDetail, Progress};
use crate::http::{Outcome, reply};
use bytes::Bytes;
use futures_util::{Stream, stream};
use sampan_error::{Error, Kind, Result};
use std::future::Future;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

/// Runs `work` and sends what `show` makes of its steps. A failure before the first step has its own status; after
/// it, it is the last object of the stream. A client that goes away gives the work up.
pub(crate) async fn run<S: Send + 'static>(
    work: impl Future<Output = Result<()>> + Send + 'static,
    mut steps: UnboundedReceiver<S>,
    show: impl Fn(S) -> Option<Progress> + Send + 'static,
) -> Result<Outcome> {
    let mut work = Work(tokio::spawn(work));
    let first = steps.recv().await;
    let work = if first.is_none() {
        // The work is over, and no step was told.
        work.outcome().await?;
        None
    } else {
        Some(work)
    };
    let telling = Telling { first, steps, work, show };
    Ok(reply::stream("application/json", telling.into_stream()).into())
}

/// The task; given up with its reader.
struct Work(JoinHandle<Result<()>>);

impl Work {
    async fn outcome(&mut self) -> Result<()> {
        (&mut self.0).await.unwrap_or_else(|panic| {
            Err(Error::new(Kind::Internal, "the daemon met a bug while it moved images; see its log")
                .caused_by(panic))
        })
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.abort();
    }
}

struct Telling<S, F> {
    first: Option<S>,
    steps: UnboundedReceiver<S>,
    work: Option<Work>,
    show: F,
}

impl<S: Send + 'static, F: Fn(S) -> Option<Progress> + Send + 'static> Telling<S, F> {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        stream::unfold(self, |mut telling| async move { telling.next().await.map(|line| (line, telling)) })
    }

    async fn next(&mut self) -> Option<Result<Bytes>> {
        loop {
            let step = match self.first.take() {
                Some(step) => Some(step),
                None => self.steps.recv().await,
            };
            match step {
                None => break,
                Some(step) => {
                    if let Some(shown) = (self.show)(step) {
                        return Some(reply::line(&shown, "\r\n"));
                    }
                }
            }
        }
        let error = self.work.take()?.outcome().await.err()?;
        Some(reply::line(&failed(&error), "\r\n"))
    }
}

/// A failure after the first byte, in the form of new and of old clients.
fn failed(error: &Error) -> Progress {
    tracing::debug!(%error, "moving images failed");
    Progress {
        error_detail: Some(ErrorDetail { message: error.to_string() }),
        error: Some(error.to_string()),
        ..Progress::default()
    }
}

/// The bar that Docker's clients print as it comes: fifty places.
pub(super) fn bar(current: u64, total: u64) -> String {
    if total == 0 {
        return format!("{:>8}", size(current));
    }
    let done = usize::try_from((current.min(total)).saturating_mul(50) / total).unwrap_or(50);
    let head = if done < 50 { ">" } else { "" };
    let line = format!("{}{head}", "=".repeat(done));
    format!("[{line:<50}] {:>8}/{}", size(current), size(total))
}

/// Bytes in decimal units with four digits, as Docker writes them.
#[allow(clippy::cast_precision_loss)]
fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            let digits = if value < 10.0 {
                3
            } else if value < 100.0 {
                2
            } else {
                1
            };
            let text = format!("{value:.digits$}");
            let text =
                if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
            return format!("{text}{unit}");
        }
        value /= 1000.0;
    }
    format!("{value:.1}TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_fifty_places() {
        assert_eq!(bar(0, 100), format!("[>{}]       0B/100B", " ".repeat(49)));
        assert_eq!(bar(100, 100), format!("[{}]     100B/100B", "=".repeat(50)));
        assert_eq!(bar(7, 0), "      7B");
        assert_eq!(size(4_212_000), "4.212MB");
    }
}
