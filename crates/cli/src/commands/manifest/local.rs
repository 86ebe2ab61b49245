//! Lists that are being put together: a folder per list, a file per manifest, where docker's command keeps them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value as Json;

use super::whole;
use crate::failure::{Failure, Result};
use crate::format::reference::Reference;
use crate::session::Session;

/// The folder of a list.
pub(super) fn folder(session: &Session, list: &Reference) -> PathBuf {
    session.config_directory().join("manifests").join(safe(list))
}

/// A name as a file can be called.
fn safe(reference: &Reference) -> String {
    whole(reference).replace(':', "-").replace('/', "_")
}

/// Writes a manifest of a list.
///
/// # Errors
/// What the file system said.
pub(super) fn put(session: &Session, list: &Reference, name: &Reference, manifest: &Json) -> Result<()> {
    let folder = folder(session, list);
    fs::create_dir_all(&folder)?;
    let new = folder.join(format!(".new-{}", std::process::id()));
    fs::write(&new, manifest.to_string())?;
    fs::rename(&new, folder.join(safe(name)))?;
    Ok(())
}

/// A manifest of a list, if it is there.
pub(super) fn get(session: &Session, list: &Reference, name: &Reference) -> Option<Json> {
    serde_json::from_slice(&fs::read(folder(session, list).join(safe(name))).ok()?).ok()
}

/// All manifests of a list, by name.
///
/// # Errors
/// There is no such list, or one of its files cannot be read.
pub(super) fn all(session: &Session, list: &Reference) -> Result<Vec<Json>> {
    let folder = folder(session, list);
    let unknown = || Failure::message(format!("No such manifest: {}", whole(list)));
    let mut paths: Vec<PathBuf> =
        fs::read_dir(&folder).map_err(|_| unknown())?.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut manifests = Vec::new();
    for path in paths {
        manifests.push(serde_json::from_slice(&fs::read(&path)?)?);
    }
    if manifests.is_empty() { Err(unknown()) } else { Ok(manifests) }
}
