//! Local named volumes: directories that outlive their containers.
//!
//! `<data root>/volumes/<name>/_data` holds the files (where other programs look for them with Docker
//! too), `record.json` beside it says what the volume is.

mod copies;
mod mounting;
mod options;

use crate::catalogue::{children, read_json, write_json};
use crate::error::{Doing, Result, StorageError};
use crate::staging::{Staged, Staging};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a volume is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeRecord {
    /// Its name.
    pub name: String,
    /// When it was made, nanoseconds since 1970.
    pub created: i64,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Options of the driver, as given.
    pub options: BTreeMap<String, String>,
    /// Whether its name was made up for one container.
    pub anonymous: bool,
    /// The volume that this is a snapshot of; empty for others. A snapshot is never written to.
    pub snapshot_of: String,
}

/// The volumes of one data root. Cheap calls, safe from many threads; nothing is kept in memory.
#[derive(Debug)]
pub struct Volumes {
    root: PathBuf,
    staging: Staging,
}

impl Volumes {
    /// Opens the volumes of a data root, and ends removals that a killed process began.
    ///
    /// # Errors
    /// When the directory cannot be made or read.
    pub fn open(data_root: &Path) -> Result<Self> {
        let root = data_root.join("volumes");
        fs::create_dir_all(&root)
            .and_then(|()| fs::set_permissions(&root, fs::Permissions::from_mode(0o711)))
            .doing(|| format!("creating {}", root.display()))?;
        // Beside the volumes, not among them: any name may be a volume's.
        let staging = Staging::open(&data_root.join("volumes.work"))?;
        Ok(Self { root, staging })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory with the volume's files. The volume need not exist.
    #[must_use]
    pub fn data(&self, name: &str) -> PathBuf {
        self.path(name).join("_data")
    }

    /// Makes a volume, or gives back the one that has the name already: the record and whether it is new.
    ///
    /// # Errors
    /// `InvalidArgument` for the name; what the file system said.
    pub fn create(&self, record: &VolumeRecord) -> Result<(VolumeRecord, bool)> {
        check_name(&record.name)?;
        if let Ok(known) = self.get(&record.name) {
            return Ok((known, false));
        }
        let doing = || format!("creating volume {}", record.name);
        options::parse(&record.options)
            .map_err(|error| StorageError::Invalid(format!("create {}: {error}", record.name)))?;
        let staged = self.stage(record)?;
        match staged.commit(&self.path(&record.name)) {
            Ok(()) => Ok((record.clone(), true)),
            // Another thread was faster, or a directory without a record is there and is adopted.
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::DirectoryNotEmpty | std::io::ErrorKind::AlreadyExists
                ) =>
            {
                self.get(&record.name).map(|known| (known, false))
            }
            Err(error) => Err(error).doing(doing),
        }
    }

    /// A volume under construction, without files.
    fn stage(&self, record: &VolumeRecord) -> Result<Staged> {
        let staged = self.staging.create()?;
        let data = staged.path().join("_data");
        fs::create_dir(&data)
            .and_then(|()| fs::set_permissions(&data, fs::Permissions::from_mode(0o755)))
            .and_then(|()| fs::set_permissions(staged.path(), fs::Permissions::from_mode(0o701)))
            .doing(|| format!("creating volume {}", record.name))?;
        write_json(&staged.path().join("record.json"), record)?;
        Ok(staged)
    }

    /// A volume by name. A directory with files and no readable record is a volume too: data is never
    /// given up for the loss of a small file.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, name: &str) -> Result<VolumeRecord> {
        if check_name(name).is_err() || !self.data(name).is_dir() {
            return Err(StorageError::NoSuchVolume(name.to_owned()));
        }
        let mut record = read_json(&self.path(name).join("record.json"))
            .unwrap_or_else(|_| VolumeRecord { created: self.created(name), ..VolumeRecord::default() });
        name.clone_into(&mut record.name);
        Ok(record)
    }

    fn created(&self, name: &str) -> i64 {
        let time = fs::metadata(self.path(name)).and_then(|metadata| metadata.modified()).ok();
        time.and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .and_then(|since| i64::try_from(since.as_nanos()).ok())
            .unwrap_or(0)
    }

    /// All volumes, by name.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn list(&self) -> Result<Vec<VolumeRecord>> {
        let mut found: Vec<VolumeRecord> = children(&self.root)?
            .iter()
            .filter_map(|path| self.get(path.file_name()?.to_str()?).ok())
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Removes a volume with its files: at once out of sight, then deleted.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn remove(&self, name: &str) -> Result<()> {
        self.get(name)?;
        // What is mounted there is not the volume's to delete.
        self.unmount(name)?;
        self.staging.discard(&self.path(name))
    }

    /// Bytes of a volume's regular files.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn size(&self, name: &str) -> Result<u64> {
        self.get(name)?;
        crate::usage::tree_size(&self.data(name))
    }
}

/// Docker's rule for names: a letter or digit, then at least one of those or `_`, `.`, `-`.
fn check_name(name: &str) -> Result<()> {
    if name.len() == 1 {
        return Err(StorageError::Invalid(
            "volume name is too short, names should be at least two alphanumeric characters".into(),
        ));
    }
    let mut characters = name.chars();
    let good = characters.next().is_some_and(|c| c.is_ascii_alphanumeric())
        && characters.all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        && name.len() <= 255;
    if good { Ok(()) } else { Err(StorageError::InvalidVolumeName(name.chars().take(200).collect())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn volumes_come_and_go_and_survive_the_loss_of_their_record() {
        let root = tempfile::tempdir().unwrap();
        let volumes = Volumes::open(root.path()).unwrap();
        let record = VolumeRecord { name: "data".into(), created: 7, ..Default::default() };
        assert_eq!(volumes.create(&record).unwrap(), (record.clone(), true));
        assert_eq!(
            volumes.create(&VolumeRecord { created: 9, ..record.clone() }).unwrap(),
            (record.clone(), false)
        );
        fs::write(volumes.data("data").join("file"), "12345").unwrap();
        assert_eq!(volumes.size("data").unwrap(), 5);
        fs::remove_file(root.path().join("volumes/data/record.json")).unwrap();
        assert_eq!(volumes.list().unwrap()[0].name, "data");
        assert!(!volumes.create(&record).unwrap().1);
        volumes.remove("data").unwrap();
        assert_eq!(volumes.remove("data").unwrap_err().to_string(), "get data: no such volume");
        assert_eq!(fs::read_dir(root.path().join("volumes.work/removing")).unwrap().count(), 0);
    }

    #[test]
    fn names_follow_dockers_rule() {
        for bad in ["", "a", "../x", "a/b", ".a", "-a", "a b", "é1"] {
            assert!(check_name(bad).is_err(), "{bad:?}");
        }
        for good in ["ab", "A_.-", "0123"] {
            check_name(good).unwrap();
        }
    }
}
