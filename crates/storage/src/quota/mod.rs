//! `--storage-opt size=`: limits on writable layers, where the file system can enforce them.

use crate::error::{Result, StorageError};
use crate::probe::file_system;
use crate::staging::{Staged, Staging};
use std::path::Path;

/// What can enforce a limit below a directory.
#[derive(Debug, Clone)]
pub(crate) enum Support {
    /// Nothing, for this reason.
    None(String),
}

impl Support {
    /// Looks at the file system.
    pub(crate) fn detect(root: &Path) -> Self {
        let name = file_system(root).unwrap_or("<unknown>");
        Self::None(format!(
            "--storage-opt size is not supported here: {} is on {name}, and limits need btrfs or xfs with project quotas",
            root.display()
        ))
    }

    /// Whether a limit can be enforced.
    pub(crate) fn check(&self) -> Result<()> {
        match self {
            Self::None(reason) => Err(StorageError::Unsupported(reason.clone())),
        }
    }

    /// A new directory under construction that cannot hold more than `limit` bytes.
    pub(crate) fn limited_directory(&self, _staging: &Staging, _limit: u64) -> Result<Staged> {
        match self {
            Self::None(reason) => Err(StorageError::Unsupported(reason.clone())),
        }
    }
}
