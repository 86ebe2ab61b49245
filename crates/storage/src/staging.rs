//! Directories under construction and directories on their way out.
//!
//! What is built lies in `staging/` and is renamed into place when it is whole; what is removed is
//! renamed into `removing/` first. Both are emptied when a driver is opened, so a kill at any point
//! leaves either the whole thing or nothing.

use crate::error::{Doing, Result};
use crate::remove::remove_tree;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// The two directories of a driver or of the volumes.
#[derive(Debug, Clone)]
pub(crate) struct Staging {
    staging: PathBuf,
    removing: PathBuf,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);

fn unique_name() -> String {
    format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed))
}

impl Staging {
    /// Makes both directories under `root`, and removes what an earlier process left in them.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let this = Self { staging: root.join("staging"), removing: root.join("removing") };
        for directory in [&this.staging, &this.removing] {
            fs::create_dir_all(directory).doing(|| format!("creating {}", directory.display()))?;
            let entries = fs::read_dir(directory).doing(|| format!("reading {}", directory.display()))?;
            for entry in entries.flatten() {
                remove_tree(&entry.path())?;
            }
        }
        Ok(this)
    }

    /// A temporary directory below `root`, for a trial before a driver is opened there. It lies in `staging/`, which
    /// opening empties, so that a process killed in mid-trial leaves nothing for good.
    pub(crate) fn in_directory(root: &Path) -> Result<Staged> {
        let staging = root.join("staging");
        let path = staging.join(format!("trial-{}", unique_name()));
        // The number of a process comes again: what is there under this name is nobody's.
        remove_tree(&path)?;
        fs::create_dir_all(&path).doing(|| format!("creating {}", path.display()))?;
        Ok(Staged { path: Some(path) })
    }

    /// A new empty directory (mode 0700), removed again when it is dropped.
    pub(crate) fn create(&self) -> Result<Staged> {
        let path = self.reserve();
        fs::create_dir(&path).doing(|| format!("creating {}", path.display()))?;
        Ok(Staged { path: Some(path) })
    }

    /// A path in `staging/` that nobody else uses.
    pub(crate) fn reserve(&self) -> PathBuf {
        self.staging.join(unique_name())
    }

    /// Moves a directory aside and deletes it. The deletion may fail half-way: the next start ends it.
    pub(crate) fn discard(&self, path: &Path) -> Result<()> {
        let aside = self.removing.join(unique_name());
        fs::rename(path, &aside).doing(|| format!("renaming {} aside", path.display()))?;
        remove_tree(&aside)
    }
}

/// A directory under construction. Removed when dropped, unless it was renamed into place.
#[derive(Debug)]
pub(crate) struct Staged {
    path: Option<PathBuf>,
}

impl Staged {
    /// Takes charge of a directory that exists already in `staging/`.
    pub(crate) fn adopt(path: PathBuf) -> Self {
        Self { path: Some(path) }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.path.as_deref().unwrap_or(Path::new(""))
    }

    /// Renames it into place. The target must not exist, or be an empty directory.
    pub(crate) fn commit(mut self, target: &Path) -> std::io::Result<()> {
        fs::rename(self.path(), target)?;
        self.path = None;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(path) = self.path.take() {
            // Nothing can be reported here; the next start of the driver empties the directory.
            let _ = remove_tree(&path);
        }
    }
}
