//! Contexts that stay from build to build, so that a client sends only what changed.

use crate::{Builder, Context};
use sampan_error::{Context as _, Error, Result};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// A context that no build used for so long is forgotten.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Who uses which kept context: builds read it, and one at a time brings it up to date.
#[derive(Default)]
pub(crate) struct InUse(Mutex<HashMap<String, Arc<RwLock<()>>>>);

impl InUse {
    fn lock(&self, name: &str) -> Arc<RwLock<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, lock| Arc::strong_count(lock) > 1);
        Arc::clone(all.entry(name.to_owned()).or_default())
    }
}

/// A context that is being brought up to date. Whoever writes into it gives each changed file a new inode: copies of
/// it that other builds read share the old ones.
pub struct Updating {
    folder: PathBuf,
    of: Of,
}

enum Of {
    /// The kept one itself.
    Kept(OwnedRwLockWriteGuard<()>),
    /// A copy that goes with the build.
    Copy(Context),
}

impl Updating {
    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// It is up to date: a build may read it.
    ///
    /// # Errors
    /// The folder cannot be opened.
    pub fn done(self) -> Result<Context> {
        match self.of {
            Of::Copy(context) => Ok(context),
            Of::Kept(guard) => Context::kept(&self.folder, guard.downgrade()),
        }
    }
}

impl Builder {
    /// The context that was kept under this key, or a new one. While another build reads it, a copy of it whose files
    /// are the same inodes.
    ///
    /// # Errors
    /// The data root cannot be written.
    pub async fn keep_context(&self, key: &str) -> Result<Updating> {
        let name = hex::encode(Sha256::digest(key));
        let all = self.folder()?.join("kept");
        let folder = all.join(&name);
        std::fs::create_dir_all(&folder).context(format!("cannot make {}", folder.display()))?;
        let in_use = self.engine.resident(InUse::default);
        let lock = in_use.lock(&name);
        if let Ok(guard) = Arc::clone(&lock).try_write_owned() {
            let parent = std::fs::File::open(&folder).context("a kept context cannot be opened")?;
            // When it was last used, for those who look for old ones.
            parent.set_modified(SystemTime::now())?;
            return Ok(Updating { folder, of: Of::Kept(guard) });
        }
        let reading: OwnedRwLockReadGuard<()> = lock.read_owned().await;
        let parent = self.folder()?;
        let copy = crate::steps::tokio_blocking(move || {
            let copy = Context::empty(&parent)?;
            link_all(&folder, copy.path())?;
            drop(reading);
            Ok(copy)
        })
        .await?;
        Ok(Updating { folder: copy.path().to_owned(), of: Of::Copy(copy) })
    }

    /// Removes kept contexts that no build uses: all, or those that are old. Blocks.
    pub(crate) fn forget_contexts(&self, all: bool) {
        let in_use = self.engine.resident(InUse::default);
        let Ok(kept) = self.folder().map(|folder| folder.join("kept")) else { return };
        for entry in std::fs::read_dir(kept).into_iter().flatten().flatten() {
            let age = entry.metadata().and_then(|it| it.modified()).ok().and_then(|it| it.elapsed().ok());
            if !all && age.is_none_or(|age| age < LONGEST) {
                continue;
            }
            let lock = in_use.lock(&entry.file_name().to_string_lossy());
            if let Ok(_alone) = lock.try_write_owned()
                && let Err(error) = std::fs::remove_dir_all(entry.path())
            {
                tracing::warn!(%error, "a kept context stays");
            }
        }
    }
}

/// Copies a tree by hard links; directories and links are made anew.
fn link_all(from: &Path, to: &Path) -> Result<()> {
    for entry in std::fs::read_dir(from).context("a kept context cannot be read")? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let metadata = entry.metadata()?;
        let made = if metadata.is_dir() {
            std::fs::create_dir(&target)?;
            link_all(&source, &target)?;
            std::os::unix::fs::chown(&target, Some(metadata.uid()), Some(metadata.gid()))
                .and_then(|()| std::fs::set_permissions(&target, metadata.permissions()))
        } else if metadata.is_symlink() {
            symlink(std::fs::read_link(&source)?, &target)
        } else {
            std::fs::hard_link(&source, &target)
        };
        made.map_err(|error| Error::internal("a context cannot be copied").caused_by(error))?;
    }
    Ok(())
}
