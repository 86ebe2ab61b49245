//! Who we are to a registry: challenges met, tokens kept and renewed.

mod challenge;
mod token;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use reqwest::header::HeaderMap;
use reqwest::{Client, Url};

use super::error::RegistryError;
use crate::credentials::Credentials;
pub(super) use challenge::Challenge;
use token::Token;
pub(super) use token::authority;

/// One caller's dealings with one registry. Tokens live as long as this.
#[derive(Debug)]
pub(crate) struct Session {
    credentials: Credentials,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What the registry asked for last.
    challenge: Option<Challenge>,
    /// Tokens by what they are good for.
    tokens: HashMap<String, Token>,
}

impl Session {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The header to send with a request that needs `scopes`, as far as it is known what the registry wants.
    pub(super) async fn header(
        &self,
        client: &Client,
        insecure: bool,
        scopes: &[String],
    ) -> Result<Option<String>, RegistryError> {
        if !self.credentials.registry_token.is_empty() {
            return Ok(Some(format!("Bearer {}", self.credentials.registry_token)));
        }
        let challenge = self.state().challenge.clone();
        match challenge {
            None => Ok(None),
            Some(Challenge::Basic) => Ok(token::basic(&self.credentials)),
            Some(Challenge::Bearer { realm, service, scope }) => {
                let scopes = wanted(scopes, &scope);
                let key = scopes.join(" ");
                let kept = self.state().tokens.get(&key).filter(|token| token.is_fresh()).cloned();
                let token = match kept {
                    Some(token) => token,
                    None => {
                        let (token, _) = self.ask(client, insecure, &realm, &service, &scopes, false).await?;
                        self.state().tokens.insert(key, token.clone());
                        token
                    }
                };
                Ok(Some(format!("Bearer {}", token.text)))
            }
        }
    }

    /// Takes a refusal's challenge in.
    pub(super) fn learn(&self, headers: &HeaderMap, sent: Option<&str>) -> Lesson {
        let Some(challenge) = Challenge::from_headers(headers) else { return Lesson::Nothing };
        let mut state = self.state();
        let basic_failed =
            challenge == Challenge::Basic && sent.is_some_and(|sent| sent.starts_with("Basic"));
        let nothing_to_say = challenge == Challenge::Basic && token::basic(&self.credentials).is_none();
        if let Some(text) = sent.and_then(|sent| sent.strip_prefix("Bearer ")) {
            // It has ended earlier than it said, or was never good.
            state.tokens.retain(|_, token| token.text != text);
        }
        state.challenge = Some(challenge);
        if nothing_to_say {
            Lesson::NobodyToBe
        } else if basic_failed || !self.credentials.registry_token.is_empty() {
            Lesson::Nothing
        } else {
            Lesson::TryAgain
        }
    }

    /// Meets a challenge for nothing but to see whether the caller is known. Gives an identity token if the server
    /// has one.
    pub(super) async fn login(
        &self,
        client: &Client,
        insecure: bool,
        headers: &HeaderMap,
    ) -> Result<Login, RegistryError> {
        match Challenge::from_headers(headers) {
            Some(Challenge::Bearer { realm, service, .. }) => {
                let (token, identity) = self.ask(client, insecure, &realm, &service, &[], true).await?;
                Ok(Login { header: Some(format!("Bearer {}", token.text)), identity })
            }
            Some(Challenge::Basic) => {
                Ok(Login { header: token::basic(&self.credentials), identity: String::new() })
            }
            None => Ok(Login { header: None, identity: String::new() }),
        }
    }

    async fn ask(
        &self,
        client: &Client,
        insecure: bool,
        realm: &str,
        service: &str,
        scopes: &[String],
        offline: bool,
    ) -> Result<(Token, String), RegistryError> {
        let bad = |why: &str| {
            RegistryError::Configuration(format!("the registry names the token server {realm:?}, {why}"))
        };
        let realm_url = Url::parse(realm).map_err(|_| bad("which is no address"))?;
        match realm_url.scheme() {
            "https" => {}
            "http" if insecure => {}
            "http" => return Err(bad("which would send the password without TLS")),
            _ => return Err(bad("which is no address")),
        }
        let request = token::Request {
            client,
            realm: realm_url,
            service,
            scopes,
            credentials: &self.credentials,
            offline,
        };
        request.send().await
    }
}

/// What a refusal teaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lesson {
    /// The next try will be another one.
    TryAgain,
    /// It would be the same again.
    Nothing,
    /// A name and a password are wanted, and there are none.
    NobodyToBe,
}

/// What a login got.
pub(super) struct Login {
    pub(super) header: Option<String>,
    pub(super) identity: String,
}

/// The scopes to ask for: those that the request needs, else what the registry named.
fn wanted(scopes: &[String], challenge: &str) -> Vec<String> {
    if scopes.is_empty() && !challenge.is_empty() { vec![challenge.to_owned()] } else { scopes.to_vec() }
}
