//! A file from any web server, as `import` takes it.

use futures_util::StreamExt;
use reqwest::{Method, Request, Url};
use sampan_error::{Error, Result};

use super::answer::{interrupted, refusal};
use super::auth::authority;
use super::blobs::BlobStream;
use super::{Registries, RegistryError};
use crate::credentials::Credentials;

impl Registries {
    /// Begins to fetch what lies at an address.
    ///
    /// # Errors
    /// `InvalidArgument` for what is no address; what the server or the connection said.
    pub async fn open_url(&self, address: &str) -> Result<BlobStream> {
        let url = Url::parse(address)
            .map_err(|error| Error::invalid(format!("{address} is no address of an archive: {error}")))?;
        let host = authority(&url);
        let connection = self.connection(&host, url.scheme() == "http", &Credentials::default())?;
        let response = connection.follow(Request::new(Method::GET, url)).await?;
        if !response.status().is_success() {
            return Err(refusal(&host, response).await.into());
        }
        let stream = response.bytes_stream();
        Ok(Box::pin(
            stream.map(move |chunk| chunk.map_err(|error| -> RegistryError { interrupted(&host, &error) })),
        ))
    }
}
