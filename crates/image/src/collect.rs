//! Images under a disk budget: those that were not used for longest go first.

use crate::error::Result;
use crate::image::{Image, now};
use crate::remove::{ImageUser, Removed};
use crate::store::Store;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// When to remove images, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CollectOptions {
    /// Bytes that all layers together may take.
    pub budget: u64,
    /// An image that was used within this stays.
    pub minimum_age: Duration,
    /// Only say what would go.
    pub dry_run: bool,
}

/// An image that went, or would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectedImage {
    /// Its id.
    pub image: String,
    /// Its names, as users write them.
    pub names: Vec<String>,
    /// Bytes of the layers that only it had.
    pub size: u64,
    /// When a container was last made from it, or it was last tagged: nanoseconds since 1970.
    pub last_used: i64,
}

/// What a collection did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CollectedImages {
    /// The images, in the order in which they went.
    pub images: Vec<CollectedImage>,
    /// What their removal did, line by line; empty for a trial.
    pub removed: Vec<Removed>,
    /// Bytes of all layers before.
    pub before: u64,
    /// And after.
    pub after: u64,
}

/// When images were last used. Written now and then: what a kill loses makes an image look older, as it was before.
#[derive(Debug)]
pub(crate) struct Uses {
    path: PathBuf,
    state: Mutex<UsesState>,
}

#[derive(Debug, Default)]
struct UsesState {
    times: HashMap<String, i64>,
    written: i64,
}

/// Time between two writings.
const WRITTEN_EVERY: i64 = 300_000_000_000;

impl Uses {
    pub(crate) fn open(path: PathBuf) -> Self {
        let text = fs::read(&path).unwrap_or_default();
        let times = serde_json::from_slice(&text).unwrap_or_default();
        Self { path, state: Mutex::new(UsesState { times, written: 0 }) }
    }

    fn mark(&self, id: &str) {
        let time = now();
        let times = {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            state.times.insert(id.to_owned(), time);
            if time - state.written < WRITTEN_EVERY {
                return;
            }
            state.written = time;
            state.times.clone()
        };
        // A container is being started: it does not wait for the disk.
        let path = self.path.clone();
        std::thread::spawn(move || {
            let new = path.with_extension("new");
            // Knowledge that only orders images: what cannot be written is no failure of the use.
            if let Ok(text) = serde_json::to_vec(&times) {
                let _ = fs::write(&new, text).and_then(|()| fs::rename(&new, &path));
            }
        });
    }

    fn of(&self, image: &Image) -> i64 {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.times.get(&image.id).copied().unwrap_or(0).max(image.last_tagged_at).max(image.entered_at)
    }

    pub(crate) fn forget(&self, id: &str) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).times.remove(id);
    }
}

impl Store {
    /// Notes that a container is made from an image.
    pub fn mark_used(&self, id: &str) {
        self.uses.mark(id);
    }

    /// Keeps an image from being collected, or no longer.
    ///
    /// # Errors
    /// `NotFound`; what the file system said.
    pub fn pin(&self, name: &str, pinned: bool) -> Result<Arc<Image>> {
        let image = self.find(name)?;
        {
            let _changing = self.changing();
            self.change_image(&image.id, |image| image.pinned = pinned)?;
        }
        self.find(&image.id)
    }

    /// Removes images until all layers together are within the budget: the least recently used first, never one that
    /// a container was made from, that is pinned, or on which another stands.
    ///
    /// # Errors
    /// The first failure of a removal.
    pub fn collect(&self, options: CollectOptions, users: &[ImageUser]) -> Result<CollectedImages> {
        let _changing = self.changing();
        let sizes: HashMap<String, u64> =
            self.driver.layers().into_iter().map(|layer| (layer.id, layer.size)).collect();
        let mut collected = CollectedImages { before: sizes.values().sum(), ..CollectedImages::default() };
        collected.after = collected.before;
        let mut left = self.images();
        left.sort_by_key(|image| self.uses.of(image));
        while collected.after > options.budget {
            let Some(at) = left.iter().position(|image| self.may_go(image, &left, options, users)) else {
                break;
            };
            let image = left.remove(at);
            let needed: HashSet<&String> = left.iter().flat_map(|image| &image.chain_ids).collect();
            let own = image.chain_ids.iter().filter(|layer| !needed.contains(layer));
            let size = own.filter_map(|layer| sizes.get(layer)).sum();
            // Once it is gone nobody knows these.
            let (names, last_used) = (self.names(&image.id).tags, self.uses.of(&image));
            if !options.dry_run {
                self.remove_image(&image, true, false, true, users, &mut collected.removed)?;
            }
            collected.after = collected.after.saturating_sub(size);
            collected.images.push(CollectedImage { last_used, image: image.id.clone(), names, size });
        }
        Ok(collected)
    }

    fn may_go(
        &self,
        image: &Image,
        left: &[Arc<Image>],
        options: CollectOptions,
        users: &[ImageUser],
    ) -> bool {
        let age = u128::try_from(now() - self.uses.of(image)).unwrap_or_default();
        !image.pinned
            && age >= options.minimum_age.as_nanos()
            && !users.iter().any(|user| user.image == image.id)
            && !left.iter().any(|other| other.parent.as_deref() == Some(&image.id))
    }
}
