//! Blobs: looked for, fetched whole or in part, deleted.

use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use reqwest::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Method, StatusCode};
use sha2::{Digest, Sha256};

use super::answer::{body, interrupted};
use super::manifests::header;
use super::{RegistryError, Repository};

/// Bytes as they come.
pub type BlobStream = Pin<Box<dyn Stream<Item = Result<Bytes, RegistryError>> + Send>>;

/// A blob on its way.
pub struct BlobBody {
    /// Place in the blob of the first byte: not the one that was asked for where the registry knows no ranges.
    pub from: u64,
    /// The bytes. They may go on beyond what was asked for, and may end early.
    pub stream: BlobStream,
}

impl std::fmt::Debug for BlobBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BlobBody").field("from", &self.from).finish_non_exhaustive()
    }
}

impl Repository {
    /// The blob's length, if the registry has it.
    ///
    /// # Errors
    /// What the registry or the connection said.
    pub async fn head_blob(&self, digest: &str) -> Result<Option<u64>, RegistryError> {
        let path = format!("/v2/{}/blobs/{digest}", self.path);
        match self.connection.call(Method::HEAD, &path, &self.pull_scope(), |_| {}).await {
            Ok(response) => Ok(Some(header(&response, CONTENT_LENGTH.as_str()).parse().unwrap_or_default())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Begins to fetch a blob from byte `from` on, up to byte `to` (not included) or its end. Tried once: the caller
    /// knows what has come.
    ///
    /// # Errors
    /// `NotFound`; what the registry or the connection said.
    pub async fn blob(&self, digest: &str, from: u64, to: Option<u64>) -> Result<BlobBody, RegistryError> {
        let connection = &self.connection;
        let path = format!("/v2/{}/blobs/{digest}", self.path);
        let mut request = reqwest::Request::new(Method::GET, connection.host.url(&path).await?);
        if from > 0 || to.is_some() {
            let last = to.map(|to| to.saturating_sub(1).to_string()).unwrap_or_default();
            let range = HeaderValue::from_str(&format!("bytes={from}-{last}"))
                .map_err(|_| connection.malformed("a range cannot be written"))?;
            request.headers_mut().insert(RANGE, range);
        }
        let response = connection.once(request, &self.pull_scope()).await?;
        let from = match response.status() {
            StatusCode::PARTIAL_CONTENT => first_byte(&header(&response, CONTENT_RANGE.as_str()))
                .ok_or_else(|| connection.malformed("its answer to a range does not say which one it is"))?,
            _ => 0,
        };
        let host = self.host().to_owned();
        let stream =
            response.bytes_stream().map(move |chunk| chunk.map_err(|error| interrupted(&host, &error)));
        Ok(BlobBody { from, stream: Box::pin(stream) })
    }

    /// Fetches a blob of known length into memory and verifies it.
    ///
    /// # Errors
    /// `TooLarge` beyond `limit`; `WrongDigest`; as [`Self::blob`].
    pub async fn small_blob(&self, digest: &str, size: u64, limit: u64) -> Result<Bytes, RegistryError> {
        let too_large = || RegistryError::TooLarge {
            host: self.host().to_owned(),
            what: format!("blob {digest}"),
            limit,
        };
        if size > limit {
            return Err(too_large());
        }
        let path = format!("/v2/{}/blobs/{digest}", self.path);
        let mut tries = 0;
        let bytes = loop {
            tries += 1;
            let response = self.connection.call(Method::GET, &path, &self.pull_scope(), |_| {}).await?;
            match body(self.host(), response, limit, &format!("blob {digest}")).await {
                Err(error) if error.is_retryable() && tries < 3 => {}
                outcome => break outcome?,
            }
        };
        let found = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        if found != digest {
            return Err(RegistryError::WrongDigest {
                host: self.host().to_owned(),
                expected: digest.to_owned(),
                found,
            });
        }
        Ok(bytes)
    }
}

/// The first byte that a `Content-Range` names (RFC 9110, 14.4).
fn first_byte(range: &str) -> Option<u64> {
    range.trim().strip_prefix("bytes ")?.split_once('-')?.0.trim().parse().ok()
}
