//! Uploads: files that grow, and become blobs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::Store;
use crate::failure::{Failure, Result};
use crate::names;

/// Uploads that nobody touched for so long are given up.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// One upload.
#[derive(Debug)]
pub(crate) struct Upload {
    path: PathBuf,
    file: File,
    hash: Sha256,
    size: u64,
}

impl Upload {
    /// How much is here.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Bytes at the end of what is here.
    ///
    /// # Errors
    /// The disk is full; what could be written stays.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let written = self.file.write(rest)?;
            if written == 0 {
                return Err(io::Error::from(io::ErrorKind::WriteZero).into());
            }
            let (done, left) = rest.split_at(written);
            self.hash.update(done);
            self.size += written as u64;
            rest = left;
        }
        Ok(())
    }
}

impl Store {
    /// Opens a new upload; its id.
    ///
    /// # Errors
    /// What the file system said.
    pub(crate) fn begin_upload(&self) -> Result<String> {
        let mut random = [0; 16];
        File::open("/dev/urandom")?.read_exact(&mut random)?;
        let id = hex::encode(random);
        let path = self.root.join("uploads").join(&id);
        let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
        let upload = Upload { path, file, hash: Sha256::new(), size: 0 };
        self.known().insert(id.clone(), Arc::new(tokio::sync::Mutex::new(upload)));
        Ok(id)
    }

    /// An upload by its id; one that another process began is read again.
    ///
    /// # Errors
    /// `UploadUnknown`.
    pub(crate) fn upload(&self, id: &str) -> Result<Arc<tokio::sync::Mutex<Upload>>> {
        if id.len() != 32 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Failure::UploadUnknown);
        }
        if let Some(upload) = self.known().get(id) {
            return Ok(Arc::clone(upload));
        }
        let path = self.root.join("uploads").join(id);
        let file = match OpenOptions::new().append(true).read(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Failure::UploadUnknown),
            Err(error) => return Err(error.into()),
        };
        let mut hash = Sha256::new();
        let size = io::copy(&mut File::open(&path)?, &mut hash)?;
        let upload = Arc::new(tokio::sync::Mutex::new(Upload { path, file, hash, size }));
        // Another request may have been faster: its upload is the one that counts.
        Ok(Arc::clone(self.known().entry(id.to_owned()).or_insert(upload)))
    }

    /// Makes a finished upload a blob of a repository.
    ///
    /// # Errors
    /// `DigestInvalid` when it holds other bytes: it is gone then, since it can never be right.
    pub(crate) fn finish_upload(
        &self,
        id: &str,
        upload: &mut Upload,
        name: &str,
        digest: &str,
    ) -> Result<()> {
        let hex = names::sha256(digest).ok_or(Failure::DigestInvalid)?;
        if hex::encode(upload.hash.clone().finalize()) != hex {
            self.cancel_upload(id, upload)?;
            return Err(Failure::DigestInvalid);
        }
        self.adopt(&upload.file, &upload.path, hex)?;
        self.known().remove(id);
        Ok(self.mark(name, hex)?)
    }

    /// Gives an upload up.
    ///
    /// # Errors
    /// What the file system said.
    pub(crate) fn cancel_upload(&self, id: &str, upload: &Upload) -> Result<()> {
        self.known().remove(id);
        Ok(fs::remove_file(&upload.path)?)
    }

    pub(super) fn forget_old_uploads(&self) {
        for entry in fs::read_dir(self.root.join("uploads")).into_iter().flatten().flatten() {
            let modified = entry.metadata().and_then(|metadata| metadata.modified()).ok();
            let age = modified.and_then(|time| SystemTime::now().duration_since(time).ok());
            let half_written = entry.file_name().to_string_lossy().starts_with(".new-");
            if half_written || age.is_some_and(|age| age > KEPT) {
                // The next start tries again.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn known(
        &self,
    ) -> std::sync::MutexGuard<'_, std::collections::HashMap<String, Arc<tokio::sync::Mutex<Upload>>>> {
        self.uploads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
