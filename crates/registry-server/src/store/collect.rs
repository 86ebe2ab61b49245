//! Collecting garbage: bytes that no manifest names any more.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use sampan_error::{Error, Result};

use super::manifests::Parts;
use super::{Store, names as files};
use crate::names;

/// A blob that was pushed or asked for within this is left alone: its manifest may be on its way.
const YOUNG: Duration = Duration::from_secs(3600);

/// What a collection found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Blobs that were removed, or would be.
    pub blobs: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Removes blobs that no manifest of any repository names and that nobody touched for an hour. A registry may be
/// served from the folder meanwhile. With `dry_run` nothing is removed.
///
/// # Errors
/// The folder cannot be read or changed.
pub fn collect(root: &Path, dry_run: bool) -> Result<Collected> {
    if !root.join("repositories").exists() {
        return Err(Error::not_found(format!("there is no registry in {}", root.display())));
    }
    let store = Store::beside(root);
    let needed = needed(&store)?;
    let mut collected = Collected::default();
    let mut gone = HashSet::new();
    for hex in files(&root.join("blobs"))? {
        let path = store.blob_path(&hex);
        let metadata = fs::metadata(&path)?;
        let age = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        if needed.contains(&hex) || age.is_none_or(|age| age < YOUNG) {
            continue;
        }
        collected.blobs += 1;
        collected.bytes += metadata.len();
        if !dry_run {
            fs::remove_file(&path)?;
            gone.insert(hex);
        }
    }
    for name in store.repositories().map_err(broken)? {
        for hex in files(&store.repository(&name).join("_blobs"))? {
            if gone.contains(&hex) {
                // Another collection may be at it.
                let _ = fs::remove_file(store.repository(&name).join("_blobs").join(hex));
            }
        }
    }
    Ok(collected)
}

/// All manifests, and all that they name.
fn needed(store: &Store) -> Result<HashSet<String>> {
    let mut needed = HashSet::new();
    for name in store.repositories().map_err(broken)? {
        for hex in files(&store.repository(&name).join("_manifests"))? {
            let bytes = fs::read(store.blob_path(&hex))?;
            let parts: Parts = serde_json::from_slice(&bytes).unwrap_or_default();
            needed.extend(parts.named().filter_map(names::sha256).map(str::to_owned));
            needed.insert(hex);
        }
    }
    Ok(needed)
}

fn broken(failure: crate::failure::Failure) -> Error {
    Error::internal(failure.to_string()).caused_by(failure)
}
