//! Manifests, and which of them are about others.

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

use super::{Store, is_missing, names as files, read};
use crate::failure::{Failure, Result};
use crate::names;

/// Most bytes of a manifest (OCI distribution specification, "Pushing Manifests").
pub(crate) const LARGEST_MANIFEST: u64 = 4 << 20;

/// A manifest as it was put.
#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) media_type: String,
    pub(crate) digest: String,
    pub(crate) bytes: Vec<u8>,
}

/// A manifest that is about another (OCI distribution specification, "Listing Referrers").
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Referrer {
    media_type: String,
    digest: String,
    size: usize,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub(crate) artifact_type: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    annotations: BTreeMap<String, String>,
}

/// The parts of a manifest or an index that a registry looks at.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Parts {
    media_type: String,
    artifact_type: String,
    config: Option<Part>,
    layers: Vec<Part>,
    blobs: Vec<Part>,
    manifests: Vec<Part>,
    subject: Option<Part>,
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Part {
    digest: String,
    media_type: String,
    urls: Vec<String>,
}

impl Parts {
    /// Digests of the blobs and manifests that it names.
    pub(super) fn named(&self) -> impl Iterator<Item = &str> {
        let blobs = self.config.iter().chain(&self.layers).chain(&self.blobs).chain(&self.manifests);
        blobs.map(|part| part.digest.as_str())
    }
}

impl Store {
    /// What a tag or a digest stands for.
    ///
    /// # Errors
    /// `ManifestUnknown`, `NameUnknown`.
    pub(crate) fn manifest(&self, name: &str, reference: &str) -> Result<Manifest> {
        let digest = if reference.contains(':') {
            reference.to_owned()
        } else {
            self.tag(name, reference)?.ok_or(Failure::ManifestUnknown)?
        };
        let hex = names::sha256(&digest).ok_or(Failure::DigestInvalid)?;
        let media_type =
            read(&self.repository(name).join("_manifests").join(hex))?.ok_or(Failure::ManifestUnknown)?;
        match fs::read(self.blob_path(hex)) {
            Ok(bytes) => Ok(Manifest { media_type, digest, bytes }),
            Err(error) if is_missing(&error) => Err(Failure::ManifestUnknown),
            Err(error) => Err(error.into()),
        }
    }

    /// Puts a manifest under a tag or its digest. Gives its digest and that of what it is about.
    ///
    /// # Errors
    /// `ManifestInvalid`, `DigestInvalid`, `ManifestBlobUnknown`.
    pub(crate) fn put_manifest(
        &self,
        name: &str,
        reference: &str,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<(String, Option<String>)> {
        let hex = hex::encode(Sha256::digest(bytes));
        let digest = format!("sha256:{hex}");
        let by_digest = reference.contains(':');
        if by_digest && reference != digest {
            return Err(Failure::DigestInvalid);
        }
        if !by_digest && !names::is_tag(reference) {
            return Err(Failure::ManifestInvalid(format!("{reference:?} is no tag")));
        }
        let parts = self.check(name, media_type, bytes)?;
        self.put(&self.blob_path(&hex), bytes)?;
        self.put(&self.repository(name).join("_manifests").join(&hex), media_type.as_bytes())?;
        let subject = parts.subject.as_ref().map(|subject| subject.digest.clone());
        if let Some(about) = subject.as_deref().and_then(names::sha256) {
            let referrer = Referrer {
                media_type: media_type.to_owned(),
                digest: digest.clone(),
                size: bytes.len(),
                artifact_type: match parts.artifact_type.as_str() {
                    "" => parts.config.map(|config| config.media_type).unwrap_or_default(),
                    own => own.to_owned(),
                },
                annotations: parts.annotations,
            };
            let text = serde_json::to_vec(&referrer).map_err(io::Error::from)?;
            self.put(&self.repository(name).join("_referrers").join(about).join(&hex), &text)?;
        }
        if !by_digest {
            self.put_tag(name, reference, &digest)?;
        }
        Ok((digest, subject))
    }

    /// Whether a manifest says what it is, and all that it names is here.
    fn check(&self, name: &str, media_type: &str, bytes: &[u8]) -> Result<Parts> {
        let invalid = |error: serde_json::Error| Failure::ManifestInvalid(error.to_string());
        let value: Value = serde_json::from_slice(bytes).map_err(invalid)?;
        if value.get("manifests").is_some() && value.get("layers").is_some() {
            return Err(Failure::ManifestInvalid("it lists both layers and manifests".to_owned()));
        }
        let parts: Parts = serde_json::from_value(value).map_err(invalid)?;
        if !parts.media_type.is_empty() && parts.media_type != media_type {
            return Err(Failure::ManifestInvalid(format!(
                "it is sent as {media_type} and says that it is {}",
                parts.media_type
            )));
        }
        for manifest in &parts.manifests {
            let hex = names::sha256(&manifest.digest).ok_or(Failure::DigestInvalid)?;
            if !self.repository(name).join("_manifests").join(hex).exists() {
                return Err(Failure::ManifestBlobUnknown(manifest.digest.clone()));
            }
        }
        for blob in parts.config.iter().chain(&parts.layers).chain(&parts.blobs) {
            if blob.urls.is_empty() && !self.has_blob(name, &blob.digest) {
                return Err(Failure::ManifestBlobUnknown(blob.digest.clone()));
            }
        }
        Ok(parts)
    }

    /// Takes a manifest with its tags, or a tag alone.
    ///
    /// # Errors
    /// `ManifestUnknown`.
    pub(crate) fn delete_manifest(&self, name: &str, reference: &str) -> Result<()> {
        if !reference.contains(':') {
            return self.delete_tag(name, reference);
        }
        let hex = names::sha256(reference).ok_or(Failure::DigestInvalid)?;
        for tag in self.tags(name)? {
            if self.tag(name, &tag)?.as_deref() == Some(reference) {
                self.delete_tag(name, &tag)?;
            }
        }
        for about in files(&self.repository(name).join("_referrers"))? {
            // It is about at most one.
            let _ = fs::remove_file(self.repository(name).join("_referrers").join(about).join(hex));
        }
        match fs::remove_file(self.repository(name).join("_manifests").join(hex)) {
            Err(error) if is_missing(&error) => Err(Failure::ManifestUnknown),
            other => Ok(other?),
        }
    }

    /// Manifests that are about another.
    ///
    /// # Errors
    /// `DigestInvalid`; what the file system said.
    pub(crate) fn referrers(&self, name: &str, digest: &str) -> Result<Vec<Referrer>> {
        let hex = names::sha256(digest).ok_or(Failure::DigestInvalid)?;
        let folder = self.repository(name).join("_referrers").join(hex);
        let mut found = Vec::new();
        for file in files(&folder)? {
            let text = read(&folder.join(file))?.unwrap_or_default();
            found.extend(serde_json::from_str(&text).ok());
        }
        Ok(found)
    }
}
