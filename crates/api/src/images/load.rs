//! Archives of images: load and save.

use super::backend::{Backend, LoadStep};
use super::wire::{ErrorDetail, Progress, ProgressDetail};
use crate::containers::backend::byte_stream;
use crate::http::{Call, Outcome, Version, reply};
use bytes::Bytes;
use futures_util::{Stream, stream};
use sampan_error::{Error, Kind, Result};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;

/// `POST /images/load`. A failure before the first step has its own status; after it, it is the last object
/// of the stream.
pub(super) async fn load<E: Backend>(call: Call<E>) -> Result<Outcome> {
    if call.query.text("platform").is_some() && call.version >= Version(48) {
        tracing::debug!("load takes all platforms of an archive");
    }
    let quiet = call.query.flag("quiet");
    let (sender, mut steps) = unbounded_channel();
    let engine = call.engine.clone();
    let archive = byte_stream(call.into_stream());
    let mut work = tokio::spawn(async move { engine.load_images(archive, sender).await });
    let first = steps.recv().await;
    let work = if first.is_none() {
        // The work is over, and no step was told.
        outcome(&mut work).await?;
        None
    } else {
        Some(work)
    };
    let loading = Loading { first, steps, work, quiet };
    Ok(reply::stream("application/json", loading.into_stream()).into())
}

async fn outcome(work: &mut JoinHandle<Result<()>>) -> Result<()> {
    work.await.unwrap_or_else(|panic| {
        Err(Error::new(Kind::Internal, "the daemon met a bug while it loaded images; see its log")
            .caused_by(panic))
    })
}

/// A load under way.
struct Loading {
    first: Option<LoadStep>,
    steps: UnboundedReceiver<LoadStep>,
    work: Option<JoinHandle<Result<()>>>,
    quiet: bool,
}

impl Loading {
    fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        stream::unfold(self, |mut loading| async move { loading.next().await.map(|line| (line, loading)) })
    }

    async fn next(&mut self) -> Option<Result<Bytes>> {
        loop {
            let step = match self.first.take() {
                Some(step) => Some(step),
                None => self.steps.recv().await,
            };
            match step {
                Some(LoadStep::Layer { .. }) if self.quiet => {}
                Some(step) => return Some(reply::line(&shown(step), "\r\n")),
                None => break,
            }
        }
        let mut work = self.work.take()?;
        let error = outcome(&mut work).await.err()?;
        Some(reply::line(&failed(&error), "\r\n"))
    }
}

impl Drop for Loading {
    /// The client went away: what is not finished is given up.
    fn drop(&mut self) {
        if let Some(work) = self.work.take() {
            work.abort();
        }
    }
}

fn shown(step: LoadStep) -> Progress {
    match step {
        LoadStep::Layer { id, current, total } => Progress {
            status: Some("Loading layer".into()),
            progress_detail: Some(ProgressDetail { current, total }),
            progress: Some(bar(current, total)),
            id: Some(id),
            ..Progress::default()
        },
        LoadStep::Moved { name, id } => Progress {
            stream: Some(format!(
                "The image {name} already exists, renaming the old one with ID {id} to empty string\n"
            )),
            ..Progress::default()
        },
        LoadStep::Loaded { name, is_id } => {
            let words = if is_id { "Loaded image ID" } else { "Loaded image" };
            Progress { stream: Some(format!("{words}: {name}\n")), ..Progress::default() }
        }
    }
}

/// A failure after the first byte, in the form of new and of old clients.
fn failed(error: &Error) -> Progress {
    tracing::debug!(%error, "loading images failed");
    Progress {
        error_detail: Some(ErrorDetail { message: error.to_string() }),
        error: Some(error.to_string()),
        ..Progress::default()
    }
}

/// The bar that Docker's clients print as it comes: fifty places.
fn bar(current: u64, total: u64) -> String {
    if total == 0 {
        return format!("{current}B");
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

/// `GET /images/{name}/get`
pub(super) async fn save<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let archive = call.engine.save_images(vec![call.parameter("name")]).await?;
    Ok(reply::stream("application/x-tar", archive).into())
}

/// `GET /images/get`
pub(super) async fn save_several<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let names: Vec<String> = call.query.all("names").map(str::to_owned).collect();
    if names.is_empty() {
        return Err(Error::invalid("bad parameter: 'names' cannot be empty"));
    }
    let archive = call.engine.save_images(names).await?;
    Ok(reply::stream("application/x-tar", archive).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_fifty_places() {
        assert_eq!(bar(0, 100), format!("[>{}]       0B/100B", " ".repeat(49)));
        assert_eq!(bar(100, 100), format!("[{}]     100B/100B", "=".repeat(50)));
        assert_eq!(bar(7, 0), "7B");
        assert_eq!(size(4_212_000), "4.212MB");
    }
}
