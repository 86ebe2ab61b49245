//! The image store: which images and names there are.

use crate::blobs::{Blobs, write_whole};
use crate::collect::Uses;
use crate::error::{Doing, ImageError, Result};
use crate::image::{Image, ImageRecord, now};
use crate::incoming::{Protected, Unfinished};
use crate::known_blobs::KnownBlobs;
use crate::partial::{Partial, Partials};
use crate::reference::{Reference, is_full_id, is_hex};
use sampan_state::{Collection, Durability, Record};
use sampan_storage::SnapshotDriver;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A name and the image it stands for, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceRecord {
    /// The complete reference.
    pub name: String,
    /// The image's id.
    pub image: String,
}

impl Record for ReferenceRecord {
    const COLLECTION: &'static str = "image_reference";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.name.clone()
    }
}

/// How an image is entered.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Entering {
    /// It is an unfinished image of a build.
    pub(crate) step: bool,
    /// Nobody waits for the disk: until [`Store::flush`], a power cut makes the image one that never was.
    pub(crate) later: bool,
}

/// Images, their names and their layers. All methods may be called from many threads at once.
#[derive(Debug)]
pub struct Store {
    pub(crate) driver: Arc<dyn SnapshotDriver>,
    pub(crate) blobs: Blobs,
    pub(crate) pool: crate::pool::Pool,
    pub(crate) records: PathBuf,
    pub(crate) references: References,
    pub(crate) known: Known,
    /// Compressed forms that are kept.
    pub(crate) kept: PathBuf,
    pub(crate) partials: Partials,
    pub(crate) uses: Uses,
    pub(crate) unfinished: Unfinished,
    pub(crate) protected: Protected,
    state: Mutex<State>,
    /// Held while images and layers are entered or taken away, so that neither misses the other.
    pub(crate) changing: Mutex<()>,
}

pub(crate) struct References(pub(crate) Collection<ReferenceRecord>);

/// Compressed forms of layers that registries have.
pub(crate) struct Known(pub(crate) Collection<KnownBlobs>);

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Known")
    }
}

impl std::fmt::Debug for References {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("References")
    }
}

/// What is known in memory: all of it.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) images: HashMap<String, Arc<Image>>,
    /// Complete reference to image id.
    pub(crate) names: BTreeMap<String, String>,
    /// Sentences about images that could not be read at the start.
    pub(crate) damaged: Vec<String>,
}

impl State {
    /// The complete references of an image, sorted.
    pub(crate) fn names_of(&self, id: &str) -> Vec<&str> {
        self.names.iter().filter(|(_, image)| *image == id).map(|(name, _)| name.as_str()).collect()
    }
}

impl Store {
    /// Opens the store in `<root>/image`. Images are known by their own files; names too, and those in
    /// the database that the files do not confirm are dropped, those that it lacks are entered.
    ///
    /// # Errors
    /// When the directory or the database cannot be used. A damaged image is set aside, and told by
    /// [`Store::damaged`].
    pub fn open(
        root: &Path,
        driver: Arc<dyn SnapshotDriver>,
        references: Collection<ReferenceRecord>,
        known: Collection<KnownBlobs>,
    ) -> Result<Self> {
        let root = root.join("image");
        let records = root.join("records");
        fs::create_dir_all(&records).doing(|| format!("creating {}", records.display()))?;
        let store = Self {
            driver,
            blobs: Blobs::open(&root.join("oci-layout"))?,
            pool: crate::pool::Pool::default(),
            records,
            references: References(references),
            known: Known(known),
            partials: Partials::open(root.join("partial"))?,
            kept: root.join("kept"),
            uses: Uses::open(root.join("last-used.json")),
            unfinished: Unfinished::open(root.join("unfinished"))?,
            protected: Protected::default(),
            state: Mutex::default(),
            changing: Mutex::default(),
        };
        store.recover()?;
        store.remove_unflushed()?;
        Ok(store)
    }

    /// Takes up the compressed bytes of a layer where a former pull left them, or begins them. One holder at a time
    /// for each digest: the caller sees to it.
    ///
    /// # Errors
    /// What the file system said.
    pub fn partial(&self, digest: &str, size: u64) -> Result<Partial> {
        self.partials.begin(digest, size)
    }

    pub(crate) fn fill_sizes(&self, image: &mut Image) -> Result<()> {
        image.layer_sizes =
            image.chain_ids.iter().map(|id| self.driver.layer_size(id)).collect::<Result<_, _>>()?;
        image.size = image.layer_sizes.iter().sum();
        Ok(())
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // Changed by single calls: a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn changing(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sentences about images that could not be read at the start; they are left on the disk.
    pub fn damaged(&self) -> Vec<String> {
        self.state().damaged.clone()
    }

    /// The driver that holds the layers.
    pub fn driver(&self) -> &Arc<dyn SnapshotDriver> {
        &self.driver
    }

    /// Enters an image whose layers are all committed: its configuration first, then its record.
    /// The caller holds `changing`.
    pub(crate) fn enter(
        &self,
        config: &[u8],
        parent: Option<String>,
        entering: Entering,
    ) -> Result<Arc<Image>> {
        let mut image = Image::from_config(config)?;
        if let Some(known) = self.state().images.get(&image.id) {
            return Ok(Arc::clone(known));
        }
        self.fill_sizes(&mut image)?;
        image.parent = parent;
        image.step = entering.step;
        if entering.later {
            image.unflushed.clone_from(&self.unfinished.boot);
        }
        image.entered_at = now();
        self.blobs.put(config, entering.later)?;
        self.write_image(&image, Vec::new())?;
        let image = Arc::new(image);
        self.state().images.insert(image.id.clone(), Arc::clone(&image));
        Ok(image)
    }

    fn record_path(&self, id: &str) -> PathBuf {
        self.records.join(format!("{}.json", id.trim_start_matches("sha256:")))
    }

    fn write_image(&self, image: &Image, names: Vec<String>) -> Result<()> {
        let record = ImageRecord {
            id: image.id.clone(),
            parent: image.parent.clone(),
            step: image.step,
            unflushed: image.unflushed.clone(),
            last_tagged_at: image.last_tagged_at,
            names,
            manifests: image.manifests.clone(),
            attestations: image.attestations.clone(),
            pinned: image.pinned,
            entered_at: image.entered_at,
        };
        let bytes =
            serde_json::to_vec(&record).map_err(std::io::Error::from).doing(|| "writing an image".into())?;
        write_whole(&self.record_path(&image.id), &bytes, !image.unflushed.is_empty())
    }

    /// Writes the names of an image as they are in memory.
    fn write_names(&self, id: &str) -> Result<()> {
        let (image, names) = {
            let state = self.state();
            let Some(image) = state.images.get(id).cloned() else { return Ok(()) };
            (image, state.names_of(id).into_iter().map(str::to_owned).collect())
        };
        self.write_image(&image, names)
    }

    /// Changes what is kept of an image beside its configuration. The caller holds `changing`.
    pub(crate) fn change_image(&self, id: &str, change: impl FnOnce(&mut Image)) -> Result<()> {
        {
            let mut state = self.state();
            let Some(image) = state.images.get(id) else {
                return Err(ImageError::NoSuchImage(id.to_owned()));
            };
            let mut image = Image::clone(image);
            change(&mut image);
            state.images.insert(id.to_owned(), Arc::new(image));
        }
        self.write_names(id)
    }

    /// Gives an image a name, taking it from another if that has it. Returns the id of that other.
    /// The caller holds `changing`.
    pub(crate) fn set_name(&self, name: &Reference, id: &str) -> Result<Option<String>> {
        let key = name.to_string();
        let before = {
            let mut state = self.state();
            let Some(image) = state.images.get(id) else {
                return Err(ImageError::NoSuchImage(id.to_owned()));
            };
            let mut image = Image::clone(image);
            image.last_tagged_at = now();
            state.images.insert(id.to_owned(), Arc::new(image));
            state.names.insert(key.clone(), id.to_owned())
        };
        self.write_names(id)?;
        let unflushed = self.state().images.get(id).is_some_and(|image| !image.unflushed.is_empty());
        let durability = if unflushed { Durability::Normal } else { Durability::Full };
        self.references.0.put(&ReferenceRecord { name: key, image: id.to_owned() }, durability)?;
        let before = before.filter(|before| before != id);
        if let Some(before) = &before {
            self.write_names(before)?;
        }
        Ok(before)
    }

    /// Takes a name away. The caller holds `changing`.
    pub(crate) fn clear_name(&self, name: &str) -> Result<()> {
        let Some(id) = self.state().names.remove(name) else { return Ok(()) };
        self.write_names(&id)?;
        self.references.0.remove(name, Durability::Full)?;
        Ok(())
    }

    /// Removes an image that has no name, and layers that no other image needs. The caller holds
    /// `changing`. Returns the removed layers, topmost first.
    pub(crate) fn take_out(&self, id: &str) -> Result<Vec<String>> {
        let Some(image) = self.state().images.remove(id) else { return Ok(Vec::new()) };
        let path = self.record_path(id);
        fs::remove_file(&path).doing(|| format!("removing {}", path.display()))?;
        self.blobs.remove(id)?;
        self.drop_manifests(&image)?;
        self.uses.forget(id);
        let mut removed = Vec::new();
        for layer in image.chain_ids.iter().rev() {
            let needed = self.state().images.values().any(|other| other.chain_ids.contains(layer));
            if needed || self.protected.contains(layer) {
                break;
            }
            match self.driver.remove_layer(layer) {
                Ok(()) => {
                    self.unfinished.clear(layer);
                    removed.push(layer.clone());
                }
                // A container stands on it: it goes when the store is next swept.
                Err(sampan_storage::StorageError::LayerInUse { .. }) => break,
                Err(sampan_storage::StorageError::NoSuchLayer(_)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let gone = image.diff_ids.iter().filter(|diff_id| !self.has_diff(diff_id)).cloned();
        self.forget_blobs_of(&gone.collect::<Vec<_>>());
        Ok(removed)
    }

    /// Finds an image by name, `name:tag`, digest, id or the beginning of an id, in Docker's order.
    ///
    /// # Errors
    /// `NotFound` with Docker's text; `InvalidArgument` for an impossible name or an ambiguous short id.
    pub fn find(&self, text: &str) -> Result<Arc<Image>> {
        self.resolve(text).map(|(image, _)| image)
    }

    /// Like [`Store::find`], and tells the name when it was found by one.
    ///
    /// # Errors
    /// Those of [`Store::find`].
    pub fn resolve(&self, text: &str) -> Result<(Arc<Image>, Option<Reference>)> {
        let state = self.state();
        let missing = |text: &str| ImageError::NoSuchImage(text.to_owned());
        let id = text.strip_prefix("sha256:").unwrap_or(text);
        if is_full_id(id) {
            return match state.images.get(&format!("sha256:{id}")) {
                Some(image) => Ok((Arc::clone(image), None)),
                None => Err(missing(text)),
            };
        }
        let reference = Reference::parse(text);
        if let Ok(reference) = &reference {
            let reference = reference.clone().or_latest();
            let named = state.names.get(&reference.to_string()).or_else(|| {
                // `name:tag@digest` means the digest.
                let digest = reference.digest()?;
                state.names.get(&reference.with_digest(digest).to_string())
            });
            if let Some(image) = named.and_then(|id| state.images.get(id)) {
                return Ok((Arc::clone(image), Some(reference)));
            }
        }
        if is_hex(id) {
            let prefix = format!("sha256:{id}");
            let mut found = state.images.values().filter(|image| image.id.starts_with(&prefix));
            match (found.next(), found.next()) {
                (Some(image), None) => return Ok((Arc::clone(image), None)),
                (Some(_), Some(_)) => return Err(ImageError::Ambiguous(text.to_owned())),
                _ => {}
            }
        }
        match reference {
            Ok(reference) => Err(missing(&reference.or_latest().familiar())),
            Err(_) if text.starts_with("sha256:") && is_hex(id) => Err(missing(text)),
            Err(error) => Err(error),
        }
    }

    /// Names of an image as users write them: tags (`busybox:latest`) and digests (`busybox@sha256:…`).
    pub fn names(&self, id: &str) -> Names {
        names_in(&self.state(), id)
    }

    /// All that is known of an image.
    ///
    /// # Errors
    /// Those of [`Store::find`].
    pub fn inspect(&self, text: &str) -> Result<Inspected> {
        let image = self.find(text)?;
        let driver_data = match image.top_layer() {
            Some(top) => self.driver.inspect_layer(top)?,
            None => Vec::new(),
        };
        Ok(Inspected { names: self.names(&image.id), driver: self.driver.name(), driver_data, image })
    }

    /// Gives an image a further name. Returns the image that had the name before, if another.
    ///
    /// # Errors
    /// `NotFound` for the image; `InvalidArgument` for the name, also for one with a digest.
    pub fn tag(&self, image: &str, name: &str) -> Result<Tagged> {
        let name = Reference::parse(name)?;
        if name.digest().is_some() {
            return Err(ImageError::InvalidReference(
                "refusing to create a tag with a digest reference".into(),
            ));
        }
        let name = name.or_latest();
        let _changing = self.changing();
        let image = self.find(image)?;
        let before = self.set_name(&name, &image.id)?;
        Ok(Tagged { image: image.id.clone(), name: name.familiar(), before })
    }

    /// The configuration's bytes, exactly as they came.
    ///
    /// # Errors
    /// `NotFound`; `DataLoss` when they are damaged.
    pub fn raw_config(&self, id: &str) -> Result<Vec<u8>> {
        self.blobs.get(&self.find(id)?.id)
    }

    /// Whether a layer of this diff id is stored, on whatever layers.
    pub(crate) fn has_diff(&self, diff_id: &str) -> bool {
        self.chain_with_diff(diff_id).is_some()
    }

    /// The chain id of a stored layer with this diff id.
    pub(crate) fn chain_with_diff(&self, diff_id: &str) -> Option<String> {
        let state = self.state();
        state.images.values().find_map(|image| {
            let index = image.diff_ids.iter().position(|known| known == diff_id)?;
            image.chain_ids.get(index).cloned()
        })
    }

    /// All images, in no order.
    pub fn images(&self) -> Vec<Arc<Image>> {
        self.state().images.values().cloned().collect()
    }

    /// Number of images.
    pub fn count(&self) -> usize {
        self.state().images.len()
    }
}

/// All that is known of an image.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The image.
    pub image: Arc<Image>,
    /// Its names.
    pub names: Names,
    /// Name of the snapshot driver.
    pub driver: &'static str,
    /// What the driver tells of its top layer: `GraphDriver.Data`.
    pub driver_data: Vec<(String, String)>,
}

/// Names of one image as users write them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// `busybox:latest`
    pub tags: Vec<String>,
    /// `busybox@sha256:…`
    pub digests: Vec<String>,
}

/// What [`Store::tag`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tagged {
    /// The image's id.
    pub image: String,
    /// The new name, as users write it.
    pub name: String,
    /// The image that lost the name.
    pub before: Option<String>,
}

pub(crate) fn names_in(state: &State, id: &str) -> Names {
    let mut names = Names::default();
    for name in state.names_of(id) {
        let Ok(reference) = Reference::parse(name) else { continue };
        if reference.digest().is_some() { &mut names.digests } else { &mut names.tags }
            .push(reference.familiar());
    }
    names
}
