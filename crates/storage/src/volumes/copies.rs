//! Volumes as data: copies of whole volumes, and other names for them. On file systems that share blocks (btrfs, XFS) a
//! copy takes no space until one of both changes.

use super::{VolumeRecord, Volumes, check_name};
use crate::error::{Doing, Result, StorageError};
use rustix::fs::{CWD, Gid, Mode, OFlags, RenameFlags, Uid};
use std::fs;
use std::os::fd::AsFd;

impl Volumes {
    /// Makes a new volume with the files of another one, all at once: when it fails there is none.
    ///
    /// # Errors
    /// `NotFound`; `AlreadyExists` for the new name; what the file system said.
    pub fn copy(&self, from: &str, record: &VolumeRecord) -> Result<VolumeRecord> {
        self.get(from)?;
        let to = &record.name;
        check_name(to)?;
        self.is_free(to)?;
        let doing = || format!("copying volume {from} to {to}");
        let staged = self.stage(record)?;
        let directory = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let open = |path: &std::path::Path| {
            rustix::fs::open(path, directory, Mode::empty()).map_err(std::io::Error::from)
        };
        let source = open(&self.data(from)).doing(doing)?;
        let target = open(&staged.path().join("_data")).doing(doing)?;
        crate::copy::copy_contents(source.as_fd(), target.as_fd())?;
        let stat = rustix::fs::fstat(&source).map_err(std::io::Error::from).doing(doing)?;
        rustix::fs::fchown(&target, Some(Uid::from_raw(stat.st_uid)), Some(Gid::from_raw(stat.st_gid)))
            .and_then(|()| rustix::fs::fchmod(&target, Mode::from_raw_mode(stat.st_mode & 0o7777)))
            .and_then(|()| rustix::fs::syncfs(&target))
            .map_err(std::io::Error::from)
            .doing(doing)?;
        staged.commit(&self.path(to)).doing(doing)?;
        Ok(record.clone())
    }

    /// Gives a volume another name.
    ///
    /// # Errors
    /// `NotFound`; `AlreadyExists`; what the file system said.
    pub fn rename(&self, from: &str, to: &str) -> Result<VolumeRecord> {
        let mut record = self.get(from)?;
        check_name(to)?;
        self.is_free(to)?;
        self.unmount(from)?;
        rustix::fs::renameat_with(CWD, self.path(from), CWD, self.path(to), RenameFlags::NOREPLACE)
            .map_err(std::io::Error::from)
            .and_then(|()| fs::File::open(&self.root)?.sync_all())
            .doing(|| format!("renaming volume {from} to {to}"))?;
        to.clone_into(&mut record.name);
        Ok(record)
    }

    fn is_free(&self, name: &str) -> Result<()> {
        match self.get(name) {
            Ok(_) => Err(StorageError::VolumeExists(name.to_owned())),
            Err(_) => Ok(()),
        }
    }
}
