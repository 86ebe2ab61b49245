//! Requests to a registry: signed in as needed, redirected safely, tried again when that can help.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Method, Request, Response, StatusCode};

use super::Registries;
use super::answer::{refusal, unreachable};
use super::auth::{Lesson, Session, authority};
use super::error::RegistryError;
use super::host::Host;

/// Redirects that are followed for one request.
const REDIRECTS: usize = 8;
const PAUSE: Duration = Duration::from_millis(200);

/// One registry, as one caller.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) registries: Registries,
    pub(crate) host: Arc<Host>,
    pub(crate) session: Arc<Session>,
}

impl Connection {
    /// Sends a request that may be sent twice, until it has an answer of success. `path` begins with a slash.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        scopes: &[String],
        prepare: impl Fn(&mut Request),
    ) -> Result<Response, RegistryError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = async {
                let mut request = Request::new(method.clone(), self.host.url(path).await?);
                prepare(&mut request);
                self.once(request, scopes).await
            };
            match outcome.await {
                Err(error)
                    if error.is_retryable()
                        && tries < self.registries.settings().attempts
                        && !hopeless(&error) =>
                {
                    self.host.forget_scheme();
                    tracing::debug!(%error, tries, path, "asking the registry once more");
                    let pause = error.retry_after().unwrap_or(PAUSE * 2_u32.pow(tries - 1));
                    tokio::time::sleep(pause).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Sends a request, signed in as the registry wants it. Its body must be one that can be sent again, if any.
    pub(crate) async fn once(&self, request: Request, scopes: &[String]) -> Result<Response, RegistryError> {
        let mut learned = false;
        loop {
            let attempt = request.try_clone().ok_or_else(|| {
                RegistryError::Configuration("a request with a stream must not be sent twice".to_owned())
            })?;
            let (response, sent) = self.authorized(attempt, scopes).await?;
            if response.status() == StatusCode::UNAUTHORIZED && !learned {
                learned = true;
                match self.session.learn(response.headers(), sent.as_deref()) {
                    Lesson::TryAgain => continue,
                    Lesson::NobodyToBe => return Err(nobody()),
                    Lesson::Nothing => {}
                }
            }
            return self.judge(response).await;
        }
    }

    /// Sends a request whose body is a stream: once, with what is known of how to sign in.
    pub(crate) async fn stream(
        &self,
        request: Request,
        scopes: &[String],
    ) -> Result<Response, RegistryError> {
        let (response, sent) = self.authorized(request, scopes).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && self.session.learn(response.headers(), sent.as_deref()) == Lesson::TryAgain
        {
            // The next one has a new token.
            return Err(RegistryError::Interrupted {
                host: self.host.name.clone(),
                reason: "the registry wants a new token".to_owned(),
            });
        }
        self.judge(response).await
    }

    async fn judge(&self, response: Response) -> Result<Response, RegistryError> {
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal(&self.host.name, response).await)
    }

    async fn authorized(
        &self,
        mut request: Request,
        scopes: &[String],
    ) -> Result<(Response, Option<String>), RegistryError> {
        let header = if self.host.owns(request.url()) {
            self.session.header(self.host.client(), self.host.is_insecure(), scopes).await?
        } else {
            None
        };
        if let Some(header) = &header {
            request.headers_mut().insert(AUTHORIZATION, secret(header)?);
        }
        let response = self.follow(request).await?;
        Ok((response, header))
    }

    /// Follows redirects of what has no body. To another host goes nothing that says who we are.
    pub(super) async fn follow(&self, request: Request) -> Result<Response, RegistryError> {
        let mut next = request;
        for _ in 0..REDIRECTS {
            let copy = next.try_clone();
            let url = next.url().clone();
            let host = match self.host.owns(&url) {
                true => Arc::clone(&self.host),
                false => self.registries.host(&authority(&url), false)?,
            };
            let response = host.client().execute(next).await.map_err(|error| self.failed(&host, &error))?;
            let target = redirect(&response);
            let (Some(target), Some(mut again)) = (target, copy) else { return Ok(response) };
            let target = url.join(&target).map_err(|_| self.malformed("it redirects to no address"))?;
            let safe = match target.scheme() {
                "https" => true,
                "http" => url.scheme() == "http" || self.host.is_insecure(),
                _ => false,
            };
            if !safe {
                return Err(self.malformed(&format!("it redirects to {}://", target.scheme())));
            }
            if target.origin() != url.origin() {
                again.headers_mut().remove(AUTHORIZATION);
            }
            *again.url_mut() = target;
            next = again;
        }
        Err(self.malformed("it redirects without end"))
    }

    fn failed(&self, host: &Host, error: &reqwest::Error) -> RegistryError {
        let error = unreachable(&host.name, error);
        if matches!(error, RegistryError::Distrusted { .. }) {
            // The next one reads the certificates anew.
            self.registries.forget(&host.name);
        }
        error
    }

    pub(crate) fn malformed(&self, what: &str) -> RegistryError {
        RegistryError::Malformed { host: self.host.name.clone(), what: what.to_owned() }
    }
}

/// Where the answer of a request without a body sends us.
fn redirect(response: &Response) -> Option<String> {
    let status = response.status();
    let moved = [
        StatusCode::MOVED_PERMANENTLY,
        StatusCode::FOUND,
        StatusCode::SEE_OTHER,
        StatusCode::TEMPORARY_REDIRECT,
        StatusCode::PERMANENT_REDIRECT,
    ];
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    moved.contains(&status).then(|| location.to_owned())
}

/// Docker's sentence where a registry wants a password and none is known.
fn nobody() -> RegistryError {
    RegistryError::Unauthorized { code: String::new(), message: "no basic auth credentials".to_owned() }
}

/// Whether the same again would only take as long: there is no such host, nobody listens there, or nobody answers.
fn hopeless(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Unreachable { connected: false, .. } | RegistryError::Silent { .. })
}

fn secret(header: &str) -> Result<HeaderValue, RegistryError> {
    let mut value = HeaderValue::from_str(header).map_err(|_| {
        RegistryError::Configuration("the credentials hold characters that cannot be sent".to_owned())
    })?;
    value.set_sensitive(true);
    Ok(value)
}
