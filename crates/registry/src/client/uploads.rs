//! Uploads of blobs: begun or mounted, continued, asked about, finished, given up.

use bytes::Bytes;
use futures_util::Stream;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue, LOCATION, RANGE};
use reqwest::{Body, Method, Request, Response, StatusCode, Url};

use super::manifests::header;
use super::{RegistryError, Repository};

/// An upload that is open at the registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Where it goes on. It changes with each request.
    pub location: String,
    /// Bytes that the registry has.
    pub offset: u64,
}

/// What the registry made of the wish to upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// It has the blob in another repository, and now in this one.
    Mounted,
    /// It waits for bytes.
    Upload(Upload),
}

impl Repository {
    /// Opens an upload. With `mount`, a digest and the repository of the same registry that has it, the registry is
    /// asked to take it from there.
    ///
    /// # Errors
    /// What the registry or the connection said.
    pub async fn start_upload(&self, mount: Option<(&str, &str)>) -> Result<Started, RegistryError> {
        let mut path = format!("/v2/{}/blobs/uploads/", self.path);
        let mut scopes = self.push_scope();
        if let Some((digest, from)) = mount {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.append_pair("mount", digest).append_pair("from", from);
            path = format!("{path}?{}", query.finish());
            scopes.push(format!("repository:{from}:pull"));
        }
        let answer = self
            .connection
            .call(Method::POST, &path, &scopes, |request| {
                request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
            })
            .await;
        match answer {
            Ok(response) if response.status() == StatusCode::CREATED => Ok(Started::Mounted),
            Ok(response) => Ok(Started::Upload(self.opened(&response)?)),
            // A token for both repositories may be refused where one for this alone is not.
            Err(
                RegistryError::Unauthorized { .. }
                | RegistryError::Denied { .. }
                | RegistryError::NotFound { .. },
            ) if mount.is_some() => Box::pin(self.start_upload(None)).await,
            Err(error) => Err(error),
        }
    }

    /// Sends bytes on, in one request; `offset` moves on when the registry has taken them.
    ///
    /// # Errors
    /// After any error only [`Self::upload_status`] knows how much the registry has.
    pub async fn append(
        &self,
        upload: &mut Upload,
        bytes: impl Stream<Item = std::io::Result<Bytes>> + Send + 'static,
        length: Option<u64>,
    ) -> Result<(), RegistryError> {
        let mut request = Request::new(Method::PATCH, self.address(&upload.location).await?);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        if let Some(length) = length {
            request.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        *request.body_mut() = Some(Body::wrap_stream(bytes));
        let response = self.connection.stream(request, &self.push_scope()).await?;
        *upload = self.opened(&response)?;
        Ok(())
    }

    /// Sends a small blob in one piece, and ends the upload with it.
    ///
    /// # Errors
    /// As [`Self::finish_upload`].
    pub async fn finish_with(&self, upload: Upload, bytes: Bytes, digest: &str) -> Result<(), RegistryError> {
        let mut url = self.address(&upload.location).await?;
        url.query_pairs_mut().append_pair("digest", digest);
        let mut request = Request::new(Method::PUT, url);
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        *request.body_mut() = Some(Body::from(bytes));
        self.connection.once(request, &self.push_scope()).await.map(drop)
    }

    /// Ends an upload: the registry verifies the digest.
    ///
    /// # Errors
    /// `Rejected` with `DIGEST_INVALID` when it got other bytes; what else it said.
    pub async fn finish_upload(&self, upload: Upload, digest: &str) -> Result<(), RegistryError> {
        let mut url = self.address(&upload.location).await?;
        url.query_pairs_mut().append_pair("digest", digest);
        let mut request = Request::new(Method::PUT, url);
        request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        self.connection.once(request, &self.push_scope()).await.map(drop)
    }

    /// How far an upload is; `None` when the registry does not know it any more.
    ///
    /// # Errors
    /// What the registry or the connection said.
    pub async fn upload_status(&self, location: &str) -> Result<Option<Upload>, RegistryError> {
        let request = Request::new(Method::GET, self.address(location).await?);
        match self.connection.once(request, &self.push_scope()).await {
            Ok(response) => {
                let mut upload = self.opened(&response).or_else(|_| {
                    Ok::<_, RegistryError>(Upload {
                        location: location.to_owned(),
                        offset: received(&response),
                    })
                })?;
                if upload.location.is_empty() {
                    location.clone_into(&mut upload.location);
                }
                Ok(Some(upload))
            }
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives an upload up, so that the registry need not keep it.
    pub async fn cancel_upload(&self, upload: Upload) {
        let Ok(url) = self.address(&upload.location).await else { return };
        // The registry clears uploads away by itself in time.
        let _ = self.connection.once(Request::new(Method::DELETE, url), &self.push_scope()).await;
    }

    fn opened(&self, response: &Response) -> Result<Upload, RegistryError> {
        let location = header(response, LOCATION.as_str());
        if location.is_empty() {
            return Err(self.connection.malformed("it opened an upload and did not say where"));
        }
        let location = response.url().join(&location);
        let location =
            location.map_err(|_| self.connection.malformed("it opened an upload at no address"))?;
        Ok(Upload { location: location.into(), offset: received(response) })
    }

    /// The address of an upload: of the registry itself, or another one of its choice.
    async fn address(&self, location: &str) -> Result<Url, RegistryError> {
        // So that it is known by which scheme the registry is reached before its own address is compared.
        self.connection.host.url("/v2/").await?;
        Url::parse(location).map_err(|_| self.connection.malformed("it opened an upload at no address"))
    }
}

/// Bytes that the registry says it has: `Range: 0-<last>`, both included; `0-0` is said of none.
fn received(response: &Response) -> u64 {
    let range = header(response, RANGE.as_str());
    let last =
        range.trim_start_matches("bytes=").split_once('-').and_then(|(_, last)| last.trim().parse().ok());
    match last {
        None | Some(0) => 0,
        Some(last) => u64::saturating_add(last, 1),
    }
}
