//! Signing in: whether a registry knows somebody.

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Request, StatusCode};
use sampan_error::{Error, Kind, Result};

use super::Registries;
use super::answer::{refusal, unreachable};
use crate::credentials::Credentials;

impl Registries {
    /// Signs in at `credentials.server`. Gives an identity token where the registry has one, to be kept in place of
    /// the password, else nothing.
    ///
    /// # Errors
    /// `Unauthenticated` with Docker's sentence when it does not know them; `Unavailable` when it cannot be reached.
    pub async fn login(&self, credentials: &Credentials) -> Result<String> {
        let name = registry_host(&credentials.server);
        let (host, insecure) = self.registry(&name)?;
        let connection = self.connection(&host, insecure, credentials)?;
        let (host, session) = (&connection.host, &connection.session);
        let url = host.url("/v2/").await?;
        let client = host.client();
        let first = client.get(url.clone()).send().await.map_err(|error| unreachable(&host.name, &error))?;
        if first.status().is_success() {
            return Ok(String::new());
        }
        if first.status() != StatusCode::UNAUTHORIZED {
            return Err(refusal(&host.name, first).await.into());
        }
        let login = session.login(client, host.is_insecure(), first.headers()).await.map_err(|error| {
            match Error::from(error) {
                error if error.kind() == Kind::Unauthenticated => {
                    let message = format!("Get \"{url}\": {error}");
                    Error::new(Kind::Unauthenticated, message).caused_by(error)
                }
                error => error,
            }
        })?;
        let mut request = Request::new(Method::GET, url.clone());
        if let Some(header) = &login.header {
            let value = HeaderValue::from_str(header).map_err(|_| {
                Error::invalid("the user name or the password has characters that cannot be sent")
            })?;
            request.headers_mut().insert(AUTHORIZATION, value);
        }
        let second = client.execute(request).await.map_err(|error| unreachable(&host.name, &error))?;
        if second.status().is_success() {
            return Ok(login.identity);
        }
        let status = second.status();
        if status == StatusCode::UNAUTHORIZED {
            return Err(Error::new(
                Kind::Unauthenticated,
                format!("login attempt to {url} failed with status: {status}"),
            ));
        }
        Err(refusal(&host.name, second).await.into())
    }
}

/// A registry's host from what a client calls it: `https://index.docker.io/v1/` is Docker Hub.
fn registry_host(server: &str) -> String {
    let bare = server.split_once("://").map_or(server, |(_, rest)| rest);
    let host = bare.split('/').next().unwrap_or_default();
    match host {
        "" | "index.docker.io" | "registry-1.docker.io" => "docker.io".to_owned(),
        other => other.to_owned(),
    }
}
