//! Removing whole trees by descriptor, without following a link.

use crate::error::{Doing, Result};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// Directories below this depth are first moved up to the top, so that a tree of any depth (a container
/// may make one of a million levels) costs few descriptors and little stack.
const DEPTH: usize = 64;

/// Removes a file or a whole tree. Something that is already gone is no error.
pub(crate) fn remove_tree(path: &Path) -> Result<()> {
    let name = CString::new(path.as_os_str().as_encoded_bytes())
        .map_err(std::io::Error::from)
        .doing(|| format!("removing {}", path.display()))?;
    remove_at(CWD, &name).doing(|| format!("removing {}", path.display()))
}

/// Removes `name` in `parent`, with all that is in it. No symbolic link is followed in `name`.
pub(crate) fn remove_at(parent: BorrowedFd<'_>, name: &CStr) -> std::result::Result<(), Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => return Ok(()),
        // unlink(2) of a directory: EISDIR on Linux, EPERM by POSIX.
        Err(Errno::ISDIR | Errno::PERM) => {}
        Err(error) => return Err(error),
    }
    let directory = match openat(parent, name, directory_flags(), Mode::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        other => other?,
    };
    remove_children(directory.as_fd())?;
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Removes everything in a directory.
pub(crate) fn remove_children(directory: BorrowedFd<'_>) -> std::result::Result<(), Errno> {
    let mut moved = 0;
    loop {
        let before = moved;
        empty(directory, directory, 0, &mut moved)?;
        if moved == before {
            return Ok(());
        }
    }
}

fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn empty(
    top: BorrowedFd<'_>,
    directory: BorrowedFd<'_>,
    depth: usize,
    moved: &mut usize,
) -> std::result::Result<(), Errno> {
    let mut entries = Dir::read_from(directory)?;
    while let Some(entry) = entries.read() {
        let entry = entry?;
        let name = entry.file_name();
        if name == c"." || name == c".." {
            continue;
        }
        if entry.file_type() != FileType::Directory {
            match unlinkat(directory, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => continue,
                Err(Errno::ISDIR) => {}
                Err(error) => return Err(error),
            }
        }
        if depth >= DEPTH {
            *moved += 1;
            let aside = CString::new(format!(".removing-{moved}")).map_err(|_| Errno::INVAL)?;
            renameat(directory, name, top, &aside)?;
            continue;
        }
        let child = openat(directory, name, directory_flags(), Mode::empty())?;
        empty(top, child.as_fd(), depth + 1, moved)?;
        match unlinkat(directory, name, AtFlags::REMOVEDIR) {
            Ok(()) | Err(Errno::NOENT) => {}
            // Something deeper was moved to the top and is still to be emptied: the next round ends it.
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::mkdirat;

    #[test]
    fn a_tree_far_deeper_than_the_descriptor_limit_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let top = root.path().join("deep");
        std::fs::create_dir(&top).unwrap();
        let mut current = rustix::fs::open(&top, directory_flags(), Mode::empty()).unwrap();
        for _ in 0..5000 {
            mkdirat(&current, "d", Mode::from_raw_mode(0o755)).unwrap();
            current = openat(&current, "d", directory_flags(), Mode::empty()).unwrap();
        }
        remove_tree(&top).unwrap();
        assert!(!top.exists());
        remove_tree(&top).unwrap();
    }

    #[test]
    fn a_symbolic_link_is_removed_and_not_what_it_points_to() {
        let root = tempfile::tempdir().unwrap();
        let kept = root.path().join("kept");
        std::fs::create_dir_all(kept.join("inside")).unwrap();
        let tree = root.path().join("tree");
        std::fs::create_dir(&tree).unwrap();
        std::os::unix::fs::symlink(&kept, tree.join("link")).unwrap();
        remove_tree(&tree).unwrap();
        assert!(kept.join("inside").exists());
    }
}
