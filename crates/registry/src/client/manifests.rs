//! Manifests: fetched and verified, put.

use bytes::Bytes;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Response};
use sha2::{Digest, Sha256};

use super::answer::body;
use super::{RegistryError, Repository};
use crate::manifest::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};

/// Most bytes of a manifest (OCI distribution specification, "Pushing Manifests").
pub(crate) const LARGEST_MANIFEST: u64 = 4 << 20;
const DIGEST: &str = "Docker-Content-Digest";

/// A manifest as it came.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// Its `Content-Type`.
    pub media_type: String,
    /// Digest of its bytes.
    pub digest: String,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Repository {
    /// Fetches what a tag or a digest stands for. What comes by digest is verified.
    ///
    /// # Errors
    /// `NotFound`; `WrongDigest`; what the registry or the connection said.
    pub async fn manifest(&self, reference: &str) -> Result<Fetched, RegistryError> {
        let response = self.ask_manifest(reference).await?;
        let (media_type, named) = (header(&response, CONTENT_TYPE.as_str()), header(&response, DIGEST));
        let bytes = body(self.host(), response, LARGEST_MANIFEST, "a manifest").await?;
        let digest = digest_of(&bytes);
        let by_digest = reference.contains(':');
        let expected = if by_digest { reference } else { named.as_str() };
        if (by_digest || expected.starts_with("sha256:")) && expected != digest {
            return Err(RegistryError::WrongDigest {
                host: self.host().to_owned(),
                expected: expected.to_owned(),
                found: digest,
            });
        }
        Ok(Fetched { media_type, digest, bytes })
    }

    async fn ask_manifest(&self, reference: &str) -> Result<Response, RegistryError> {
        let path = format!("/v2/{}/manifests/{reference}", self.path);
        self.connection
            .call(Method::GET, &path, &self.pull_scope(), |request| {
                for accepted in [OCI_INDEX, DOCKER_LIST, OCI_MANIFEST, DOCKER_MANIFEST] {
                    request.headers_mut().append(ACCEPT, HeaderValue::from_static(accepted));
                }
            })
            .await
    }

    /// Puts a manifest under a tag or its digest. Gives its digest.
    ///
    /// # Errors
    /// `Rejected` with `MANIFEST_BLOB_UNKNOWN` when the registry lacks a part of it; what else it said.
    pub async fn put_manifest(
        &self,
        reference: &str,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<String, RegistryError> {
        let path = format!("/v2/{}/manifests/{reference}", self.path);
        let kind = HeaderValue::from_str(media_type)
            .map_err(|_| RegistryError::Configuration(format!("{media_type:?} is no media type")))?;
        let response = self
            .connection
            .call(Method::PUT, &path, &self.push_scope(), |request| {
                request.headers_mut().insert(CONTENT_TYPE, kind.clone());
                *request.body_mut() = Some(Body::from(bytes.clone()));
            })
            .await?;
        let digest = digest_of(&bytes);
        let found = header(&response, DIGEST);
        if found.starts_with("sha256:") && found != digest {
            return Err(RegistryError::WrongDigest { host: self.host().to_owned(), expected: digest, found });
        }
        Ok(digest)
    }
}

/// A header's text, empty when it is missing.
pub(super) fn header(response: &Response, name: &str) -> String {
    let value = response.headers().get(name).and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}
