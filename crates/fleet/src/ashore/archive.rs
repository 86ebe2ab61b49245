//! An image as a file for a place that has some of its layers.

use futures_util::StreamExt;
use sampan_engine::Engine;
use sampan_error::{Error, Result};
use sampan_provider::Layers;
use std::collections::HashSet;
use std::io::Write;

/// The layers of an image, lowest first, that a place has below all that it lacks.
pub(crate) fn present(chain: &[String], layers: &Layers) -> HashSet<String> {
    let shared =
        |there: &Vec<String>| chain.iter().zip(there).take_while(|(ours, theirs)| ours == theirs).count();
    let most = layers.chains.iter().map(shared).max().unwrap_or(0);
    chain.iter().take(most).cloned().collect()
}

/// Writes it to a file that is gone when it is dropped.
///
/// # Errors
/// No such image; no space.
pub(crate) async fn write(
    engine: &Engine,
    names: Vec<String>,
    without: HashSet<String>,
) -> Result<tempfile::NamedTempFile> {
    let failed = |error: std::io::Error| {
        Error::new(sampan_error::Kind::Exhausted, format!("the image cannot be written down: {error}"))
    };
    let folder = engine.backup_folder()?;
    std::fs::create_dir_all(&folder).map_err(failed)?;
    let mut file = tempfile::NamedTempFile::new_in(&folder).map_err(failed)?;
    let mut archive = engine.images().save_without(names, without).await?;
    while let Some(piece) = archive.next().await {
        file.write_all(&piece?).map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok(file)
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
