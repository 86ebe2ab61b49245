//! How images get to an engine: as an archive without the layers that are there.

use crate::engine::{Docker, text};
use crate::failure::failure;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use sampan_engine_client::Query;
use sampan_provider::{Failure, Layers, Result};
use serde_json::Value;
use std::path::Path;
use tokio::io::AsyncReadExt;

/// So many images of an engine are looked at for layers.
const MOST_IMAGES: usize = 200;
/// Bytes that are read of an archive at once.
const PIECE: usize = 256 * 1024;

impl Docker {
    /// The layers that are there and of which an image could be made.
    pub(crate) async fn layers(&self, image_id: &str) -> Result<Layers> {
        if let Ok(found) = self.get(Query::path("/images/{}/json", &[image_id])).await {
            return Ok(Layers { complete: true, chains: vec![chain(&found)] });
        }
        let images = self.get(Query::path("/images/json", &[])).await?;
        let mut chains = Vec::new();
        for image in images.as_array().into_iter().flatten().take(MOST_IMAGES) {
            // One that was removed meanwhile has nothing.
            if let Ok(found) = self.get(Query::path("/images/{}/json", &[text(image, "/Id")])).await {
                chains.push(chain(&found));
            }
        }
        Ok(Layers { complete: false, chains })
    }

    /// Sends an archive.
    pub(crate) async fn load(&self, archive: &Path) -> Result<()> {
        let unreadable =
            |error: std::io::Error| Failure::Transport(format!("{}: {error}", archive.display()));
        let file = tokio::fs::File::open(archive).await.map_err(unreadable)?;
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = vec![0; PIECE];
            let count = file.read(&mut piece).await?;
            piece.truncate(count);
            Ok((count > 0).then(|| (Bytes::from(piece), file)))
        });
        let query = Query::path("/images/load", &[]).with("quiet", "1");
        let mut answer =
            self.client.upload(query, "application/x-tar", pieces.boxed()).await.map_err(failure)?;
        let mut said = Vec::new();
        while let Some(piece) = answer.next().await {
            said.extend_from_slice(&piece.map_err(unreadable)?);
        }
        told(&said)
    }

    /// A request of Sampan's own that tells its steps; the failure is the last of them.
    pub(crate) async fn told(&self, query: Query, body: &Value) -> Result<()> {
        let bytes = Bytes::from(body.to_string());
        let once = stream::once(async move { Ok(bytes) }).boxed();
        let mut answer = self.client.upload(query, "application/json", once).await.map_err(failure)?;
        let mut said = Vec::new();
        while let Some(piece) = answer.next().await {
            said.extend_from_slice(&piece.map_err(|error| Failure::Transport(error.to_string()))?);
        }
        told(&said)
    }
}

/// The failure among lines of progress.
fn told(lines: &[u8]) -> Result<()> {
    for line in lines.split(|byte| *byte == b'\n') {
        let said = serde_json::from_slice::<Value>(line).unwrap_or_default();
        let error = [text(&said, "/errorDetail/message"), text(&said, "/error")]
            .into_iter()
            .find(|text| !text.is_empty());
        if let Some(error) = error {
            return Err(Failure::RolloutFailed(error.to_owned()));
        }
    }
    Ok(())
}

fn chain(image: &Value) -> Vec<String> {
    let layers = image.pointer("/RootFS/Layers").and_then(Value::as_array);
    layers.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
