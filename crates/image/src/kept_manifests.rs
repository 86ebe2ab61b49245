//! Manifests as registries gave them: pushed again they keep their digest.

use crate::error::{ImageError, Result};
use crate::image::Image;
use crate::reference::Reference;
use crate::store::Store;
use serde::{Deserialize, Serialize};

/// Manifests of one image that are kept.
const MOST: usize = 8;

/// Where a manifest came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ManifestRecord {
    /// The complete repository.
    pub(crate) repository: String,
    pub(crate) digest: String,
    pub(crate) media_type: String,
}

/// A manifest that is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptManifest {
    /// The complete repository that it came from or went to: `docker.io/library/busybox`.
    pub repository: String,
    /// Digest of the bytes.
    pub digest: String,
    /// Their media type.
    pub media_type: String,
    /// The manifest, exactly as it came.
    pub bytes: Vec<u8>,
}

impl Store {
    /// Keeps a manifest of an image, until the image goes.
    ///
    /// # Errors
    /// `NotFound` for the image; what the file system said.
    pub fn keep_manifest(&self, image: &str, repository: &str, media_type: &str, bytes: &[u8]) -> Result<()> {
        let _changing = self.changing();
        let digest = self.blobs.put(bytes, false)?;
        let record =
            ManifestRecord { repository: repository.to_owned(), digest, media_type: media_type.to_owned() };
        self.change_image(image, |image| {
            image.manifests.retain(|known| *known != record);
            image.manifests.insert(0, record);
            image.manifests.truncate(MOST);
        })
    }

    /// Manifests of an image, the latest first. One that is damaged is left out.
    ///
    /// # Errors
    /// `NotFound` for the image.
    pub fn manifests_of(&self, image: &str) -> Result<Vec<KeptManifest>> {
        let image = self.find(image)?;
        let kept = image.manifests.iter().filter_map(|record| {
            Some(KeptManifest {
                repository: record.repository.clone(),
                digest: record.digest.clone(),
                media_type: record.media_type.clone(),
                bytes: self.blobs.get(&record.digest).ok()?,
            })
        });
        Ok(kept.collect())
    }

    /// Gives an image the name `repository@digest`: it is what a registry has under that digest.
    ///
    /// # Errors
    /// `NotFound` for the image; `InvalidArgument` for a name without a digest.
    pub fn add_digest(&self, name: &Reference, image: &str) -> Result<()> {
        let Some(digest) = name.digest() else {
            return Err(ImageError::InvalidReference(format!("{} has no digest", name.familiar())));
        };
        let name = name.with_digest(digest);
        let _changing = self.changing();
        self.set_name(&name, image)?;
        Ok(())
    }

    /// All tags of a complete repository, as references.
    pub fn tags_of(&self, repository: &str) -> Vec<Reference> {
        let state = self.state();
        let parsed = state.names.keys().filter_map(|name| Reference::parse(name).ok());
        parsed.filter(|name| name.tag().is_some() && name.repository() == repository).collect()
    }

    /// Removes the manifests of an image that is gone, but for those that another has too.
    pub(crate) fn drop_manifests(&self, gone: &Image) -> Result<()> {
        for record in &gone.manifests {
            let needed = self
                .state()
                .images
                .values()
                .any(|image| image.manifests.iter().any(|other| other.digest == record.digest));
            if !needed {
                self.blobs.remove(&record.digest)?;
            }
        }
        Ok(())
    }
}
