//! The cache: by a number of everything that a step depends on, the image that it made.

use crate::Builder;
use sampan_engine::Engine;
use sampan_error::{Context as _, Error, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

/// The time of an entry's last use is kept to so much.
const GRAIN: Duration = Duration::from_secs(60);

/// Outcomes of steps, one small file each.
#[derive(Clone)]
pub(crate) struct Cache {
    folder: PathBuf,
    engine: Engine,
}

/// What a file of the cache holds.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The image that the step made.
    image: String,
    /// The step.
    description: String,
    /// When, in seconds since 1970.
    created: u64,
}

/// An outcome in the cache, as users see it.
#[derive(Debug, Clone)]
pub struct CacheEntry {
    /// The number of the step's inputs.
    pub id: String,
    /// The step's text.
    pub description: String,
    /// The image that it made.
    pub image: String,
    /// Bytes of the files that it made.
    pub bytes: u64,
    /// When it was made.
    pub created: SystemTime,
    /// When it was last taken, to the minute.
    pub used: SystemTime,
}

/// What a pruning leaves.
#[derive(Debug, Clone, Default)]
pub struct Pruning {
    /// Only entries that were not used for so long go.
    pub older_than: Option<Duration>,
    /// The last used entries stay, up to so many bytes.
    pub keep_bytes: Option<u64>,
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
        let path = self.folder.join(key);
        let kept = self.read(key)?;
        let image = self.engine.build_base(&kept.image).ok()?;
        let file = std::fs::File::open(path).ok()?;
        let now = SystemTime::now();
        if file.metadata().ok()?.modified().ok()?.elapsed().is_ok_and(|since| since > GRAIN) {
            // Without it the entry only looks older than it is.
            let _ = file.set_modified(now);
        }
        Some(image.id.clone())
    }

    fn read(&self, key: &str) -> Option<Kept> {
        serde_json::from_slice(&std::fs::read(self.folder.join(key)).ok()?).ok()
    }

    /// Remembers what a step made. Written whole: a kill leaves the old knowledge or the new.
    pub(crate) fn keep(&self, key: &str, image: &str, description: &str) -> Result<()> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let kept =
            Kept { image: image.to_owned(), description: description.to_owned(), created: since.as_secs() };
        let bytes = serde_json::to_vec(&kept)
            .map_err(|error| Error::internal("a step cannot be written down").caused_by(error))?;
        let new = self.folder.join(format!("{key}.new"));
        std::fs::write(&new, bytes)
            .and_then(|()| std::fs::rename(&new, self.folder.join(key)))
            .context("the build cache cannot be written")
    }

    /// Everything that is known, least recently used first.
    fn entries(&self) -> Result<Vec<CacheEntry>> {
        let mut entries = Vec::new();
        for file in std::fs::read_dir(&self.folder).context("the build cache cannot be read")?.flatten() {
            let id = file.file_name().to_string_lossy().into_owned();
            let (Some(kept), Ok(metadata)) = (self.read(&id), file.metadata()) else { continue };
            let Ok(used) = metadata.modified() else { continue };
            let created = SystemTime::UNIX_EPOCH + Duration::from_secs(kept.created);
            let bytes = self.engine.build_size(&kept.image);
            entries.push(CacheEntry {
                id,
                description: kept.description,
                image: kept.image,
                bytes,
                created,
                used,
            });
        }
        entries.sort_by_key(|entry| entry.used);
        Ok(entries)
    }

    /// Forgets entries and removes the images that only they needed. Children go before their parents.
    fn forget(&self, mut entries: Vec<CacheEntry>) -> Vec<CacheEntry> {
        for entry in &entries {
            // One that is gone already is as good.
            let _ = std::fs::remove_file(self.folder.join(&entry.id));
        }
        let mut open: Vec<String> = entries.iter().map(|entry| entry.image.clone()).collect();
        loop {
            let before = open.len();
            open.retain(|image| match self.engine.build_forget(image) {
                Ok(gone) => !gone,
                Err(error) => {
                    tracing::warn!(%image, %error, "an image of the build cache stays");
                    true
                }
            });
            if open.len() == before {
                break;
            }
        }
        // What others still use was not freed.
        for entry in &mut entries {
            if open.contains(&entry.image) {
                entry.bytes = 0;
            }
        }
        entries
    }
}

impl Builder {
    /// What the cache holds, least recently used first. Blocks.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub fn cache_entries(&self) -> Result<Vec<CacheEntry>> {
        self.cache.entries()
    }

    /// Removes entries with the images that only they needed; gives what is gone, with the bytes that this freed.
    /// Blocks.
    ///
    /// # Errors
    /// The cache cannot be read.
    pub fn prune(&self, pruning: &Pruning) -> Result<Vec<CacheEntry>> {
        let everything = pruning.older_than.is_none() && pruning.keep_bytes.is_none();
        self.forget_contexts(everything);
        if everything {
            // Caches of `RUN --mount=type=cache` that a step uses at this moment stay where it sees them.
            let _ = std::fs::remove_dir_all(self.folder()?.join("mounts"));
        }
        let mut kept = 0;
        let mut entries = self.cache.entries()?;
        entries.reverse();
        entries.retain(|entry| {
            kept += entry.bytes;
            let is_old = pruning.older_than.is_none_or(|age| entry.used.elapsed().is_ok_and(|it| it > age));
            is_old && pruning.keep_bytes.is_none_or(|most| kept > most)
        });
        Ok(self.cache.forget(entries))
    }
}
