//! From a path to what it is about. Names of repositories have slashes, so a path is read from its end.

use crate::failure::{Failure, Result};
use crate::names;

/// What a request is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Route {
    /// `/v2/`: whether this is a registry.
    Base,
    /// `/v2/_catalog`
    Catalogue,
    /// `/v2/<name>/tags/list`
    Tags(String),
    /// `/v2/<name>/manifests/<tag or digest>`
    Manifest(String, String),
    /// `/v2/<name>/blobs/<digest>`
    Blob(String, String),
    /// `/v2/<name>/blobs/uploads/`
    Uploads(String),
    /// `/v2/<name>/blobs/uploads/<id>`
    Upload(String, String),
    /// `/v2/<name>/referrers/<digest>`
    Referrers(String, String),
}

/// From a repository's name and the last part of a path to what it is about.
type Make = fn(String, String) -> Route;

impl Route {
    /// Reads a path. Encoded characters are not decoded: no name, tag or digest needs one.
    pub(crate) fn of(path: &str) -> Result<Self> {
        let rest = path.strip_prefix("/v2").ok_or(Failure::NameUnknown)?;
        if rest.is_empty() || rest == "/" {
            return Ok(Self::Base);
        }
        let rest = rest.strip_prefix('/').ok_or(Failure::NameUnknown)?;
        if rest == "_catalog" {
            return Ok(Self::Catalogue);
        }
        let parts: Vec<&str> = rest.split('/').collect();
        let (name, route): (&[&str], Make) = match parts.as_slice() {
            [name @ .., "tags", "list"] => (name, |name, _| Self::Tags(name)),
            [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => {
                (name, |name, _| Self::Uploads(name))
            }
            [name @ .., "blobs", "uploads", _] => (name, Self::Upload),
            [name @ .., "manifests", _] => (name, Self::Manifest),
            [name @ .., "blobs", _] => (name, Self::Blob),
            [name @ .., "referrers", _] => (name, Self::Referrers),
            _ => return Err(Failure::NameUnknown),
        };
        let name = name.join("/");
        if !names::is_repository(&name) {
            return Err(Failure::NameInvalid);
        }
        let last = parts.last().copied().unwrap_or_default();
        Ok(route(name, last.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_from_their_end() {
        let route = |path: &str| Route::of(path).unwrap();
        let (name, last) = ("a/b".to_owned(), "x".to_owned());
        assert_eq!(route("/v2/"), Route::Base);
        assert_eq!(route("/v2/_catalog"), Route::Catalogue);
        assert_eq!(route("/v2/a/b/tags/list"), Route::Tags(name.clone()));
        assert_eq!(route("/v2/a/b/manifests/x"), Route::Manifest(name.clone(), last.clone()));
        assert_eq!(route("/v2/a/b/blobs/x"), Route::Blob(name.clone(), last.clone()));
        assert_eq!(route("/v2/a/b/blobs/uploads/"), Route::Uploads(name.clone()));
        assert_eq!(route("/v2/a/b/blobs/uploads/x"), Route::Upload(name.clone(), last.clone()));
        assert_eq!(route("/v2/a/b/referrers/x"), Route::Referrers(name, last));
        // A repository may be called so, too.
        assert_eq!(route("/v2/tags/tags/list"), Route::Tags("tags".into()));
        for bad in
            ["/", "/v1/", "/v2/a", "/v2/../etc/manifests/x", "/v2/%2e%2e/manifests/x", "/v2//manifests/x"]
        {
            assert!(Route::of(bad).is_err(), "{bad}");
        }
    }
}
