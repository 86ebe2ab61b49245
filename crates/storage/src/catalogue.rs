//! Which layers and writable layers exist, and what stands on what. Shared by the drivers.

use crate::driver::{LayerInfo, WritableInfo};
use crate::error::{Doing, Result, StorageError};
use crate::split::Shadow;
use crate::staging::Staging;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Most layers below a writable one, as with Docker's overlay2.
pub const MOST_LAYERS: usize = 127;

/// `layer.json` in a layer's directory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LayerRecord {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) size: u64,
    pub(crate) tar_size: u64,
    pub(crate) entries: u64,
    /// Name in `l/`, for overlay.
    #[serde(default)]
    pub(crate) link: String,
    #[serde(default)]
    pub(crate) shadows: Vec<Shadow>,
    /// Not an image's layer but the mount points put between an image and a container.
    #[serde(default)]
    pub(crate) hidden: bool,
}

/// `writable.json` in a writable layer's directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct WritableRecord {
    /// The layer that the caller named.
    pub(crate) parent: Option<String>,
    /// The layer it really stands on: that one, or the hidden one above it.
    pub(crate) base: Option<String>,
    #[serde(default)]
    pub(crate) size_limit: Option<u64>,
    #[serde(default)]
    pub(crate) volatile: bool,
}

#[derive(Debug, Default)]
struct State {
    layers: HashMap<String, Arc<LayerRecord>>,
    writables: BTreeMap<String, Arc<WritableRecord>>,
    /// What could not be read at the start: shown to the caller, and never removed.
    damaged: Vec<String>,
}

/// The directories of a driver and what is in them.
#[derive(Debug)]
pub(crate) struct Catalogue {
    root: PathBuf,
    pub(crate) staging: Staging,
    state: Mutex<State>,
}

impl Catalogue {
    /// Opens the directory, making it when it is missing, and clears what a killed process left.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        for directory in [root.to_path_buf(), root.join("layers"), root.join("writable")] {
            fs::create_dir_all(&directory).doing(|| format!("creating {}", directory.display()))?;
        }
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(root, fs::Permissions::from_mode(0o711))
            .doing(|| format!("setting the mode of {}", root.display()))?;
        let staging = Staging::open(root)?;
        let mut state = State::default();
        for path in children(&root.join("layers"))? {
            match read_json::<LayerRecord>(&path.join("layer.json")) {
                Ok(record) => drop(state.layers.insert(record.id.clone(), Arc::new(record))),
                Err(error) => state.damaged.push(error.to_string()),
            }
        }
        for path in children(&root.join("writable"))? {
            let Some(id) = path.file_name().and_then(|name| name.to_str()) else { continue };
            match read_json::<WritableRecord>(&path.join("writable.json")) {
                Ok(record) => drop(state.writables.insert(id.to_owned(), Arc::new(record))),
                Err(error) => state.damaged.push(error.to_string()),
            }
        }
        Ok(Self { root: root.to_path_buf(), staging, state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The maps are changed by single calls: a panic elsewhere leaves them whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Sentences about directories that could not be read at the start.
    pub(crate) fn damaged(&self) -> Vec<String> {
        self.state().damaged.clone()
    }

    pub(crate) fn layer_path(&self, id: &str) -> PathBuf {
        self.root.join("layers").join(id.replace(':', "-"))
    }

    pub(crate) fn writable_path(&self, id: &str) -> PathBuf {
        self.root.join("writable").join(id)
    }

    pub(crate) fn layer(&self, id: &str) -> Result<Arc<LayerRecord>> {
        self.state().layers.get(id).cloned().ok_or_else(|| StorageError::NoSuchLayer(id.to_owned()))
    }

    pub(crate) fn has_layer(&self, id: &str) -> bool {
        self.state().layers.contains_key(id)
    }

    pub(crate) fn layers(&self) -> Vec<LayerInfo> {
        let state = self.state();
        state.layers.values().filter(|record| !record.hidden).map(|record| info(record)).collect()
    }

    pub(crate) fn records(&self) -> Vec<Arc<LayerRecord>> {
        self.state().layers.values().cloned().collect()
    }

    /// A layer and those below it, topmost first.
    pub(crate) fn chain(&self, top: Option<&str>) -> Result<Vec<Arc<LayerRecord>>> {
        let state = self.state();
        let mut chain = Vec::new();
        let mut next = top.map(str::to_owned);
        while let Some(id) = next {
            let record = state.layers.get(&id).ok_or_else(|| StorageError::NoSuchLayer(id.clone()))?;
            if chain.len() > MOST_LAYERS + 1 {
                return Err(StorageError::Damaged(format!(
                    "layer {id} stands on more than {MOST_LAYERS} others"
                )));
            }
            next = record.parent.clone();
            chain.push(Arc::clone(record));
        }
        Ok(chain)
    }

    /// A short name for `l/` that no other layer has: eight digits of a sum over the id (FNV-1a).
    pub(crate) fn short_name(&self, id: &str) -> String {
        let mut sum =
            id.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let state = self.state();
        loop {
            let name = format!("{sum:08x}");
            if !state.layers.values().any(|record| record.link == name && record.id != id) {
                return name;
            }
            sum = sum.wrapping_add(1);
        }
    }

    pub(crate) fn insert_layer(&self, record: LayerRecord) {
        self.state().layers.insert(record.id.clone(), Arc::new(record));
    }

    /// Takes a layer out of the catalogue, with the hidden layer above it, if nothing stands on them.
    /// What is returned is to be removed from the disk, topmost first.
    pub(crate) fn take_layer(&self, id: &str) -> Result<Vec<Arc<LayerRecord>>> {
        let mut state = self.state();
        if !state.layers.contains_key(id) {
            return Err(StorageError::NoSuchLayer(id.to_owned()));
        }
        let mut taken = Vec::new();
        for child in state.layers.values().filter(|record| record.parent.as_deref() == Some(id)) {
            if !child.hidden {
                return Err(StorageError::LayerInUse {
                    layer: id.into(),
                    user: format!("layer {}", child.id),
                });
            }
            taken.push(child.id.clone());
        }
        taken.push(id.to_owned());
        for (writable, record) in &state.writables {
            if record.base.as_ref().is_some_and(|base| taken.contains(base)) {
                return Err(StorageError::LayerInUse {
                    layer: id.into(),
                    user: format!("container {writable}"),
                });
            }
        }
        Ok(taken.iter().filter_map(|id| state.layers.remove(id)).collect())
    }

    pub(crate) fn writable(&self, id: &str) -> Result<Arc<WritableRecord>> {
        self.state().writables.get(id).cloned().ok_or_else(|| StorageError::NoSuchWritable(id.to_owned()))
    }

    /// Enters a writable layer before its directory is made, so that its base cannot be removed
    /// meanwhile. To be taken back with [`Catalogue::forget_writable`] when making it fails.
    pub(crate) fn reserve_writable(&self, id: &str, record: WritableRecord) -> Result<Arc<WritableRecord>> {
        check_id(id)?;
        let mut state = self.state();
        if let Some(base) = &record.base
            && !state.layers.contains_key(base)
        {
            return Err(StorageError::NoSuchLayer(base.clone()));
        }
        if state.writables.contains_key(id) {
            return Err(StorageError::WritableExists(id.to_owned()));
        }
        let record = Arc::new(record);
        state.writables.insert(id.to_owned(), Arc::clone(&record));
        Ok(record)
    }

    pub(crate) fn forget_writable(&self, id: &str) {
        self.state().writables.remove(id);
    }

    pub(crate) fn remove_writable(&self, id: &str) -> Result<()> {
        check_id(id)?;
        let path = self.writable_path(id);
        let known = self.state().writables.remove(id);
        match fs::symlink_metadata(&path) {
            Ok(_) => self.staging.discard(&path),
            Err(_) if known.is_none() => Err(StorageError::NoSuchWritable(id.to_owned())),
            Err(_) => Ok(()),
        }
    }

    pub(crate) fn write_record(&self, id: &str, record: &[u8]) -> Result<()> {
        self.writable(id)?;
        let path = self.writable_path(id);
        let new = path.join(".record.json.new");
        fs::write(&new, record)
            .and_then(|()| fs::rename(&new, path.join("record.json")))
            .doing(|| format!("writing {}", path.join("record.json").display()))
    }

    /// Every directory of a writable layer on the disk, also one whose own record is damaged.
    pub(crate) fn all_writables(&self) -> Result<Vec<WritableInfo>> {
        let mut found = Vec::new();
        for path in children(&self.root.join("writable"))? {
            let Some(id) = path.file_name().and_then(|name| name.to_str()) else { continue };
            let record = self.writable(id).ok();
            found.push(WritableInfo {
                id: id.to_owned(),
                parent: record.as_ref().and_then(|record| record.parent.clone()),
                record: fs::read(path.join("record.json")).ok(),
                size_limit: record.and_then(|record| record.size_limit),
                path,
            });
        }
        Ok(found)
    }
}

pub(crate) fn info(record: &LayerRecord) -> LayerInfo {
    LayerInfo {
        id: record.id.clone(),
        parent: record.parent.clone(),
        size: record.size,
        tar_size: record.tar_size,
    }
}

/// Ids become names of directories.
pub(crate) fn check_id(id: &str) -> Result<()> {
    let good = !id.is_empty()
        && id.len() <= 200
        && !id.starts_with(['.', '-'])
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "._-:".contains(c));
    if good { Ok(()) } else { Err(StorageError::InvalidId(id.chars().take(200).collect())) }
}

/// Paths of a directory's entries, without those that begin with a dot.
pub(crate) fn children(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(directory).doing(|| format!("reading {}", directory.display()))? {
        let entry = entry.doing(|| format!("reading {}", directory.display()))?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

pub(crate) fn read_json<T: for<'de> Deserialize<'de>>(path: &Path) -> Result<T> {
    let bytes = fs::read(path).doing(|| format!("reading {}", path.display()))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| StorageError::Damaged(format!("{} is damaged: {error}", path.display())))
}

pub(crate) fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let bytes =
        serde_json::to_vec(value).map_err(std::io::Error::from).doing(|| "writing a record".into())?;
    fs::write(path, bytes).doing(|| format!("writing {}", path.display()))
}
