//! Finding and making places below the container's root, however hostile its links are.
//!
//! A path is first resolved by openat2(2) with RESOLVE_IN_ROOT. Where something is missing, it is walked
//! component by component with descriptors: links are read and followed within the root, `..` goes back to
//! the directory that the walk came from, and a missing directory is made where the walk stands. Nothing
//! outside the root can be reached or made, also when somebody exchanges directories meanwhile.

use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, fstat, mkdirat, openat, openat2, readlinkat, statat,
};
use rustix::io::Errno;

use crate::error::{During, Error, Result};

/// What is made when the last component is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// A directory with mode 0755.
    Directory,
    /// An empty file with mode 0755, as Docker makes it.
    File,
}

/// As many links as the kernel follows.
const LINKS: usize = 40;

/// Opens (O_PATH) what is at `path` below `root`; an error when it is missing.
pub(super) fn find(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    resolve(root, path, ResolveFlags::empty())
}

/// As [`find`], and no component may be a symbolic link.
pub(super) fn find_without_links(root: BorrowedFd<'_>, path: &str) -> Result<OwnedFd, Errno> {
    resolve(root, path, ResolveFlags::NO_SYMLINKS)
}

fn resolve(root: BorrowedFd<'_>, path: &str, more: ResolveFlags) -> Result<OwnedFd, Errno> {
    let relative = path.trim_start_matches('/');
    let relative = if relative.is_empty() { "." } else { relative };
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let how = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | more;
    // EAGAIN means that something was renamed during the walk, and that it might have left the root.
    for _ in 0..128 {
        match openat2(root, relative, flags, Mode::empty(), how) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// What a place was before it was opened.
#[derive(Debug)]
pub(super) struct Place {
    /// The place (O_PATH).
    pub(super) fd: OwnedFd,
    /// Whether it had to be made.
    pub(super) made: bool,
}

/// Opens `path` below `root`, making what is missing.
pub(super) fn find_or_make(root: BorrowedFd<'_>, path: &str, missing: Missing) -> Result<Place> {
    let what = || format!("make the mount point {path} in the container");
    match find(root, path) {
        Ok(fd) => return Ok(Place { fd, made: false }),
        Err(Errno::NOENT) => {}
        Err(error) => return Err(Error::system(what(), error)),
    }
    let fd = walk(root, path, missing).during(what)?;
    Ok(Place { fd, made: true })
}

/// A position of the walk: the directories from the root to here.
struct Walk {
    stack: Vec<OwnedFd>,
    rest: VecDeque<String>,
    links: usize,
}

fn walk(root: BorrowedFd<'_>, path: &str, missing: Missing) -> Result<OwnedFd, Errno> {
    let root = openat(root, ".", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let mut walk = Walk { stack: vec![root], rest: components(path), links: 0 };
    while let Some(name) = walk.rest.pop_front() {
        let last = walk.rest.is_empty();
        if name == ".." {
            if walk.stack.len() > 1 {
                walk.stack.pop();
            }
            continue;
        }
        let here = walk.stack.last().ok_or(Errno::NOENT)?.as_fd();
        let fd = match open_entry(here, &name) {
            Err(Errno::NOENT) => make(here, &name, if last { missing } else { Missing::Directory })?,
            other => other?,
        };
        match FileType::from_raw_mode(fstat(&fd)?.st_mode) {
            FileType::Symlink => follow(&mut walk, &fd)?,
            FileType::Directory => walk.stack.push(fd),
            _ if last => return Ok(fd),
            _ => return Err(Errno::NOTDIR),
        }
    }
    walk.stack.pop().ok_or(Errno::NOENT)
}

fn components(path: &str) -> VecDeque<String> {
    path.split('/').filter(|part| !matches!(*part, "" | ".")).map(str::to_owned).collect()
}

fn follow(walk: &mut Walk, link: &OwnedFd) -> Result<(), Errno> {
    walk.links += 1;
    if walk.links > LINKS {
        return Err(Errno::LOOP);
    }
    let target = readlinkat(link, "", Vec::new())?;
    let target = target.to_str().map_err(|_| Errno::ILSEQ)?;
    if target.starts_with('/') {
        walk.stack.truncate(1);
    }
    for part in components(target).into_iter().rev() {
        walk.rest.push_front(part);
    }
    Ok(())
}

fn open_entry(directory: BorrowedFd<'_>, name: &str) -> Result<OwnedFd, Errno> {
    openat(directory, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
}

fn make(directory: BorrowedFd<'_>, name: &str, missing: Missing) -> Result<OwnedFd, Errno> {
    match missing {
        Missing::Directory => match mkdirat(directory, name, Mode::from_raw_mode(0o755)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        },
        Missing::File => {
            let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::WRONLY;
            match openat(directory, name, flags, Mode::from_raw_mode(0o755)) {
                Ok(_) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
        }
    }
    open_entry(directory, name)
}

/// The directory that shall hold the last component of `path` (made when missing), and that component.
pub(super) fn parent<'p>(root: BorrowedFd<'_>, path: &'p str) -> Result<(OwnedFd, &'p str)> {
    let trimmed = path.trim_end_matches('/');
    let (directory, name) = trimmed.rsplit_once('/').unwrap_or(("", trimmed));
    if matches!(name, "" | "." | "..") {
        return Err(Error::Invalid(format!("{path:?} is no path for a file of the container")));
    }
    Ok((find_or_make(root, directory, Missing::Directory)?.fd, name))
}

/// Whether two descriptors refer to the same file.
pub(super) fn same(left: BorrowedFd<'_>, right: BorrowedFd<'_>) -> bool {
    match (fstat(left), fstat(right)) {
        (Ok(left), Ok(right)) => (left.st_dev, left.st_ino) == (right.st_dev, right.st_ino),
        _ => false,
    }
}

/// Whether `path` below `root` is a plain entry of its directory (no link) and the same as `place`.
pub(super) fn is_plain_entry(root: BorrowedFd<'_>, name: &str, place: BorrowedFd<'_>) -> bool {
    match (statat(root, name, AtFlags::SYMLINK_NOFOLLOW), fstat(place)) {
        (Ok(entry), Ok(place)) => (entry.st_dev, entry.st_ino) == (place.st_dev, place.st_ino),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    struct Tree(std::path::PathBuf);

    impl Tree {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("sampan-destination-{name}-{}", std::process::id()));
            std::fs::create_dir_all(path.join("root")).unwrap();
            Self(path)
        }

        fn root(&self) -> OwnedFd {
            rustix::fs::open(self.0.join("root"), OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn links_lead_to_places_below_the_root_only() {
        let tree = Tree::new("links");
        let inside = tree.0.join("root");
        symlink("/", inside.join("etc")).unwrap();
        symlink("../../../outside", inside.join("up")).unwrap();
        symlink("../run/resolve/stub.conf", inside.join("dangling")).unwrap();
        let root = tree.root();
        find_or_make(root.as_fd(), "/etc/made/deep", Missing::Directory).unwrap();
        assert!(inside.join("made/deep").is_dir());
        find_or_make(root.as_fd(), "/up/file", Missing::File).unwrap();
        assert!(inside.join("outside/file").is_file());
        find_or_make(root.as_fd(), "/dangling", Missing::File).unwrap();
        assert!(inside.join("run/resolve/stub.conf").is_file());
        assert!(!tree.0.join("outside").exists());
    }

    #[test]
    fn a_circle_of_links_ends() {
        let tree = Tree::new("circle");
        symlink("b", tree.0.join("root/a")).unwrap();
        symlink("a", tree.0.join("root/b")).unwrap();
        assert!(find_or_make(tree.root().as_fd(), "/a/x", Missing::Directory).is_err());
    }
}
