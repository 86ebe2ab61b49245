//! The tags of a repository.

use reqwest::Method;
use reqwest::header::LINK;
use serde::Deserialize;

use super::answer::body;
use super::manifests::header;
use super::{RegistryError, Repository};

const LARGEST: u64 = 4 << 20;
/// Tags that are asked for at a time.
const PAGE: usize = 1000;
/// Pages that are read.
const PAGES: usize = 100;

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl Repository {
    /// All tags.
    ///
    /// # Errors
    /// `NotFound` with `NAME_UNKNOWN`; what else the registry or the connection said.
    pub async fn tags(&self) -> Result<Vec<String>, RegistryError> {
        let mut path = format!("/v2/{}/tags/list?n={PAGE}", self.path);
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let response = self.connection.call(Method::GET, &path, &self.pull_scope(), |_| {}).await?;
            let next = next_page(&header(&response, LINK.as_str()));
            let bytes = body(self.host(), response, LARGEST, "a list of tags").await?;
            let page: Tags = serde_json::from_slice(&bytes).map_err(|error| {
                self.connection.malformed(&format!("its list of tags cannot be read: {error}"))
            })?;
            all.extend(page.tags.unwrap_or_default());
            match next {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(all)
    }
}

/// Path and query of the next page, from a `Link` header (RFC 8288): never another host.
pub(super) fn next_page(link: &str) -> Option<String> {
    let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    if !rest.to_ascii_lowercase().replace('"', "").contains("rel=next") {
        return None;
    }
    let path = match address.split_once("://") {
        Some((_, rest)) => &rest[rest.find('/')?..],
        None => address,
    };
    path.starts_with('/').then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::next_page;

    #[test]
    fn the_next_page_is_of_the_same_host() {
        let next = |link| next_page(link).unwrap_or_default();
        assert_eq!(next(r#"</v2/a/tags/list?n=1&last=b>; rel="next""#), "/v2/a/tags/list?n=1&last=b");
        assert_eq!(next("<https://evil.example/v2/x>; rel=next"), "/v2/x");
        assert_eq!(next(r#"</v2/a>; rel="prev""#), "");
        assert_eq!(next("<v2/a>; rel=next"), "");
        assert_eq!(next(""), "");
    }
}
