//! Who may have made an image: signatures by key, as cosign writes them, wanted by a policy per prefix of names.
//!
//! A signature lies in the image's own repository, under the tag `sha256-<hex>.sig`: a manifest whose layers are
//! payloads ("simple signing": a JSON document that names the digest of the signed manifest), each with the
//! signature of its bytes in an annotation (cosign's specs/SIGNATURE_SPEC.md). Nothing is asked of any other server.

mod attestation;
mod key;
mod payload;
mod policy;

pub(crate) use attestation::attestations;
pub use policy::Policy;

use sampan_error::{Error, Kind, Result};
use sampan_image::Reference;

use crate::client::Repository;
use crate::manifest::{Descriptor, Document};
use key::Key;
use payload::Payload;
use policy::Requirement;

/// Most bytes of one payload.
const LARGEST_PAYLOAD: u64 = 256 << 10;
/// Signatures of one image that are looked at.
const MOST_SIGNATURES: usize = 64;
const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";

/// Checks that the policy allows an image: `digests` are those of the manifest that its name stands for and of the
/// one for this platform.
///
/// # Errors
/// `PermissionDenied` when it does not; what the registry said when the signatures cannot be read.
pub(crate) async fn check(
    policy: &Policy,
    source: &Repository,
    reference: &Reference,
    digests: &[&str],
) -> Result<()> {
    let repository = reference.repository();
    let (prefix, requirement) = policy.requirement(&repository);
    let keys = match requirement {
        Requirement::Accept => return Ok(()),
        Requirement::Reject => {
            return Err(denied(format!(
                "{} may not be used here: the trust policy {} rejects {prefix}",
                reference.familiar(),
                policy.source()
            )));
        }
        Requirement::Signed(keys) => keys,
    };
    let mut seen = 0;
    // Without an index both are the same one.
    let different = digests.iter().enumerate().filter(|(at, digest)| !digests[..*at].contains(digest));
    for (_, digest) in different {
        for signature in signatures(source, digest).await? {
            seen += 1;
            if signature.is_by(keys) && signature.payload.names(digest) {
                return Ok(());
            }
        }
    }
    let found = match seen {
        0 => "it has no signature".to_owned(),
        1 => "its signature is by no such key, or of another image".to_owned(),
        many => format!("none of its {many} signatures is by such a key and of this image"),
    };
    Err(denied(format!(
        "{} may not be used here: the trust policy {} wants {prefix} signed by {}, and {found}",
        reference.familiar(),
        policy.source(),
        keys.iter().map(Key::name).collect::<Vec<_>>().join(" or ")
    )))
}

fn denied(message: String) -> Error {
    Error::new(Kind::PermissionDenied, message)
}

/// A payload with the signature of its bytes.
struct Signature {
    bytes: Vec<u8>,
    signature: Vec<u8>,
    payload: Payload,
}

impl Signature {
    fn is_by(&self, keys: &[Key]) -> bool {
        keys.iter().any(|key| key.verifies(&self.bytes, &self.signature))
    }
}

/// The signatures of a manifest that its repository keeps; what is no signature is passed over.
async fn signatures(source: &Repository, digest: &str) -> Result<Vec<Signature>> {
    let tag = format!("{}.sig", digest.replacen(':', "-", 1));
    let fetched = match source.manifest(&tag).await {
        Ok(fetched) => fetched,
        Err(error) => {
            let error = Error::from(error);
            return if error.kind() == Kind::NotFound { Ok(Vec::new()) } else { Err(error) };
        }
    };
    let Document::Manifest(manifest) = Document::parse(&fetched.bytes, &fetched.media_type)? else {
        return Ok(Vec::new());
    };
    let mut found = Vec::new();
    for layer in manifest.layers.iter().filter(|layer| layer.media_type == PAYLOAD).take(MOST_SIGNATURES) {
        if let Some(signature) = read(source, layer).await? {
            found.push(signature);
        }
    }
    Ok(found)
}

async fn read(source: &Repository, layer: &Descriptor) -> Result<Option<Signature>> {
    use base64::Engine;
    let Some(text) = layer.annotations.get(SIGNATURE) else { return Ok(None) };
    let Ok(signature) = base64::engine::general_purpose::STANDARD.decode(text) else { return Ok(None) };
    let bytes = source.small_blob(&layer.digest, layer.size, LARGEST_PAYLOAD).await?.to_vec();
    let Some(payload) = Payload::parse(&bytes) else { return Ok(None) };
    Ok(Some(Signature { bytes, signature, payload }))
}
