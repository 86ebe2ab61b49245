//! `docker manifest`: one name for the same image on several platforms.

pub(super) mod annotate;
pub(super) mod create;
pub(super) mod inspect;
mod local;
pub(super) mod push;
pub(super) mod remove;

use serde_json::Value as Json;

use super::creation::named_reference;
use crate::client::{Body, Query};
use crate::config::registry_authentication;
use crate::failure::{Failure, Result};
use crate::format::reference::Reference;
use crate::session::Session;

/// What docker says of the group.
pub(super) const SUMMARY: &str = "Manage Docker image manifests and manifest lists";

/// A name with its tag.
fn complete(text: &str) -> Result<Reference> {
    let mut reference =
        named_reference(text).map_err(|failure| failure.prefixed(&format!("error parsing name {text}")))?;
    if reference.tag.is_none() && reference.digest.is_none() {
        reference.tag = Some("latest".into());
    }
    Ok(reference)
}

/// A name as the engine takes it in a path.
fn whole(reference: &Reference) -> String {
    let mut name = format!("{}/{}", reference.domain, reference.path);
    if let Some(tag) = &reference.tag {
        name.push_str(&format!(":{tag}"));
    }
    if let Some(digest) = &reference.digest {
        name.push_str(&format!("@{digest}"));
    }
    name
}

/// What the registry has under a name.
fn fetch(session: &Session, reference: &Reference) -> Result<Json> {
    let authentication = registry_authentication(session, &reference.domain);
    let headers = [("X-Registry-Auth", authentication.as_str())];
    let path = format!("/sampan/manifests/{}/json", whole(reference));
    session.client()?.request_with("GET", &path, &Query::new(), &headers, Body::None)?.json()
}

/// The manifest's own text.
fn raw(manifest: &Json) -> Result<String> {
    use base64::Engine;
    let coded = manifest["Raw"].as_str().unwrap_or_default();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(coded)
        .map_err(|error| Failure::message(format!("the manifest cannot be read: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
