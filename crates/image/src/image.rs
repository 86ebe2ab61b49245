//! An image as the store knows it.

use crate::attestation::Attestation;
use crate::config::{ConfigFile, History, ImageConfig};
use crate::error::{ImageError, Result};
use crate::kept_manifests::ManifestRecord;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Largest configuration that is read.
pub(crate) const LARGEST_CONFIG: u64 = 8 << 20;

/// An image: a configuration and the layers that it names.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// `sha256:` and the digest of the configuration's bytes.
    pub id: String,
    /// What containers run with.
    pub config: ImageConfig,
    /// Digests of the plain layer tars, lowest first.
    pub diff_ids: Vec<String>,
    /// Ids of the same layers in the snapshot driver, each with all below it (OCI image specification,
    /// config.md, "Layer ChainID").
    pub chain_ids: Vec<String>,
    /// Steps that made it, oldest first.
    pub history: Vec<History>,
    /// `linux`, …
    pub os: String,
    /// Version of the operating system (Windows).
    pub os_version: String,
    /// `amd64`, …
    pub architecture: String,
    /// `v8`, …
    pub variant: String,
    /// When it was made, as written in the configuration (RFC 3339), or empty.
    pub created: String,
    /// The same in nanoseconds since 1970; 0 when it is not known.
    pub created_at: i64,
    /// Who made it.
    pub author: String,
    /// Message of a commit or import.
    pub comment: String,
    /// Version of the engine that made it.
    pub docker_version: String,
    /// Container that it was committed from.
    pub container: String,
    /// Bytes of its regular files, all layers together.
    pub size: u64,
    /// Bytes of each layer's regular files, lowest first.
    pub layer_sizes: Vec<u64>,
    /// The image that it was committed or built from here, if known.
    pub parent: Option<String>,
    /// An unfinished image of a build, which lives with the build cache and is not shown.
    pub step: bool,
    /// The boot in which it was entered, while its files may not be on the disk.
    pub(crate) unflushed: String,
    /// When it was last tagged, nanoseconds since 1970; 0 for never.
    pub last_tagged_at: i64,
    /// Length in bytes of the configuration.
    pub config_size: u64,
    /// Manifests that it came with or was pushed as, the latest first.
    pub(crate) manifests: Vec<ManifestRecord>,
    /// What the registry that it came from has been told about it.
    pub attestations: Vec<Attestation>,
    /// Whether a collection leaves it alone.
    pub pinned: bool,
    /// When it came, nanoseconds since 1970; 0 when that is not known.
    pub(crate) entered_at: i64,
}

impl Image {
    /// The chain id of the topmost layer, on which a container's writable layer stands. `None` for an
    /// image without layers.
    #[must_use]
    pub fn top_layer(&self) -> Option<&str> {
        self.chain_ids.last().map(String::as_str)
    }

    /// `os/architecture[/variant]`.
    #[must_use]
    pub fn platform(&self) -> String {
        let mut text = format!("{}/{}", self.os, self.architecture);
        if !self.variant.is_empty() {
            text.push('/');
            text.push_str(&self.variant);
        }
        text
    }

    /// Reads a configuration. Sizes are filled in by the store.
    pub(crate) fn from_config(bytes: &[u8]) -> Result<Self> {
        let file: ConfigFile = serde_json::from_slice(bytes).map_err(|error| {
            ImageError::InvalidArchive(format!("the image's configuration is no valid JSON: {error}"))
        })?;
        if file.rootfs.diff_ids.len() > sampan_storage::MOST_LAYERS {
            return Err(ImageError::InvalidArchive(format!(
                "the image has {} layers; at most {} can be mounted",
                file.rootfs.diff_ids.len(),
                sampan_storage::MOST_LAYERS
            )));
        }
        for digest in &file.rootfs.diff_ids {
            if !crate::reference::is_digest(digest) || !digest.starts_with("sha256:") {
                return Err(ImageError::InvalidArchive(format!("{digest:?} is no digest of a layer")));
            }
        }
        let created = file.created.unwrap_or_default();
        Ok(Self {
            id: digest(bytes),
            config: file.config,
            chain_ids: chain_ids(&file.rootfs.diff_ids),
            diff_ids: file.rootfs.diff_ids,
            history: file.history,
            os: file.os,
            os_version: file.os_version,
            architecture: file.architecture,
            variant: file.variant,
            created_at: nanoseconds(&created),
            created,
            author: file.author,
            comment: file.comment,
            docker_version: file.docker_version,
            container: file.container,
            size: 0,
            layer_sizes: Vec::new(),
            parent: None,
            step: false,
            unflushed: String::new(),
            last_tagged_at: 0,
            config_size: bytes.len() as u64,
            manifests: Vec::new(),
            attestations: Vec::new(),
            pinned: false,
            entered_at: 0,
        })
    }
}

/// `sha256:` and the digest of some bytes.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

/// The chain id of every layer: the first is its diff id; each further one the digest of
/// `chain-id-below SPACE diff-id`.
#[must_use]
pub fn chain_ids(diff_ids: &[String]) -> Vec<String> {
    let mut chain: Vec<String> = Vec::with_capacity(diff_ids.len());
    for diff_id in diff_ids {
        let next = match chain.last() {
            None => diff_id.clone(),
            Some(below) => digest(format!("{below} {diff_id}").as_bytes()),
        };
        chain.push(next);
    }
    chain
}

/// Nanoseconds since 1970 of an RFC 3339 time; 0 when it is none.
pub(crate) fn nanoseconds(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>()
        .ok()
        .and_then(|time| i64::try_from(time.as_nanosecond()).ok())
        .unwrap_or(0)
}

/// A time as Docker writes it: RFC 3339 with nanoseconds.
pub(crate) fn rfc3339(nanoseconds: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanoseconds)).map(|time| time.to_string()).unwrap_or_default()
}

/// Now, nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// What the store keeps of an image beside its configuration, in a file of its own: enough to know all
/// images and their names when the database is lost.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct ImageRecord {
    pub(crate) id: String,
    pub(crate) parent: Option<String>,
    pub(crate) step: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) unflushed: String,
    pub(crate) last_tagged_at: i64,
    /// Complete references.
    pub(crate) names: Vec<String>,
    pub(crate) manifests: Vec<ManifestRecord>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) attestations: Vec<Attestation>,
    pub(crate) pinned: bool,
    pub(crate) entered_at: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chain_ids_as_in_the_specification() {
        let ids = chain_ids(&["sha256:aa".to_owned(), "sha256:bb".to_owned()]);
        assert_eq!(ids[0], "sha256:aa");
        assert_eq!(ids[1], digest(b"sha256:aa sha256:bb"));
    }

    #[test]
    fn times() {
        assert_eq!(nanoseconds("1970-01-01T00:00:01.5Z"), 1_500_000_000);
        assert_eq!(nanoseconds("0001-01-01T00:00:00Z"), 0);
        assert_eq!(nanoseconds(""), 0);
        assert_eq!(rfc3339(1_500_000_000), "1970-01-01T00:00:01.5Z");
    }
}
