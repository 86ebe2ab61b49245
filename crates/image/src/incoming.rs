//! Images that come layer by layer, in any order, as pulls bring them.
//!
//! Each layer is committed as soon as those below it are: after a kill the next pull finds them. Until the image is
//! entered a layer is marked as unfinished, with the id of this boot: after a power cut its files may be empty, so
//! layers marked in another boot are removed when the store is opened.

use crate::error::{Doing, ImageError, Result};
use crate::image::Image;
use crate::ingest::{Ingested, ingest, ingest_written};
use crate::reference::Reference;
use crate::store::{Entering, Store};
use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A layer of an image that comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncomingLayer {
    /// Digest of its plain tar.
    pub diff_id: String,
    /// Its id in the snapshot driver.
    pub chain_id: String,
}

/// An image that is being brought. Threads share it.
#[derive(Debug)]
pub struct Incoming {
    store: Arc<Store>,
    config: Vec<u8>,
    id: String,
    layers: Vec<IncomingLayer>,
    staged: Mutex<Vec<Option<Ingested>>>,
    _protection: Protection,
}

/// What entering an image did.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The image.
    pub image: Arc<Image>,
    /// False when it was here already, under all these names.
    pub new: bool,
    /// Names that other images lost by it, with their ids.
    pub moved: Vec<(String, String)>,
}

impl Store {
    /// Begins to bring the image with this configuration.
    ///
    /// # Errors
    /// `InvalidArgument` when it is no configuration, or names more layers than can be mounted.
    pub fn incoming(self: &Arc<Self>, config: &[u8]) -> Result<Incoming> {
        let image = Image::from_config(config)?;
        let pairs = image.diff_ids.into_iter().zip(image.chain_ids);
        let layers: Vec<IncomingLayer> =
            pairs.map(|(diff_id, chain_id)| IncomingLayer { diff_id, chain_id }).collect();
        let staged = layers.iter().map(|_| None).collect();
        let chain_ids = layers.iter().map(|layer| layer.chain_id.clone()).collect();
        Ok(Incoming {
            store: Arc::clone(self),
            config: config.to_vec(),
            id: image.id,
            layers,
            staged: Mutex::new(staged),
            _protection: self.protected.protect(chain_ids),
        })
    }
}

impl Incoming {
    /// Its layers, lowest first.
    pub fn layers(&self) -> &[IncomingLayer] {
        &self.layers
    }

    /// The image's id.
    pub fn image_id(&self) -> &str {
        &self.id
    }

    /// Whether a layer need not be fetched: it is here, or another image has one with the same contents.
    pub fn is_present(&self, index: usize) -> bool {
        self.layers.get(index).is_some_and(|layer| {
            self.store.driver.has_layer(&layer.chain_id) || self.store.has_diff(&layer.diff_id)
        })
    }

    /// Unpacks a layer from its compressed stream, which is read to its end.
    ///
    /// # Errors
    /// `InvalidArgument` when the stream does not have the digest `blob_digest`, its plain form not the one that the
    /// configuration names, or it is damaged or hostile; nothing of it is kept then.
    pub fn take_in(&self, index: usize, blob_digest: &str, input: &mut dyn Read) -> Result<()> {
        let layer = self.layer(index)?;
        let taken = ingest(&*self.store.driver, input)?;
        let wrong = |what: String, expected: &str, found: &str| ImageError::WrongDigest {
            what,
            expected: expected.to_owned(),
            found: found.to_owned(),
        };
        if taken.blob_digest != blob_digest {
            return Err(wrong(format!("layer {blob_digest}"), blob_digest, &taken.blob_digest));
        }
        if taken.diff_id != layer.diff_id {
            return Err(wrong(format!("layer {blob_digest} unpacked"), &layer.diff_id, &taken.diff_id));
        }
        self.place(index, taken)
    }

    /// Makes a layer that is present ready: one that only another image has is copied from there.
    ///
    /// # Errors
    /// `DataLoss` when the other one is damaged; what the file system said.
    pub fn provide(&self, index: usize) -> Result<()> {
        let layer = self.layer(index)?;
        if self.store.driver.has_layer(&layer.chain_id) {
            return self.commit_ready();
        }
        let missing = || ImageError::Invalid(format!("layer {} is not here", layer.diff_id));
        let stored = self.store.chain_with_diff(&layer.diff_id).ok_or_else(missing)?;
        let driver = &*self.store.driver;
        let copy = ingest_written(driver, |out| Ok(driver.layer_tar(&stored, out)?))?;
        if copy.diff_id != layer.diff_id {
            return Err(ImageError::Damaged(format!(
                "stored layer {stored} is damaged: its digest is {}",
                copy.diff_id
            )));
        }
        self.place(index, copy)
    }

    /// Enters the image and gives it its names.
    ///
    /// # Errors
    /// A layer is missing; what the file system or the database said.
    pub fn finish(&self, names: &[Reference]) -> Result<Finished> {
        self.complete()?;
        let _changing = self.store.changing();
        let mut new = self.store.find(&self.id).is_err();
        let image = self.store.enter(&self.config, None, Entering::default())?;
        let mut moved = Vec::new();
        for name in names {
            new |= self.store.state().names.get(&name.to_string()) != Some(&image.id);
            let before = self.store.set_name(name, &image.id)?;
            moved.extend(before.map(|before| (name.familiar(), before)));
        }
        self.clear_marks();
        Ok(Finished { image: self.store.find(&self.id)?, new, moved })
    }

    /// Enters the image as an unfinished one of a build, which no list shows.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub fn finish_step(&self) -> Result<Arc<Image>> {
        self.complete()?;
        let _changing = self.store.changing();
        let image = self.store.enter(&self.config, None, Entering { step: true, later: false })?;
        self.clear_marks();
        Ok(image)
    }

    /// Sees to it that all layers are here, and on the disk.
    fn complete(&self) -> Result<()> {
        self.commit_ready()?;
        for layer in &self.layers {
            // Says which one is missing.
            self.store.driver.layer(&layer.chain_id)?;
        }
        if self.layers.iter().any(|layer| self.store.unfinished.is_marked(&layer.chain_id)) {
            self.store.driver.sync()?;
        }
        Ok(())
    }

    fn clear_marks(&self) {
        for layer in &self.layers {
            self.store.unfinished.clear(&layer.chain_id);
        }
    }

    fn layer(&self, index: usize) -> Result<&IncomingLayer> {
        self.layers
            .get(index)
            .ok_or_else(|| ImageError::Invalid(format!("the image has no layer number {}", index + 1)))
    }

    fn staged(&self) -> MutexGuard<'_, Vec<Option<Ingested>>> {
        self.staged.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, index: usize, layer: Ingested) -> Result<()> {
        if let Some(place) = self.staged().get_mut(index) {
            *place = Some(layer);
        }
        self.commit_ready()
    }

    /// Commits layers whose lower ones are all there.
    fn commit_ready(&self) -> Result<()> {
        let mut staged = self.staged();
        let mut below = None;
        for (layer, place) in self.layers.iter().zip(staged.iter_mut()) {
            let _changing = self.store.changing();
            if !self.store.driver.has_layer(&layer.chain_id) {
                let Some(ready) = place.take() else { return Ok(()) };
                self.store.unfinished.mark(&layer.chain_id)?;
                self.store.driver.commit_layer(ready.staged, &layer.chain_id, below)?;
            }
            *place = None;
            below = Some(layer.chain_id.as_str());
        }
        Ok(())
    }
}

/// Layers that are committed while their image is not entered yet: a file each, with the id of the boot.
#[derive(Debug)]
pub(crate) struct Unfinished {
    folder: PathBuf,
    pub(crate) boot: String,
}

impl Unfinished {
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Ok(Self { folder, boot })
    }

    fn path(&self, chain_id: &str) -> PathBuf {
        self.folder.join(chain_id.replace(':', "-"))
    }

    pub(crate) fn mark(&self, chain_id: &str) -> Result<()> {
        let path = self.path(chain_id);
        fs::write(&path, &self.boot).doing(|| format!("writing {}", path.display()))
    }

    fn is_marked(&self, chain_id: &str) -> bool {
        self.path(chain_id).exists()
    }

    /// Takes the mark away: the layer is on the disk, or gone.
    pub(crate) fn clear(&self, chain_id: &str) {
        // A mark that stays costs only another flush.
        let _ = fs::remove_file(self.path(chain_id));
    }

    /// Layers that were marked in another boot: their files may not have reached the disk.
    pub(crate) fn of_other_boots(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let boot = fs::read_to_string(entry.path()).unwrap_or_default();
            if boot != self.boot || boot.is_empty() {
                found.push(entry.file_name().to_string_lossy().replacen('-', ":", 1));
            }
        }
        found
    }
}

/// Layers that must not be removed because an image on its way counts on them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Protected(Arc<Mutex<HashMap<String, usize>>>);

/// Protects layers for as long as it lives.
#[derive(Debug)]
struct Protection {
    protected: Protected,
    chain_ids: Vec<String>,
}

impl Protected {
    fn counts(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn protect(&self, chain_ids: Vec<String>) -> Protection {
        for id in &chain_ids {
            *self.counts().entry(id.clone()).or_insert(0) += 1;
        }
        Protection { protected: self.clone(), chain_ids }
    }

    pub(crate) fn contains(&self, chain_id: &str) -> bool {
        self.counts().contains_key(chain_id)
    }
}

impl Drop for Protection {
    fn drop(&mut self) {
        let mut counts = self.protected.counts();
        for id in &self.chain_ids {
            if let Some(count) = counts.get_mut(id) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(id);
                }
            }
        }
    }
}
