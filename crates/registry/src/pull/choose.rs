//! From a tag to the manifest and the configuration for one platform.

use bytes::Bytes;
use sampan_error::{Error, Result};
use sampan_image::{Attestation, Reference};
use serde::Deserialize;

use super::refusal;
use crate::client::{Fetched, Repository};
use crate::manifest::{Descriptor, Document, LARGEST_CONFIG, LayerKind, Manifest, Platform};
use crate::trust;

/// What is to be fetched.
pub(crate) struct Chosen {
    /// What the name stands for: the index if there is one.
    pub(crate) top: Top,
    /// The manifest, as it came.
    pub(crate) fetched: Fetched,
    pub(crate) manifest: Manifest,
    /// What the index says about the manifest.
    pub(crate) attestations: Vec<Attestation>,
    /// The configuration's bytes, verified.
    pub(crate) config: Bytes,
}

pub(crate) struct Top {
    pub(crate) digest: String,
}

/// The part of a configuration that says what it runs on.
#[derive(Deserialize)]
struct Runs {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: String,
}

/// Asks for a tag or digest and picks the platform.
pub(crate) async fn choose(
    source: &Repository,
    reference: &Reference,
    wanted: &str,
    platform: Option<&Platform>,
) -> Result<Chosen> {
    let fail = |error| refusal::sentence(error, reference, Some(wanted));
    let first = source.manifest(wanted).await.map_err(fail)?;
    let top = Top { digest: first.digest.clone() };
    let mut attestations = Vec::new();
    let (fetched, manifest) = match Document::parse(&first.bytes, &first.media_type)? {
        Document::Manifest(manifest) => (first, manifest),
        Document::Index(index) => {
            let host = Platform::host();
            let asked = platform.unwrap_or(&host);
            let descriptor = index.choose(asked).ok_or_else(|| {
                Error::not_found(format!("no matching manifest for {asked} in the manifest list entries"))
            })?;
            let fetched = source.manifest(&descriptor.digest).await.map_err(fail)?;
            attestations =
                trust::attestations(source, &reference.repository(), &index, &fetched.digest).await?;
            match Document::parse(&fetched.bytes, &fetched.media_type)? {
                Document::Manifest(manifest) => (fetched, manifest),
                Document::Index(_) => {
                    return Err(Error::invalid(format!(
                        "{} lists an index within an index, which no engine can run",
                        reference.familiar()
                    )));
                }
            }
        }
    };
    check_kinds(reference, &manifest)?;
    let config = source
        .small_blob(&manifest.config.digest, manifest.config.size, LARGEST_CONFIG)
        .await
        .map_err(fail)?;
    check_platform(reference, &config, platform)?;
    Ok(Chosen { top, fetched, manifest, attestations, config })
}

/// Whether it is an image, of layers that can be unpacked here.
fn check_kinds(reference: &Reference, manifest: &Manifest) -> Result<()> {
    let kind = manifest.config.media_type.as_str();
    let is_image = kind.is_empty()
        || kind == "application/octet-stream"
        || kind.starts_with("application/vnd.docker.container.image.v1")
        || kind.starts_with("application/vnd.oci.image.config.v1");
    if !is_image {
        return Err(Error::invalid(format!(
            "{} is no image of a container: its configuration is of type {kind:?}",
            reference.familiar()
        )));
    }
    for Descriptor { media_type, digest, .. } in &manifest.layers {
        match LayerKind::of(media_type) {
            LayerKind::Gzip | LayerKind::Zstd | LayerKind::Plain => {}
            LayerKind::Foreign => {
                return Err(Error::invalid(format!(
                    "{} has a foreign layer ({digest}), which only Windows can use",
                    reference.familiar()
                )));
            }
            LayerKind::Unknown => {
                return Err(Error::invalid(format!(
                    "{} has a layer of type {media_type:?}, which this version cannot unpack",
                    reference.familiar()
                )));
            }
        }
    }
    Ok(())
}

/// A single image must be for the platform that was asked for by name.
fn check_platform(reference: &Reference, config: &[u8], platform: Option<&Platform>) -> Result<()> {
    let Some(platform) = platform else { return Ok(()) };
    let Ok(runs) = serde_json::from_slice::<Runs>(config) else { return Ok(()) };
    let own = Platform {
        os: runs.os,
        architecture: runs.architecture,
        variant: runs.variant,
        ..Platform::default()
    };
    if platform.matches(&own) {
        return Ok(());
    }
    Err(Error::not_found(format!(
        "image with reference {} was found but does not match the specified platform: wanted {platform}, actual: {own}",
        reference.familiar()
    )))
}
