//! Searching: Docker Hub's own interface where there is one, else a registry's list of repositories.

use reqwest::{Method, Url};
use sampan_error::{Error, Kind, Result};
use sampan_image::Reference;
use serde::Deserialize;

use super::answer::{body, refusal, unreachable};
use super::send::Connection;
use super::{Registries, RegistryError};
use crate::credentials::Credentials;
use crate::settings::Place;

const LARGEST: u64 = 8 << 20;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchTerm {
    /// The registry: `docker.io` when the caller named none.
    pub registry: String,
    /// Part of a repository's name or description.
    pub term: String,
}

/// A repository that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SearchResult {
    /// Its name at the registry.
    pub name: String,
    /// What its owner says of it.
    #[serde(deserialize_with = "text_or_null")]
    pub description: String,
    /// How many people like it.
    pub star_count: u64,
    /// Whether Docker looks after it.
    pub is_official: bool,
    /// Whether it is built from a code repository.
    pub is_automated: bool,
}

fn text_or_null<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<SearchResult>,
}

impl SearchTerm {
    /// Splits `registry.example/term`: a first part with a dot or a colon, or `localhost`, is a registry.
    ///
    /// # Errors
    /// `InvalidArgument` for a term with a scheme.
    pub fn parse(text: &str) -> Result<Self> {
        if text.contains("://") {
            return Err(Error::invalid(format!(
                "invalid repository name: repository name ({text}) should not have a scheme"
            )));
        }
        match text.split_once('/') {
            Some((host, term)) if host.contains(['.', ':']) || host == "localhost" => {
                let registry = if host == "index.docker.io" { "docker.io" } else { host };
                Ok(Self { registry: registry.to_owned(), term: term.to_owned() })
            }
            _ => Ok(Self { registry: "docker.io".to_owned(), term: text.to_owned() }),
        }
    }
}

impl Registries {
    /// Looks for repositories, in the mirrors of the registry first; no more than `limit` of them.
    ///
    /// # Errors
    /// What the last place that was asked said.
    pub async fn search(
        &self,
        term: &SearchTerm,
        credentials: &Credentials,
        limit: usize,
    ) -> Result<Vec<SearchResult>> {
        let mut failure = None;
        for connection in self.search_places(term, credentials)? {
            match connection.search(&term.term, limit).await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    tracing::debug!(%error, "a place cannot be searched");
                    failure = Some(error);
                }
            }
        }
        Err(failure.map_or_else(|| Error::new(Kind::Unavailable, "there is no place to search"), Error::from))
    }

    fn search_places(&self, term: &SearchTerm, credentials: &Credentials) -> Result<Vec<Connection>> {
        // Any name of the registry finds its rules.
        let reference = Reference::parse(&format!("{}/library/search", term.registry))?;
        let mut places: Vec<Connection> =
            self.sources(&reference, credentials)?.into_iter().map(|source| source.connection).collect();
        let last_is_hub = places.last().is_some_and(|place| place.host.name == "docker.io");
        if last_is_hub {
            // Searching Docker Hub is another host's work.
            places.pop();
            let place = Place::parse("https://index.docker.io")?;
            places.push(Connection {
                host: self.host(&place.host, false)?,
                ..self.connection("docker.io", false, credentials)?
            });
        }
        Ok(places)
    }
}

impl Connection {
    async fn search(&self, term: &str, limit: usize) -> Result<Vec<SearchResult>, RegistryError> {
        match self.search_v1(term, limit).await {
            Ok(found) => Ok(found),
            Err(first) => match self.catalogue().await {
                Ok(names) => {
                    let matching = names.into_iter().filter(|name| name.contains(term)).take(limit);
                    Ok(matching.map(|name| SearchResult { name, ..SearchResult::default() }).collect())
                }
                Err(second) if first.is_not_found() => Err(second),
                Err(_) => Err(first),
            },
        }
    }

    /// The interface of Docker Hub, which some other registries have too.
    async fn search_v1(&self, term: &str, limit: usize) -> Result<Vec<SearchResult>, RegistryError> {
        let mut url: Url = if self.host.name == "index.docker.io" {
            Url::parse("https://index.docker.io/v1/search")
                .map_err(|_| self.malformed("it has no address"))?
        } else {
            self.host.url("/v1/search").await?
        };
        url.query_pairs_mut().append_pair("q", term).append_pair("n", &limit.to_string());
        let request = reqwest::Request::new(Method::GET, url);
        let response = self
            .host
            .client()
            .execute(request)
            .await
            .map_err(|error| unreachable(&self.host.name, &error))?;
        if !response.status().is_success() {
            return Err(refusal(&self.host.name, response).await);
        }
        let bytes = body(&self.host.name, response, LARGEST, "a list of results").await?;
        let answer: Answer = serde_json::from_slice(&bytes)
            .map_err(|error| self.malformed(&format!("its list of results cannot be read: {error}")))?;
        Ok(answer.results.into_iter().take(limit).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::SearchTerm;

    #[test]
    fn a_term_may_name_its_registry() {
        let parse = |text: &str| SearchTerm::parse(text).map(|found| (found.registry, found.term)).unwrap();
        assert_eq!(parse("redis"), ("docker.io".into(), "redis".into()));
        assert_eq!(parse("some/app"), ("docker.io".into(), "some/app".into()));
        assert_eq!(parse("localhost/app"), ("localhost".into(), "app".into()));
        assert_eq!(parse("a.example:5000/app/x"), ("a.example:5000".into(), "app/x".into()));
        assert!(SearchTerm::parse("https://a/b").is_err());
    }
}
