//! Attestations that an index carries beside its images: provenance, lists of parts (SBOM).
//!
//! BuildKit puts each into a manifest of its own, marked in the index by annotations: its type is
//! `attestation-manifest`, and it names the image manifest that it is about. Its layers are in-toto statements.

use sampan_error::Result;
use sampan_image::Attestation;

use crate::client::Repository;
use crate::manifest::{Document, Index};

const KIND: &str = "vnd.docker.reference.type";
const ABOUT: &str = "vnd.docker.reference.digest";
const PREDICATE: &str = "in-toto.io/predicate-type";
/// Attestation manifests that are looked at.
const MOST: usize = 8;

/// The statements that an index carries about one of its manifests. `repository` is the image's, as names have it.
/// What cannot be read is left out: an attestation that is damaged says nothing, and is no reason not to run the
/// image.
///
/// # Errors
/// None of the content's; the registry's own failures.
pub(crate) async fn attestations(
    source: &Repository,
    repository: &str,
    index: &Index,
    manifest: &str,
) -> Result<Vec<Attestation>> {
    let mut found = Vec::new();
    let about = index.manifests.iter().filter(|entry| {
        entry.annotations.get(KIND).is_some_and(|kind| kind == "attestation-manifest")
            && entry.annotations.get(ABOUT).is_some_and(|about| about == manifest)
    });
    for entry in about.take(MOST) {
        let fetched = source.manifest(&entry.digest).await?;
        let Ok(Document::Manifest(document)) = Document::parse(&fetched.bytes, &fetched.media_type) else {
            continue;
        };
        found.extend(document.layers.into_iter().filter_map(|layer| {
            let predicate_type = layer.annotations.get(PREDICATE)?.clone();
            Some(Attestation {
                predicate_type,
                repository: repository.to_owned(),
                digest: layer.digest,
                media_type: layer.media_type,
                size: layer.size,
            })
        }));
    }
    Ok(found)
}
