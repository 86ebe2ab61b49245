//! In which compressed forms a layer is known to registries, so that a push need not send what is there.

use crate::error::Result;
use crate::store::Store;
use sampan_state::{Durability, Record};
use serde::{Deserialize, Serialize};

/// Forms of one layer that are remembered.
const FORMS: usize = 8;
/// Repositories of one form that are remembered.
const REPOSITORIES: usize = 16;

/// A compressed form of a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownBlob {
    /// Digest of the compressed bytes.
    pub digest: String,
    /// How many they are.
    pub size: u64,
    /// Their media type.
    pub media_type: String,
    /// Complete repositories (`docker.io/library/busybox`) that have it, the latest first.
    pub repositories: Vec<String>,
}

/// All known forms of a layer, as the database keeps them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KnownBlobs {
    diff_id: String,
    blobs: Vec<KnownBlob>,
}

impl Record for KnownBlobs {
    const COLLECTION: &'static str = "image_known_blobs";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.diff_id.clone()
    }
}

impl Store {
    /// Known compressed forms of a layer, the latest first. Knowledge only saves work: when it is lost, or wrong, a
    /// push asks the registry and sends.
    pub fn known_blobs(&self, diff_id: &str) -> Vec<KnownBlob> {
        match self.known.0.get(diff_id) {
            Ok(Some(known)) => known.blobs,
            _ => Vec::new(),
        }
    }

    /// Remembers a form, and the repositories that have it.
    ///
    /// # Errors
    /// The database failed.
    pub fn remember_blob(&self, diff_id: &str, mut blob: KnownBlob) -> Result<()> {
        let mut blobs = self.known_blobs(diff_id);
        if let Some(index) = blobs.iter().position(|known| known.digest == blob.digest) {
            let before = blobs.remove(index);
            for repository in before.repositories {
                if !blob.repositories.contains(&repository) {
                    blob.repositories.push(repository);
                }
            }
        }
        blob.repositories.truncate(REPOSITORIES);
        blobs.insert(0, blob);
        blobs.truncate(FORMS);
        self.known.0.put(&KnownBlobs { diff_id: diff_id.to_owned(), blobs }, Durability::Normal)?;
        Ok(())
    }

    /// Forgets all forms of layers that are gone.
    pub(crate) fn forget_blobs_of(&self, diff_ids: &[String]) {
        for diff_id in diff_ids {
            // What stays is only knowledge that is never asked for.
            let _ = self.known.0.remove(diff_id, Durability::Normal);
        }
    }
}
