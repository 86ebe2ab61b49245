//! A registry's refusal in the words that Docker's clients know.

use sampan_error::{Error, Kind};
use sampan_image::Reference;

use crate::client::RegistryError;

/// The error for the user: which image it was about, and what the registry said.
pub(super) fn sentence(error: RegistryError, reference: &Reference, wanted: Option<&str>) -> Error {
    let name = reference.familiar_name();
    let code = error.code().to_owned();
    match code.as_str() {
        "DENIED" | "UNAUTHORIZED" => Error::new(
            Kind::NotFound,
            format!(
                "pull access denied for {name}, repository does not exist or may require 'docker login': {error}"
            ),
        ),
        "MANIFEST_UNKNOWN" => {
            let shown = match wanted {
                Some(digest) if digest.contains(':') => format!("{name}@{digest}"),
                Some(tag) => format!("{name}:{tag}"),
                None => name,
            };
            Error::new(Kind::NotFound, format!("manifest for {shown} not found: {error}"))
        }
        "NAME_UNKNOWN" => Error::new(Kind::NotFound, format!("repository {name} not found: {error}")),
        _ => return error.into(),
    }
    .caused_by(error)
}
