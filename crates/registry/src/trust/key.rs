//! Public keys, as `cosign generate-key-pair` and openssl write them.

use std::path::Path;

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, UnparsedPublicKey, VerificationAlgorithm,
};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use sampan_error::{Error, Result};

/// SubjectPublicKeyInfo (RFC 5280, 4.1) of each kind of key up to the key itself, which has a fixed length: the
/// algorithm and curve as RFC 5480 and RFC 8410 number them.
const KINDS: [(&[u8], usize, &dyn VerificationAlgorithm); 3] = [
    (
        &[
            0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
            0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ],
        65,
        &ECDSA_P256_SHA256_ASN1,
    ),
    (
        &[
            0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x05, 0x2b,
            0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
        ],
        97,
        &ECDSA_P384_SHA384_ASN1,
    ),
    (&[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00], 32, &ED25519),
];

/// A key that signatures are checked with.
#[derive(Clone)]
pub(super) struct Key {
    name: String,
    key: Vec<u8>,
    algorithm: &'static dyn VerificationAlgorithm,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Key").field(&self.name).finish()
    }
}

impl Key {
    /// Reads a file with one public key in PEM.
    ///
    /// # Errors
    /// The file cannot be read, or is no key of a kind that is known (ECDSA on P-256 or P-384, Ed25519).
    pub(super) fn read(path: &Path) -> Result<Self> {
        let name = path.display().to_string();
        let bytes = std::fs::read(path)
            .map_err(|error| Error::invalid(format!("the public key {name} cannot be read: {error}")))?;
        Self::parse(name, &bytes)
    }

    fn parse(name: String, pem: &[u8]) -> Result<Self> {
        let info = SubjectPublicKeyInfoDer::from_pem_slice(pem).map_err(|_| {
            Error::invalid(format!("{name} is no public key in PEM (\"-----BEGIN PUBLIC KEY-----\")"))
        })?;
        for (head, length, algorithm) in KINDS {
            if let Some(key) = info.as_ref().strip_prefix(head)
                && key.len() == length
            {
                return Ok(Self { name, key: key.to_vec(), algorithm });
            }
        }
        Err(Error::invalid(format!(
            "{name} is a public key of a kind that cannot be used: make one on P-256, P-384 or Ed25519"
        )))
    }

    /// The file that it came from.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether this key's owner signed these bytes.
    pub(super) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(self.algorithm, &self.key).verify(bytes, signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

    fn pem(der: &[u8]) -> String {
        let text = base64::engine::general_purpose::STANDARD.encode(der);
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }

    #[test]
    fn a_signature_is_good_for_its_key_and_its_bytes_only() {
        let random = SystemRandom::new();
        let make = || {
            let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random).unwrap()
        };
        let public = |pair: &EcdsaKeyPair| {
            let der = [KINDS[0].0, pair.public_key().as_ref()].concat();
            Key::parse("k".into(), pem(&der).as_bytes()).unwrap()
        };
        let (ours, other) = (make(), make());
        let signature = ours.sign(&random, b"payload").unwrap();
        assert!(public(&ours).verifies(b"payload", signature.as_ref()));
        assert!(!public(&ours).verifies(b"Payload", signature.as_ref()));
        assert!(!public(&other).verifies(b"payload", signature.as_ref()));
        assert!(!public(&ours).verifies(b"payload", b""));
    }

    #[test]
    fn what_is_no_key_is_named() {
        let error = Key::parse("/a.pub".into(), b"nonsense").unwrap_err();
        assert!(error.message().contains("/a.pub"));
        let error = Key::parse("/b.pub".into(), pem(&[0x30, 0x00]).as_bytes()).unwrap_err();
        assert!(error.message().contains("P-256"));
    }
}
