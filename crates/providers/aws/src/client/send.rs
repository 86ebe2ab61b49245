//! One request: signed, sent, and sent again where that may help.

use super::{Api, Client, errors};
use rand::RngExt;
use reqsign_aws_v4::RequestSigner;
use reqsign_core::SignRequest;
use reqwest::Method;
use ring::digest::{SHA256, digest};
use sampan_provider::{Failure, Result, Retry};
use std::time::Duration;

/// How often one request is sent at most.
const TRIES: u32 = 5;
/// The longest pause before another try.
const LONGEST: Duration = Duration::from_secs(20);

/// What is sent.
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) kind: String,
    pub(super) target: Option<String>,
    pub(super) body: String,
}

impl Client {
    /// The body of the answer.
    pub(super) async fn send(&self, api: Api, operation: &str, request: &Request) -> Result<String> {
        let mut refreshed = false;
        let mut tried = 0;
        loop {
            tried += 1;
            let failure = match self.once(api, operation, request).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if matches!(failure, Failure::Unauthenticated(_)) && errors::is_expired(&failure) && !refreshed {
                refreshed = true;
                self.credentials.forget().await;
                continue;
            }
            let Retry::Later(after) = failure.retry() else { return Err(failure) };
            if tried >= TRIES {
                return Err(failure);
            }
            let most = Duration::from_millis(100 << tried.min(7));
            let pause = after.unwrap_or_else(|| most.mul_f64(rand::rng().random::<f64>()));
            tracing::debug!(service = api.signed_as, operation, tried, ?pause, "asking AWS again");
            tokio::time::sleep(pause.min(LONGEST)).await;
        }
    }

    async fn once(&self, api: Api, operation: &str, request: &Request) -> Result<String> {
        let unsendable =
            |what: &str| Failure::Transport(format!("a request to {} cannot be made: {what}", api.signed_as));
        let credential = self.credentials.get().await?;
        let mut parts = http::Request::builder()
            .method(request.method.clone())
            .uri(format!("{}{}", self.address(api), request.path))
            .header("content-type", &request.kind)
            .header("x-amz-content-sha256", hex::encode(digest(&SHA256, request.body.as_bytes())));
        if let Some(target) = &request.target {
            parts = parts.header("x-amz-target", target);
        }
        let (mut parts, ()) =
            parts.body(()).map_err(|_| unsendable("the target's endpoint is no URL"))?.into_parts();
        let region = if api.global { "us-east-1" } else { &self.region };
        RequestSigner::new(api.signed_as, region)
            .sign_request(self.credentials.context(), &mut parts, Some(&credential), None)
            .await
            .map_err(|_| unsendable("it cannot be signed"))?;
        let whole = http::Request::from_parts(parts, request.body.clone());
        let whole = reqwest::Request::try_from(whole).map_err(|_| unsendable("its address is no URL"))?;
        let answer = self.http.execute(whole).await.map_err(|error| errors::unreachable(api, &error))?;
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let body = answer.text().await.map_err(|error| errors::unreachable(api, &error))?;
        if (200..300).contains(&status) {
            return Ok(body);
        }
        Err(errors::failure(api, operation, status, &headers, &body))
    }
}
