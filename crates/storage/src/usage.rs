//! How many bytes a tree holds.

use crate::changes::{DEEPEST, is_directory, is_regular, names, open_directory, stat};
use crate::error::{Doing, Result, StorageError};
use rustix::fs::{CWD, Mode, OFlags, openat};
use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// Bytes of the regular files below a directory, each file once however many names it has.
pub(crate) fn tree_size(path: &Path) -> Result<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory =
        openat(CWD, path, flags, Mode::empty()).doing(|| format!("opening {}", path.display()))?;
    let mut total = 0;
    walk(directory.as_fd(), 0, &mut HashSet::new(), &mut total)?;
    Ok(total)
}

fn walk(
    directory: BorrowedFd<'_>,
    depth: usize,
    seen: &mut HashSet<(u64, u64)>,
    total: &mut u64,
) -> Result<()> {
    if depth >= DEEPEST {
        return Err(StorageError::TooLarge(format!("directories nested more than {DEEPEST} deep")));
    }
    for name in names(directory)? {
        let Some(stat) = stat(directory, &name)? else { continue };
        if is_directory(&stat) {
            // It may be gone by now: a running container goes on working.
            if let Ok(child) = open_directory(directory, &name) {
                walk(child.as_fd(), depth + 1, seen, total)?;
            }
        } else if is_regular(&stat) && (stat.st_nlink < 2 || seen.insert((stat.st_dev, stat.st_ino))) {
            *total += u64::try_from(stat.st_size).unwrap_or(0);
        }
    }
    Ok(())
}
