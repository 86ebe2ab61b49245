//! Tokens: got from the server that a challenge names, kept until shortly before they end.

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Client, Url};
use serde::Deserialize;

use super::super::answer;
use super::super::error::RegistryError;
use crate::credentials::Credentials;

/// How long a token lasts that does not say so (the distribution project's token specification).
const DEFAULT_LIFE: u64 = 60;
/// A token that ends within this is not used any more.
const MARGIN: Duration = Duration::from_secs(10);
const LARGEST: u64 = 1 << 20;
const CLIENT: &str = "sampan";

/// A token, with its end.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) text: String,
    ends: Instant,
}

impl Token {
    pub(super) fn is_fresh(&self) -> bool {
        self.ends > Instant::now() + MARGIN
    }
}

/// What a token server answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    token: String,
    #[serde(default)]
    access_token: String,
    #[serde(default)]
    refresh_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

/// A request for a token.
pub(super) struct Request<'a> {
    pub(super) client: &'a Client,
    pub(super) realm: Url,
    pub(super) service: &'a str,
    pub(super) scopes: &'a [String],
    pub(super) credentials: &'a Credentials,
    /// Whether a refresh token is wanted too, to be kept in place of the password.
    pub(super) offline: bool,
}

impl Request<'_> {
    /// Asks for the token: with an identity token as OAuth 2 has it, else with name and password, else as nobody.
    pub(super) async fn send(self) -> Result<(Token, String), RegistryError> {
        let host = authority(&self.realm);
        let request = if self.credentials.identity_token.is_empty() { self.get() } else { self.refresh() };
        let response = request.send().await.map_err(|error| answer::unreachable(&host, &error))?;
        if !response.status().is_success() {
            return Err(answer::refusal(&host, response).await);
        }
        let body = answer::body(&host, response, LARGEST, "a token").await?;
        let malformed = |what: String| RegistryError::Malformed { host: host.clone(), what };
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|error| malformed(format!("its token cannot be read: {error}")))?;
        let text = if answer.token.is_empty() { answer.access_token } else { answer.token };
        if text.is_empty() {
            return Err(malformed("authorization server did not include a token in the response".to_owned()));
        }
        let life =
            Duration::from_secs(answer.expires_in.unwrap_or(DEFAULT_LIFE).clamp(DEFAULT_LIFE, 24 * 3600));
        Ok((Token { text, ends: Instant::now() + life }, answer.refresh_token))
    }

    fn get(&self) -> reqwest::RequestBuilder {
        let mut url = self.realm.clone();
        {
            let mut query = url.query_pairs_mut();
            if !self.service.is_empty() {
                query.append_pair("service", self.service);
            }
            for scope in self.scopes {
                query.append_pair("scope", scope);
            }
            if self.offline {
                query.append_pair("offline_token", "true").append_pair("client_id", CLIENT);
            }
            if !self.credentials.username.is_empty() {
                query.append_pair("account", &self.credentials.username);
            }
        }
        let request = self.client.get(url);
        match basic(self.credentials) {
            Some(basic) => request.header(reqwest::header::AUTHORIZATION, basic),
            None => request,
        }
    }

    fn refresh(&self) -> reqwest::RequestBuilder {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", &self.credentials.identity_token)
            .append_pair("service", self.service)
            .append_pair("client_id", CLIENT);
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        self.client
            .post(self.realm.clone())
            .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(form.finish())
    }
}

/// The header of name and password (RFC 7617).
pub(super) fn basic(credentials: &Credentials) -> Option<String> {
    if credentials.username.is_empty() {
        return None;
    }
    let pair = format!("{}:{}", credentials.username, credentials.password);
    Some(format!("Basic {}", STANDARD.encode(pair)))
}

/// Host and port of an address.
pub(in super::super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
