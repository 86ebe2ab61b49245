//! The cache: by a number of everything that a step depends on, the image that it made.

use sampan_engine::Engine;
use sampan_error::{Context, Result};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Outcomes of steps, one small file each.
#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    engine: Engine,
}

impl Cache {
    pub(crate) fn open(engine: &Engine) -> Result<Self> {
        let folder = engine.build_folder()?.join("cache");
        std::fs::create_dir_all(&folder).context(format!("cannot make {}", folder.display()))?;
        Ok(Self { folder, engine: engine.clone() })
    }

    /// The number of a step: of its parent and all its inputs.
    pub(crate) fn key(inputs: &serde_json::Value) -> String {
        hex::encode(Sha256::digest(inputs.to_string()))
    }

    /// The image that such a step made, if it is still there.
    pub(crate) fn find(&self, key: &str) -> Option<String> {
        let id = std::fs::read_to_string(self.folder.join(key)).ok()?;
        self.engine.build_base(&id).ok().map(|image| image.id.clone())
    }

    /// Remembers what a step made. Written whole: a kill leaves the old knowledge or the new.
    pub(crate) fn keep(&self, key: &str, image: &str) -> Result<()> {
        let new = self.folder.join(format!("{key}.new"));
        std::fs::write(&new, image)
            .and_then(|()| std::fs::rename(&new, self.folder.join(key)))
            .context("the build cache cannot be written")
    }

    /// Forgets everything; how many steps that were.
    pub(crate) fn clear(&self) -> Result<usize> {
        if let Ok(folder) = self.engine.build_folder() {
            // Caches of `RUN --mount=type=cache` that a step uses at this moment stay where it sees them.
            let _ = std::fs::remove_dir_all(folder.join("mounts"));
        }
        let mut count = 0;
        let entries = std::fs::read_dir(&self.folder).context("the build cache cannot be read")?;
        for entry in entries.flatten() {
            count += usize::from(std::fs::remove_file(entry.path()).is_ok());
        }
        Ok(count)
    }
}
