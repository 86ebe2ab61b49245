//! `--storage-opt size=`: limits on writable layers, where the file system can enforce them.
//!
//! On btrfs a limited layer is a subvolume with a quota group; on XFS mounted with `prjquota` a
//! directory with a project of its own. Elsewhere a limit is refused.

use crate::error::{Doing, Result, StorageError};
use crate::probe::file_system;
use crate::staging::{Staged, Staging};
use rustix::fs::{CWD, Mode, OFlags, openat};
use sampan_sys::quota;
use std::ffi::CString;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(test)]
mod tests;

/// What can enforce a limit below a directory.
#[derive(Debug)]
pub(crate) enum Support {
    /// Nothing, for this reason.
    None(String),
    /// Subvolumes with quota groups.
    Btrfs,
    /// Projects; the number is the last one given out.
    Xfs(AtomicU32),
}

impl Support {
    /// Looks at the file system of a driver's directory, and at the projects in use there.
    pub(crate) fn detect(root: &Path) -> Self {
        let name = file_system(root).unwrap_or("<unknown>");
        let Ok(directory) = open(root) else { return Self::refused(root, name) };
        match name {
            "btrfs" => Self::Btrfs,
            "xfs" if quota::enforces_project_quotas(directory.as_fd()) => {
                let own = quota::project(directory.as_fd()).unwrap_or(0);
                let used = crate::catalogue::children(&root.join("writable")).unwrap_or_default();
                let used = used.iter().filter_map(|path| quota::project(open(path).ok()?.as_fd()).ok());
                Self::Xfs(AtomicU32::new(used.max().unwrap_or(0).max(own)))
            }
            _ => Self::refused(root, name),
        }
    }

    fn refused(root: &Path, name: &str) -> Self {
        Self::None(format!(
            "--storage-opt size is not supported here: {} is on {name}, and limits need btrfs, or xfs mounted with prjquota",
            root.display()
        ))
    }

    /// Whether a limit can be enforced.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::None(reason) => Err(StorageError::Unsupported(reason.clone())),
            Self::Btrfs | Self::Xfs(_) => Ok(()),
        }
    }

    /// A new directory under construction that cannot hold more than `limit` bytes.
    pub(crate) fn limited_directory(&self, staging: &Staging, limit: u64) -> Result<Staged> {
        let doing = || "limiting the size of a writable layer".to_owned();
        match self {
            Self::None(reason) => Err(StorageError::Unsupported(reason.clone())),
            Self::Btrfs => {
                let staged = subvolume(staging)?;
                let directory = open(staged.path())?;
                quota::enable_subvolume_quotas(directory.as_fd()).doing(doing)?;
                quota::limit_subvolume(directory.as_fd(), limit).doing(doing)?;
                Ok(staged)
            }
            Self::Xfs(last) => {
                let staged = staging.create()?;
                let directory = open(staged.path())?;
                let project = last.fetch_add(1, Ordering::Relaxed) + 1;
                quota::limit_project(directory.as_fd(), project, limit).doing(doing)?;
                quota::set_project(directory.as_fd(), project).doing(doing)?;
                Ok(staged)
            }
        }
    }
}

/// A subvolume in the staging directory. It is removed like a directory (since Linux 4.18).
fn subvolume(staging: &Staging) -> Result<Staged> {
    let path = staging.reserve();
    let doing = || format!("creating subvolume {}", path.display());
    let parent = open(path.parent().unwrap_or(&path))?;
    let name = path.file_name().map(std::ffi::OsStr::as_encoded_bytes).unwrap_or_default();
    let name = CString::new(name).map_err(std::io::Error::from).doing(doing)?;
    quota::create_subvolume(parent.as_fd(), &name).doing(doing)?;
    Ok(Staged::adopt(path))
}

fn open(path: &Path) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty()).doing(|| format!("opening {}", path.display()))
}
