//! Unfinished uploads, remembered on the disk: a push after a break, or by the next daemon, goes on where the last one
//! was. Losing one costs only the bytes.

use std::path::{Path, PathBuf};

use sampan_error::Result;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One unfinished upload.
#[derive(Debug, Serialize, Deserialize)]
struct Session {
    location: String,
}

/// The place of one upload's session.
#[derive(Debug, Clone)]
pub(super) struct SessionFile {
    path: PathBuf,
}

impl SessionFile {
    /// `what` names the repository and the bytes that are sent; the same bytes always have the same name.
    pub(super) fn new(folder: &Path, what: &str) -> Self {
        Self { path: folder.join(format!("{}.json", hex::encode(Sha256::digest(what)))) }
    }

    /// Where the upload was, if it was begun.
    pub(super) fn location(&self) -> Option<String> {
        let bytes = std::fs::read(&self.path).ok()?;
        serde_json::from_slice::<Session>(&bytes).ok().map(|session| session.location)
    }

    /// Remembers where it is.
    ///
    /// # Errors
    /// The disk is full, or the folder cannot be written.
    pub(super) fn remember(&self, location: &str) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let bytes =
            serde_json::to_vec(&Session { location: location.to_owned() }).map_err(std::io::Error::from)?;
        let new = self.path.with_extension("new");
        std::fs::write(&new, bytes)?;
        Ok(std::fs::rename(&new, &self.path)?)
    }

    /// Forgets it: the upload is finished, or its session is gone.
    pub(super) fn forget(&self) {
        // A session that stays is found to be gone by the next push.
        let _ = std::fs::remove_file(&self.path);
    }
}
