//! The JSON documents of an image archive.

use crate::error::{ImageError, Result};
use crate::image::digest;
use crate::make::host_architecture;
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// Deepest nesting of indexes.
const NESTING: usize = 4;

/// All documents, by path.
#[derive(Debug, Default)]
pub(super) struct Documents {
    by_path: HashMap<String, Vec<u8>>,
}

/// An image as the documents describe it.
#[derive(Debug)]
pub(super) struct Found {
    /// The configuration's bytes.
    pub(super) config: Vec<u8>,
    /// Paths of its layers in the archive, lowest first.
    pub(super) layers: Vec<String>,
    /// Names as written.
    pub(super) names: Vec<String>,
}

/// One item of `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DockerItem {
    config: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    layers: Option<Vec<String>>,
}

#[derive(Deserialize, Clone)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    #[serde(default)]
    media_type: String,
    digest: String,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    annotations: Option<BTreeMap<String, String>>,
    #[serde(default)]
    platform: Option<Platform>,
}

#[derive(Deserialize, Clone)]
struct Platform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
}

/// A manifest or an index: one must not be both (CVE-2021-41190).
#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    manifests: Option<Vec<Descriptor>>,
}

fn bad(text: impl Into<String>) -> ImageError {
    ImageError::InvalidArchive(text.into())
}

impl Documents {
    pub(super) fn add(&mut self, path: String, bytes: Vec<u8>) {
        self.by_path.insert(path, bytes);
    }

    /// The images of the archive. `resolve` follows the archive's links.
    pub(super) fn images(&self, resolve: &dyn Fn(&str) -> String) -> Result<Vec<Found>> {
        if let Some(bytes) = self.by_path.get("manifest.json") {
            return self.docker(bytes, resolve);
        }
        if let Some(bytes) = self.by_path.get("index.json") {
            let mut found = Vec::new();
            self.index(bytes, None, 0, &mut found)?;
            if found.is_empty() {
                return Err(bad("its index names no image for linux"));
            }
            return Ok(found);
        }
        if self.by_path.contains_key("repositories") {
            return Err(bad("it was written by a Docker older than 1.10; load it there and save it again"));
        }
        Err(bad("it has neither manifest.json nor index.json; a file system's tar is for `import`"))
    }

    fn docker(&self, bytes: &[u8], resolve: &dyn Fn(&str) -> String) -> Result<Vec<Found>> {
        let items: Vec<DockerItem> = serde_json::from_slice(bytes)
            .map_err(|error| bad(format!("manifest.json is no valid JSON: {error}")))?;
        let mut found = Vec::new();
        for item in items {
            let path = resolve(&item.config);
            let config =
                self.by_path.get(&path).ok_or_else(|| bad(format!("{:?} is missing", item.config)))?.clone();
            check_named(&path, &config)?;
            found.push(Found {
                config,
                layers: item.layers.unwrap_or_default().iter().map(|path| resolve(path)).collect(),
                names: item.repo_tags.unwrap_or_default(),
            });
        }
        Ok(found)
    }

    fn index(&self, bytes: &[u8], name: Option<&str>, depth: usize, found: &mut Vec<Found>) -> Result<()> {
        if depth > NESTING {
            return Err(bad("its indexes are nested too deeply"));
        }
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| bad(format!("an index is no valid JSON: {error}")))?;
        if document.layers.is_some() || document.config.is_some() {
            return Err(bad("a document is an index and a manifest at once"));
        }
        let manifests = document.manifests.unwrap_or_default();
        let fits = |descriptor: &&Descriptor| match &descriptor.platform {
            Some(platform) => platform.os == "linux" && platform.architecture == host_architecture(),
            None => true,
        };
        // Within an image's own index, the platform of this host; the archive's index lists images.
        let chosen: Vec<&Descriptor> = match manifests.iter().find(fits) {
            Some(first) if depth > 0 => vec![first],
            _ => manifests.iter().collect(),
        };
        for descriptor in chosen {
            let own = descriptor.annotations.as_ref().and_then(name_of);
            let name = own.as_deref().or(name);
            let bytes = match self.blob(descriptor) {
                Ok(bytes) => bytes,
                // The other platforms of an index are often left out.
                Err(_) if !fits(&descriptor) => continue,
                Err(error) => return Err(error),
            };
            if descriptor.media_type.contains("index") || descriptor.media_type.contains("manifest.list") {
                self.index(bytes, name, depth + 1, found)?;
            } else {
                self.manifest(bytes, name, found)?;
            }
        }
        Ok(())
    }

    fn manifest(&self, bytes: &[u8], name: Option<&str>, found: &mut Vec<Found>) -> Result<()> {
        let document: Document = serde_json::from_slice(bytes)
            .map_err(|error| bad(format!("a manifest is no valid JSON: {error}")))?;
        if document.manifests.is_some() {
            return Err(bad("a document is an index and a manifest at once"));
        }
        let config = document.config.ok_or_else(|| bad("a manifest names no configuration"))?;
        if !config.media_type.is_empty() && !config.media_type.contains("image") {
            // An artifact or an attestation, no image.
            return Ok(());
        }
        let layers = document.layers.unwrap_or_default();
        found.push(Found {
            config: self.blob(&config)?.to_vec(),
            layers: layers.iter().map(|layer| blob_path(&layer.digest)).collect::<Result<_>>()?,
            names: name.map(str::to_owned).into_iter().collect(),
        });
        Ok(())
    }

    /// A blob among the documents, checked against its descriptor.
    fn blob(&self, descriptor: &Descriptor) -> Result<&[u8]> {
        let path = blob_path(&descriptor.digest)?;
        let bytes = self.by_path.get(&path).ok_or_else(|| bad(format!("{path:?} is missing")))?;
        check_named(&path, bytes)?;
        if descriptor.size.is_some_and(|size| size != bytes.len() as u64) {
            return Err(bad(format!("{path:?} has {} bytes and not what its descriptor says", bytes.len())));
        }
        Ok(bytes)
    }
}

/// Name of an image in an index: containerd's annotation, or OCI's if it is a whole name.
fn name_of(annotations: &BTreeMap<String, String>) -> Option<String> {
    if let Some(name) = annotations.get("io.containerd.image.name") {
        return Some(name.clone());
    }
    let name = annotations.get("org.opencontainers.image.ref.name")?;
    // A bare tag names no image.
    (name.contains(':') || name.contains('/')).then(|| name.clone())
}

fn blob_path(digest: &str) -> Result<String> {
    if !crate::reference::is_digest(digest) {
        return Err(bad(format!("{digest:?} is no digest")));
    }
    Ok(format!("blobs/{}", digest.replace(':', "/")))
}

/// A document whose path is a digest must have it.
fn check_named(path: &str, bytes: &[u8]) -> Result<()> {
    let Some(expected) = super::layers::claimed_digest(path) else { return Ok(()) };
    let found = digest(bytes);
    if expected == found {
        return Ok(());
    }
    Err(ImageError::WrongDigest { what: path.to_owned(), expected, found })
}
