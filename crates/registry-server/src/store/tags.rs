//! Tags, and the list of repositories.

use std::fs;
use std::io;
use std::path::Path;

use super::{Store, is_missing, names as files, read};
use crate::failure::{Failure, Result};
use crate::names;

impl Store {
    /// The digest that a tag stands for.
    pub(super) fn tag(&self, name: &str, tag: &str) -> Result<Option<String>> {
        if !names::is_tag(tag) {
            return Ok(None);
        }
        Ok(read(&self.repository(name).join("_tags").join(tag))?)
    }

    pub(super) fn put_tag(&self, name: &str, tag: &str, digest: &str) -> io::Result<()> {
        self.put(&self.repository(name).join("_tags").join(tag), digest.as_bytes())
    }

    pub(super) fn delete_tag(&self, name: &str, tag: &str) -> Result<()> {
        if !names::is_tag(tag) {
            return Err(Failure::ManifestUnknown);
        }
        match fs::remove_file(self.repository(name).join("_tags").join(tag)) {
            Err(error) if is_missing(&error) => Err(Failure::ManifestUnknown),
            other => Ok(other?),
        }
    }

    /// All tags of a repository, in order.
    ///
    /// # Errors
    /// `NameUnknown` when there is no such repository.
    pub(crate) fn tags(&self, name: &str) -> Result<Vec<String>> {
        let folder = self.repository(name);
        if !folder.join("_manifests").exists() {
            return Err(Failure::NameUnknown);
        }
        Ok(files(&folder.join("_tags"))?)
    }

    /// All repositories that have a manifest, in order.
    ///
    /// # Errors
    /// What the file system said.
    pub(crate) fn repositories(&self) -> Result<Vec<String>> {
        let mut found = Vec::new();
        walk(&self.root.join("repositories"), "", &mut found)?;
        found.sort();
        Ok(found)
    }
}

fn walk(folder: &Path, name: &str, found: &mut Vec<String>) -> io::Result<()> {
    for part in files(folder)? {
        if part == "_manifests" {
            if !files(&folder.join(&part))?.is_empty() {
                found.push(name.to_owned());
            }
        } else if !part.starts_with('_') {
            let below = if name.is_empty() { part.clone() } else { format!("{name}/{part}") };
            walk(&folder.join(&part), &below, found)?;
        }
    }
    Ok(())
}
