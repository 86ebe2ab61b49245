//! The cache: by a number of everything that a step depends on, the image that it made.

use crate::Builder;
use crate::held::{Held, Holds};
use crate::inputs::Inputs;
use sampan_engine::Engine;
use sampan_error::{Context as _, Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// The time of an entry's last use is kept to so much.
const GRAIN: Duration = Duration::from_secs(60);

/// An image of a step that was made within this may be one whose entry is about to be written.
const STRAY: Duration = Duration::from_secs(60 * 60);
/// The cache is looked through so often.
const ROUNDS: Duration = Duration::from_secs(10 * 60);
/// Outcomes that nobody used for so long are forgotten.
const OLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// When the cache was last looked through.
#[derive(Default)]
struct LastRound(Mutex<Option<Instant>>);

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
    /// What it depended on.
    #[serde(default)]
    inputs: Inputs,
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

    /// The image that such a step made, if it is still there.
    pub(crate) fn find(&self, key: &str, holds: &Holds) -> Option<String> {
        let path = self.folder.join(key);
        let kept = self.read(key)?;
        // Held first: a pruning may go on.
        holds.add(&kept.image);
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
    pub(crate) fn keep(&self, key: &str, image: &str, description: &str, inputs: Inputs) -> Result<()> {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let kept = Kept {
            image: image.to_owned(),
            description: description.to_owned(),
            created: since.as_secs(),
            inputs,
        };
        let bytes = serde_json::to_vec(&kept)
            .map_err(|error| Error::internal("a step cannot be written down").caused_by(error))?;
        let new = self.folder.join(format!("{key}.new"));
        std::fs::write(&new, bytes)
            .and_then(|()| std::fs::rename(&new, self.folder.join(key)))
            .context("the build cache cannot be written")
    }

    /// Why a step is not in the cache: what of it is another thing than when a step of the same text was last done.
    pub(crate) fn why(&self, description: &str, inputs: &Inputs) -> String {
        let files = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let same = files.filter_map(|file| {
            let kept = self.read(&file.file_name().to_string_lossy())?;
            (kept.description == description).then_some((file.metadata().ok()?.modified().ok()?, kept))
        });
        match same.max_by_key(|(used, _)| *used) {
            None => "no step of this text was done before".to_owned(),
            Some((_, kept)) if kept.inputs == *inputs => "what it made before was removed".to_owned(),
            Some((_, kept)) => format!("changed: {}", inputs.difference(&kept.inputs)),
        }
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

    /// Removes an image of a step unless something needs it; whether it is gone.
    fn forget_image(&self, image: &str) -> bool {
        self.engine.build_forget(image).unwrap_or_else(|error| {
            tracing::warn!(%image, %error, "an image of the build cache stays");
            false
        })
    }

    /// Removes images of steps that no entry names any more: the step was done again (`--no-cache`), or its build was
    /// killed before it was written down.
    fn forget_strays(&self) {
        let Ok(entries) = self.entries() else { return };
        let known: HashSet<String> = entries.into_iter().map(|entry| entry.image).collect();
        let held = self.engine.resident(Held::default);
        for image in self.engine.build_steps_before(STRAY) {
            if !known.contains(&image) && !held.has(&image) {
                self.forget_image(&image);
            }
        }
    }

    /// Forgets entries and removes the images that only they needed, but for those that a build stands on.
    fn forget(&self, mut entries: Vec<CacheEntry>) -> Vec<CacheEntry> {
        let held = self.engine.resident(Held::default);
        entries.retain(|entry| !held.has(&entry.image));
        for entry in &entries {
            // One that is gone already is as good.
            let _ = std::fs::remove_file(self.folder.join(&entry.id));
        }
        let images = entries.iter().map(|entry| entry.image.clone());
        let open: Vec<String> = images.filter(|image| !self.forget_image(image)).collect();
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

    /// Sees to it that the cache does not grow for ever, now and then, while nobody waits: what was not used for a month
    /// goes, and what lies beyond the share of the disk that it may have.
    pub(crate) fn look_through(&self) {
        let last = self.engine.resident(LastRound::default);
        {
            let mut last = last.0.lock().unwrap_or_else(PoisonError::into_inner);
            if last.is_some_and(|last| last.elapsed() < ROUNDS) {
                return;
            }
            *last = Some(Instant::now());
        }
        let builder = self.clone();
        tokio::task::spawn_blocking(move || {
            let old = Pruning { older_than: Some(OLD), keep_bytes: None };
            let large = Pruning { older_than: None, keep_bytes: Some(builder.engine.build_share()) };
            for pruning in [old, large] {
                if let Err(error) = builder.prune(&pruning) {
                    tracing::warn!(%error, "the build cache cannot be looked through");
                }
            }
        });
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
        self.cache.forget_strays();
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
