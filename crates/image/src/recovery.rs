//! What a store finds on the disk when it is opened, and what it takes until everything is there.

use crate::error::{Doing, ImageError, Result};
use crate::image::{Image, ImageRecord};
use crate::store::{ReferenceRecord, State, Store};
use sampan_state::Durability;
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

impl Store {
    /// Removes layers that a pull committed before the power failed: their files may be empty.
    pub(crate) fn remove_unflushed(&self) -> Result<()> {
        let mut left = self.unfinished.of_other_boots();
        loop {
            let before = left.len();
            let mut remaining = Vec::new();
            for layer in left {
                let used = self.state().images.values().any(|image| image.chain_ids.contains(&layer));
                match if used { Ok(()) } else { self.driver.remove_layer(&layer) } {
                    // Another of them stands on it.
                    Err(sampan_storage::StorageError::LayerInUse { .. }) => remaining.push(layer),
                    Ok(()) | Err(sampan_storage::StorageError::NoSuchLayer(_)) => {
                        self.unfinished.clear(&layer)
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if remaining.is_empty() || remaining.len() == before {
                return Ok(());
            }
            left = remaining;
        }
    }

    pub(crate) fn recover(&self) -> Result<()> {
        let mut state = State::default();
        let entries = fs::read_dir(&self.records).doing(|| format!("reading {}", self.records.display()))?;
        for entry in entries.flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".") {
                let _ = fs::remove_file(entry.path());
                continue;
            }
            if self.is_cut_off(&entry.path()) {
                let _ = fs::remove_file(entry.path());
                continue;
            }
            match self.read_image(&entry.path()) {
                Ok((image, record)) => {
                    for name in record.names {
                        // Two files name it only when a process was killed between two writes.
                        let newer = state.names.get(&name).and_then(|id| state.images.get(id));
                        if newer.is_none_or(|newer| newer.last_tagged_at <= image.last_tagged_at) {
                            state.names.insert(name, image.id.clone());
                        }
                    }
                    state.images.insert(image.id.clone(), Arc::new(image));
                }
                Err(error) => state.damaged.push(error.to_string()),
            }
        }
        self.reconcile_names(&state)?;
        *self.state() = state;
        Ok(())
    }

    /// Whether an image came shortly before the power failed: its files may be empty, so it never was.
    fn is_cut_off(&self, path: &Path) -> bool {
        let Ok(bytes) = fs::read(path) else { return false };
        match serde_json::from_slice::<ImageRecord>(&bytes) {
            Ok(record) => !record.unflushed.is_empty() && record.unflushed != self.unfinished.boot,
            Err(_) => bytes.iter().all(|byte| *byte == 0),
        }
    }

    /// Waits until everything of images that were entered for later is on the disk. Blocks.
    ///
    /// # Errors
    /// What the file system said.
    pub fn flush(&self) -> Result<()> {
        let of = |state: &State| {
            let images = state.images.values().filter(|image| !image.unflushed.is_empty());
            images.map(|image| image.id.clone()).collect::<Vec<_>>()
        };
        let unflushed = of(&self.state());
        if unflushed.is_empty() {
            return Ok(());
        }
        self.driver.sync()?;
        self.sync_records()?;
        {
            let _changing = self.changing();
            for id in unflushed {
                // One that was removed meanwhile needs nothing more.
                let Some(image) = self.state().images.get(&id).cloned() else { continue };
                self.change_image(&id, |image| image.unflushed.clear())?;
                image.chain_ids.iter().for_each(|layer| self.unfinished.clear(layer));
            }
        }
        Ok(())
    }

    /// Our own files may be on another file system than the layers.
    fn sync_records(&self) -> Result<()> {
        let folder = fs::File::open(&self.records).doing(|| "opening the images' records".into())?;
        rustix::fs::syncfs(folder).map_err(std::io::Error::from).doing(|| "writing images to the disk".into())
    }

    /// Makes the database agree with the files.
    fn reconcile_names(&self, state: &State) -> Result<()> {
        let known = self.references.0.all()?;
        for record in &known {
            if !state.names.contains_key(&record.name) {
                self.references.0.remove(&record.name, Durability::Normal)?;
            }
        }
        let known: HashMap<&str, &str> = known.iter().map(|r| (r.name.as_str(), r.image.as_str())).collect();
        for (name, image) in &state.names {
            if known.get(name.as_str()) != Some(&image.as_str()) {
                let record = ReferenceRecord { name: name.clone(), image: image.clone() };
                self.references.0.put(&record, Durability::Normal)?;
            }
        }
        Ok(())
    }

    fn read_image(&self, path: &Path) -> Result<(Image, ImageRecord)> {
        let bytes = fs::read(path).doing(|| format!("reading {}", path.display()))?;
        let record: ImageRecord = serde_json::from_slice(&bytes)
            .map_err(|error| ImageError::Damaged(format!("{} is damaged: {error}", path.display())))?;
        let mut image = Image::from_config(&self.blobs.get(&record.id)?)?;
        self.fill_sizes(&mut image).map_err(|error| {
            ImageError::Damaged(format!("image {} lacks a layer and is set aside: {error}", record.id))
        })?;
        image.parent.clone_from(&record.parent);
        image.step = record.step;
        image.unflushed.clone_from(&record.unflushed);
        image.last_tagged_at = record.last_tagged_at;
        image.manifests.clone_from(&record.manifests);
        image.attestations.clone_from(&record.attestations);
        image.pinned = record.pinned;
        image.entered_at = record.entered_at;
        Ok((image, record))
    }
}
