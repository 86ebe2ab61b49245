//! Blobs.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{Store, flush_folder, is_missing};
use crate::failure::{Failure, Result};
use crate::names;

impl Store {
    pub(super) fn blob_path(&self, hex: &str) -> PathBuf {
        self.root.join("blobs").join(hex)
    }

    fn blob_mark(&self, name: &str, hex: &str) -> PathBuf {
        self.repository(name).join("_blobs").join(hex)
    }

    /// Opens a blob that a repository has.
    ///
    /// # Errors
    /// `BlobUnknown`.
    pub(crate) fn blob(&self, name: &str, digest: &str) -> Result<File> {
        let hex = names::sha256(digest).ok_or(Failure::DigestInvalid)?;
        if !self.blob_mark(name, hex).exists() {
            return Err(Failure::BlobUnknown);
        }
        match File::open(self.blob_path(hex)) {
            Ok(file) => {
                // Somebody counts on it: a collection of garbage leaves it alone for a while.
                let _ = file.set_modified(SystemTime::now());
                Ok(file)
            }
            Err(error) if is_missing(&error) => Err(Failure::BlobUnknown),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a repository has a blob.
    pub(crate) fn has_blob(&self, name: &str, digest: &str) -> bool {
        self.blob(name, digest).is_ok()
    }

    /// Gives a repository a blob that another one has. False when it does not.
    ///
    /// # Errors
    /// What the file system said.
    pub(crate) fn mount(&self, name: &str, digest: &str, from: &str) -> Result<bool> {
        if !names::is_repository(from) || !self.has_blob(from, digest) {
            return Ok(false);
        }
        self.mark(name, names::sha256(digest).ok_or(Failure::DigestInvalid)?)?;
        Ok(true)
    }

    /// Takes a blob from a repository; its bytes stay until they are collected.
    ///
    /// # Errors
    /// `BlobUnknown`.
    pub(crate) fn delete_blob(&self, name: &str, digest: &str) -> Result<()> {
        let hex = names::sha256(digest).ok_or(Failure::DigestInvalid)?;
        match fs::remove_file(self.blob_mark(name, hex)) {
            Err(error) if is_missing(&error) => Err(Failure::BlobUnknown),
            other => Ok(other?),
        }
    }

    /// Notes that a repository has a blob.
    pub(super) fn mark(&self, name: &str, hex: &str) -> io::Result<()> {
        let mark = self.blob_mark(name, hex);
        if mark.exists() { Ok(()) } else { self.put(&mark, b"") }
    }

    /// Makes a finished file the blob of this digest.
    pub(super) fn adopt(&self, file: &File, path: &std::path::Path, hex: &str) -> io::Result<()> {
        let target = self.blob_path(hex);
        if let Ok(known) = File::open(&target) {
            // Its manifest comes next: a collection of garbage leaves it alone until then.
            known.set_modified(SystemTime::now())?;
            return fs::remove_file(path);
        }
        file.sync_all()?;
        fs::rename(path, &target)?;
        flush_folder(&self.root.join("blobs"))
    }
}
