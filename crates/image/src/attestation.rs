//! What others say about an image: provenance, lists of parts.

use crate::error::Result;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// One statement about an image, which stays at the registry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What it says: `https://slsa.dev/provenance/v0.2`, `https://spdx.dev/Document`, …
    pub predicate_type: String,
    /// The complete repository that has it.
    pub repository: String,
    /// Digest of the statement, a blob of that repository.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub size: u64,
}

impl Store {
    /// Remembers what the repository that an image came from says about it, in place of what was known.
    ///
    /// # Errors
    /// `NotFound` for the image; what the database said.
    pub fn remember_attestations(&self, image: &str, attestations: Vec<Attestation>) -> Result<()> {
        let _changing = self.changing();
        self.change_image(image, |image| image.attestations = attestations)
    }
}
