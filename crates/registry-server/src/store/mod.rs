//! The folder.
//!
//! ```text
//! blobs/<hex>                                  contents by SHA-256, manifests too
//! uploads/<id>                                 what has come of an upload
//! repositories/<name>/_blobs/<hex>             the repository has this blob
//! repositories/<name>/_manifests/<hex>         it has this manifest; the file holds its media type
//! repositories/<name>/_tags/<tag>              the file holds the digest that the tag stands for
//! repositories/<name>/_referrers/<hex>/<hex>   the second manifest is about the first
//! ```
//!
//! No part of a repository's name begins with an underscore, so the folders of one cannot be another's name.

mod blobs;
mod collect;
mod manifests;
mod tags;
mod uploads;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub use collect::{Collected, collect};
pub(crate) use manifests::LARGEST_MANIFEST;
pub(crate) use uploads::Upload;

/// The registry's data. Everything here blocks.
#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    /// Uploads that this process knows, with the hash so far.
    uploads: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Upload>>>>,
    /// Makes names of new files different.
    counter: AtomicU64,
}

impl Store {
    /// Opens the folder, which is made when it is not there.
    ///
    /// # Errors
    /// What the file system said.
    pub(crate) fn open(root: &Path) -> io::Result<Self> {
        for folder in ["blobs", "uploads", "repositories"] {
            fs::create_dir_all(root.join(folder))?;
        }
        let store = Self::beside(root);
        store.forget_old_uploads();
        Ok(store)
    }

    /// The same folder for a reader beside the process that serves it: nothing that is on its way is touched.
    fn beside(root: &Path) -> Self {
        Self { root: root.to_owned(), uploads: Mutex::default(), counter: AtomicU64::new(0) }
    }

    fn repository(&self, name: &str) -> PathBuf {
        self.root.join("repositories").join(name)
    }

    /// Writes a small file whole: under another name, flushed, then renamed.
    fn put(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let number = self.counter.fetch_add(1, Ordering::Relaxed);
        let new = self.root.join("uploads").join(format!(".new-{}-{number}", std::process::id()));
        let mut file = File::create(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        flush_folder(folder)
    }
}

/// Makes a rename lasting.
fn flush_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// A file's text, `None` when there is none.
fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether a file is not there, or its place is another repository's.
fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Names of the files of a folder, in order; none when it is not there.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}
