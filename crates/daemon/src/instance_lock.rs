//! One daemon for each data root.

use crate::error::{Error, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The lock; it ends with the process, however that ends.
#[derive(Debug)]
pub(crate) struct InstanceLock {
    _file: File,
}

impl InstanceLock {
    /// Takes the lock of a data root, which is made if it is missing.
    ///
    /// # Errors
    /// Another daemon has it, or the folder cannot be used.
    pub(crate) fn take(data_root: &Path) -> Result<Self> {
        let unusable = |source| Error::Path { path: data_root.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o710).create(data_root).map_err(unusable)?;
        let path = data_root.join("daemon.lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(|source| Error::Path { path: path.clone(), source })?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(Error::DataRootInUse(data_root.to_owned())),
            Err(error) => Err(Error::Path { path, source: error.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_daemon_gets_one_sentence() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("data");
        let first = InstanceLock::take(&root).expect("the lock");
        let refusal = InstanceLock::take(&root).expect_err("refused").to_string();
        assert!(refusal.contains("another daemon uses"), "{refusal}");
        drop(first);
        InstanceLock::take(&root).expect("the lock again");
    }
}
