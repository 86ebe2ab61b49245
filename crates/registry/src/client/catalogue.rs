//! The list of a registry's repositories, which many do not give.

use reqwest::Method;
use reqwest::header::LINK;
use serde::Deserialize;

use super::RegistryError;
use super::answer::body;
use super::manifests::header;
use super::send::Connection;
use super::tags::next_page;

const LARGEST: u64 = 4 << 20;
const PAGES: usize = 20;

#[derive(Deserialize)]
struct Catalogue {
    #[serde(default)]
    repositories: Option<Vec<String>>,
}

impl Connection {
    /// The repositories of a registry, as far as it tells: the first 20,000.
    pub(super) async fn catalogue(&self) -> Result<Vec<String>, RegistryError> {
        let scopes = ["registry:catalog:*".to_owned()];
        let mut path = "/v2/_catalog?n=1000".to_owned();
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let response = self.call(Method::GET, &path, &scopes, |_| {}).await?;
            let next = next_page(&header(&response, LINK.as_str()));
            let bytes = body(&self.host.name, response, LARGEST, "a list of repositories").await?;
            let page: Catalogue = serde_json::from_slice(&bytes).map_err(|error| {
                self.malformed(&format!("its list of repositories cannot be read: {error}"))
            })?;
            all.extend(page.repositories.unwrap_or_default());
            match next {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(all)
    }
}
