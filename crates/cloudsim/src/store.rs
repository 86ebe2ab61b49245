//! Keeping the regions: one file each, written anew after each change.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use sampan_error::{Context, Error, Result};

use crate::keys::write_private;
use crate::state::Region;

/// All regions.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
    regions: Mutex<BTreeMap<String, Region>>,
}

impl Store {
    /// Reads what an earlier run kept in a folder.
    ///
    /// # Errors
    /// A file is damaged.
    pub(crate) fn open(folder: &Path) -> Result<Self> {
        let mut regions = BTreeMap::new();
        for entry in std::fs::read_dir(folder).context("the simulation's folder cannot be read")? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let Some(name) = name.strip_prefix("region-").and_then(|name| name.strip_suffix(".json")) else {
                continue;
            };
            let region = serde_json::from_slice(&std::fs::read(&path)?).map_err(|error| {
                Error::invalid(format!("{} is damaged: remove it to start anew", path.display()))
                    .caused_by(error)
            })?;
            regions.insert(name.to_owned(), region);
        }
        Ok(Self { folder: folder.to_owned(), regions: Mutex::new(regions) })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Region>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The names of the regions in use.
    pub(crate) fn names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// Looks at a region; nothing is kept.
    pub(crate) fn look<T>(&self, region: &str, look: impl FnOnce(&Region) -> T) -> T {
        match self.lock().get(region) {
            Some(region) => look(region),
            None => look(&Region { name: region.into(), ..Region::default() }),
        }
    }

    /// Changes a region in memory only: for what is found out anew after a restart.
    pub(crate) fn touch<T>(&self, region: &str, change: impl FnOnce(&mut Region) -> T) -> T {
        let mut regions = self.lock();
        let region = regions
            .entry(region.into())
            .or_insert_with(|| Region { name: region.into(), ..Region::default() });
        change(region)
    }

    /// Changes a region and writes it before it returns.
    pub(crate) fn change<T>(&self, region: &str, change: impl FnOnce(&mut Region) -> T) -> T {
        let mut regions = self.lock();
        let state = regions
            .entry(region.into())
            .or_insert_with(|| Region { name: region.into(), ..Region::default() });
        let outcome = change(state);
        let path = self.folder.join(format!("region-{region}.json"));
        let written = serde_json::to_vec(state)
            .map_err(|error| Error::internal(error.to_string()))
            .and_then(|text| write_private(&path, &text));
        if let Err(error) = written {
            tracing::error!(%error, region, "the simulation's state cannot be kept");
        }
        outcome
    }
}
