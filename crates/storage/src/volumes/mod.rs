//! Named volumes on this host: `<root>/volumes/<name>/_data`, with a `record.json` beside the data.
//!
//! The record beside the data is the truth: volumes need no database, so none can be lost with it.

use crate::error::{Result, StorageError};
use crate::remove::remove_tree;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is kept of a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeRecord {
    /// Its name.
    pub name: String,
    /// Nanoseconds since 1970 of its creation.
    pub created: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Options of the local driver (`type`, `o`, `device`).
    pub options: BTreeMap<String, String>,
    /// Made for one container, without a name of the user's choice.
    pub anonymous: bool,
}

/// The volumes of a data root.
#[derive(Debug)]
pub struct Volumes {
    root: PathBuf,
}

impl Volumes {
    /// The volumes below `<root>/volumes`, which is made.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(root: &Path) -> Result<Self> {
        let root = root.join("volumes");
        std::fs::create_dir_all(&root)
            .map_err(|error| StorageError::io(format!("making {}", root.display()), error))?;
        Ok(Self { root })
    }

    /// Makes a volume, or gives back the one of this name; true when it is new.
    ///
    /// # Errors
    /// A name that breaks Docker's rule, or the file system's refusal.
    pub fn create(&self, record: &VolumeRecord) -> Result<(VolumeRecord, bool)> {
        check_name(&record.name)?;
        if let Some(existing) = self.find(&record.name)? {
            return Ok((existing, false));
        }
        let directory = self.root.join(&record.name);
        let made =
            std::fs::create_dir_all(directory.join("_data")).and_then(|()| write_record(&directory, record));
        made.map_err(|error| StorageError::io(format!("making volume {}", record.name), error))?;
        Ok((record.clone(), true))
    }

    /// A volume by name.
    ///
    /// # Errors
    /// `NotFound`, in Docker's words.
    pub fn get(&self, name: &str) -> Result<VolumeRecord> {
        self.find(name)?.ok_or_else(|| StorageError::NoSuchVolume(name.to_owned()))
    }

    /// All volumes, by name.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> Result<Vec<VolumeRecord>> {
        let failed = |error| StorageError::io(format!("reading {}", self.root.display()), error);
        let mut records = Vec::new();
        for entry in std::fs::read_dir(&self.root).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // One that is being removed in this moment is not there any more.
            if let Some(record) = name.to_str().and_then(|name| self.find(name).ok().flatten()) {
                records.push(record);
            }
        }
        records.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(records)
    }

    /// Where its data is on the host.
    pub fn data(&self, name: &str) -> PathBuf {
        self.root.join(name).join("_data")
    }

    /// Removes a volume with its data.
    ///
    /// # Errors
    /// `NotFound`, or the file system's refusal.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.get(name)?;
        // Aside first: a removal that is cut short leaves no half volume under the name.
        let aside = self.root.join(format!(".removed-{name}-{}", std::process::id()));
        std::fs::rename(self.root.join(name), &aside)
            .map_err(|error| StorageError::io(format!("removing volume {name}"), error))?;
        remove_tree(&aside)
    }

    /// Bytes of its data.
    ///
    /// # Errors
    /// The data cannot be read.
    pub fn size(&self, name: &str) -> Result<u64> {
        crate::usage::tree_size(&self.data(name))
    }

    fn find(&self, name: &str) -> Result<Option<VolumeRecord>> {
        if check_name(name).is_err() {
            return Ok(None);
        }
        let directory = self.root.join(name);
        if !directory.join("_data").is_dir() {
            return Ok(None);
        }
        let record = std::fs::read(directory.join("record.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        // Data without a readable record is still a volume: its name is its directory's.
        Ok(Some(record.unwrap_or_else(|| VolumeRecord { name: name.to_owned(), ..VolumeRecord::default() })))
    }
}

/// Written whole or not at all.
fn write_record(directory: &Path, record: &VolumeRecord) -> std::io::Result<()> {
    use std::io::Write;
    let temporary = directory.join("record.json.new");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(record)?)?;
    file.sync_all()?;
    std::fs::rename(&temporary, directory.join("record.json"))
}

/// Docker's rule for names of volumes: `[a-zA-Z0-9][a-zA-Z0-9_.-]+`.
fn check_name(name: &str) -> Result<()> {
    let bytes = name.as_bytes();
    let good = bytes.len() > 1
        && bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(byte));
    if good { Ok(()) } else { Err(StorageError::InvalidVolumeName(name.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_is_made_once_listed_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let volumes = Volumes::open(folder.path()).unwrap();
        let record = VolumeRecord { name: "data".into(), created: 7, ..Default::default() };
        assert_eq!(volumes.create(&record).unwrap(), (record.clone(), true));
        assert_eq!(
            volumes.create(&VolumeRecord { name: "data".into(), ..Default::default() }).unwrap(),
            (record.clone(), false)
        );
        std::fs::write(volumes.data("data").join("file"), vec![1; 10_000]).unwrap();
        assert!(volumes.size("data").unwrap() >= 10_000);
        assert_eq!(volumes.list().unwrap(), [record]);
        volumes.remove("data").unwrap();
        assert!(volumes.list().unwrap().is_empty());
        assert!(matches!(volumes.get("data"), Err(StorageError::NoSuchVolume(_))));
    }

    #[test]
    fn data_without_a_record_is_still_a_volume() {
        let folder = tempfile::tempdir().unwrap();
        let volumes = Volumes::open(folder.path()).unwrap();
        std::fs::create_dir_all(volumes.data("old")).unwrap();
        assert_eq!(volumes.get("old").unwrap().name, "old");
        assert!(volumes.create(&VolumeRecord { name: "../x".into(), ..Default::default() }).is_err());
    }
}
