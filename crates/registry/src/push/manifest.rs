//! The manifest that goes to the registry.

use bytes::Bytes;
use sampan_error::{Error, Kind, Result};
use sampan_image::KeptManifest;
use serde_json::json;

use crate::manifest::{Descriptor, Document, LayerKind};

const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A manifest's bytes and type.
pub(crate) struct Made {
    pub(crate) media_type: String,
    pub(crate) bytes: Bytes,
}

/// The manifest of an image whose layers the registry has in these forms. One that came with the image is sent as it
/// came when it says the same, so that the digest stays; else Docker's form is made, which every registry takes, or
/// OCI's for layers that only it has a type for.
pub(crate) fn make(image: &str, config: &[u8], layers: &[Descriptor], kept: &[KeptManifest]) -> Result<Made> {
    for known in kept {
        if says_the_same(known, image, layers) {
            let bytes = Bytes::copy_from_slice(&known.bytes);
            return Ok(Made { media_type: known.media_type.clone(), bytes });
        }
    }
    let oci = layers.iter().any(|layer| LayerKind::of(&layer.media_type) != LayerKind::Gzip);
    let media_type = if oci { OCI_MANIFEST } else { DOCKER_MANIFEST };
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| {
            let kind = layer_type(oci, LayerKind::of(&layer.media_type));
            json!({"mediaType": kind, "size": layer.size, "digest": layer.digest})
        })
        .collect();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": {
            "mediaType": if oci { OCI_CONFIG } else { DOCKER_CONFIG },
            "size": config.len(),
            "digest": image,
        },
        "layers": layers,
    });
    let bytes = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::new(Kind::Internal, "the manifest could not be written").caused_by(error))?;
    Ok(Made { media_type: media_type.to_owned(), bytes: bytes.into() })
}

fn layer_type(oci: bool, kind: LayerKind) -> String {
    match (oci, kind) {
        (true, LayerKind::Zstd) => format!("{OCI_LAYER}+zstd"),
        (true, LayerKind::Gzip) => format!("{OCI_LAYER}+gzip"),
        (true, _) => OCI_LAYER.to_owned(),
        (false, LayerKind::Gzip) => format!("{DOCKER_LAYER}.gzip"),
        (false, _) => DOCKER_LAYER.to_owned(),
    }
}

fn says_the_same(known: &KeptManifest, image: &str, layers: &[Descriptor]) -> bool {
    let Ok(Document::Manifest(manifest)) = Document::parse(&known.bytes, &known.media_type) else {
        return false;
    };
    manifest.config.digest == image
        && manifest.layers.len() == layers.len()
        && manifest.layers.iter().zip(layers).all(|(one, other)| one.digest == other.digest)
}
