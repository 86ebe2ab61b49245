//! An image as a file for a place that has some of its layers.

use futures_util::StreamExt;
use sampan_engine::Engine;
use sampan_error::{Error, Result};
use sampan_provider::Layers;
use std::collections::HashSet;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use tokio::io::AsyncWriteExt;

/// The layers of an image, lowest first, that a place has below all that it lacks.
pub(crate) fn present(chain: &[String], layers: &Layers) -> HashSet<String> {
    let shared =
        |there: &Vec<String>| chain.iter().zip(there).take_while(|(ours, theirs)| ours == theirs).count();
    let most = layers.chains.iter().map(shared).max().unwrap_or(0);
    chain.iter().take(most).cloned().collect()
}

/// An image in a file without a name: whatever ends the daemon, nothing of it stays.
pub(crate) struct Archive(tokio::fs::File);

impl Archive {
    /// Where it can be opened, from its begin, for as long as this value lives.
    pub(crate) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }
}

/// Writes it down, without these layers.
///
/// # Errors
/// No such image; no space.
pub(crate) async fn write(engine: &Engine, names: Vec<String>, without: HashSet<String>) -> Result<Archive> {
    let failed = |error: std::io::Error| {
        Error::new(sampan_error::Kind::Exhausted, format!("the image cannot be written down: {error}"))
    };
    let folder = engine.backup_folder()?;
    let file = crate::fleet::blocking(move || tempfile::tempfile_in(folder).map_err(failed)).await?;
    let mut file = tokio::fs::File::from_std(file);
    let mut archive = engine.images().save_without(names, without).await?;
    while let Some(piece) = archive.next().await {
        file.write_all(&piece?).await.map_err(failed)?;
    }
    file.flush().await.map_err(failed)?;
    Ok(Archive(file))
}

#[cfg(test)]
mod tests {
    use super::present;
    use sampan_provider::Layers;

    #[test]
    fn a_layer_counts_only_on_the_same_ones() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let layers = Layers { complete: false, chains: vec![words("x b"), words("a z"), words("a b")] };
        let mut there: Vec<String> = present(&words("a b c"), &layers).into_iter().collect();
        there.sort();
        assert_eq!(there, words("a b"));
        assert!(present(&words("q b"), &layers).is_empty());
    }
}
