//! Finding the parent directory of an entry, by descriptor.

use super::name::join;
use crate::error::{Doing, Result, StorageError};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, ResolveFlags, mkdirat, openat2, readlinkat, statat, unlinkat,
};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// What to do about a parent directory that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Make it, with mode 0755 and owned by root.
    Create,
    /// Fail.
    Refuse,
}

/// A directory found, with its path relative to the root after all links were followed.
#[derive(Clone)]
pub(crate) struct Found {
    pub(crate) directory: Rc<OwnedFd>,
    pub(crate) path: Rc<Vec<u8>>,
}

/// A root directory below which everything is resolved. Symbolic links in parents are followed as a
/// process whose root directory this is would follow them (openat2(2), RESOLVE_IN_ROOT), so that they
/// never lead outside.
pub(crate) struct Tree<'a> {
    root: BorrowedFd<'a>,
    root_path: Vec<u8>,
    cached: Option<(Vec<u8>, Found)>,
    /// Directories made because they were missing.
    pub(crate) implied: HashSet<Vec<u8>>,
    /// Those of them made since somebody last looked.
    pub(crate) made: Vec<Vec<u8>>,
    /// Whiteouts that became directories.
    pub(crate) revived: Vec<Vec<u8>>,
}

impl<'a> Tree<'a> {
    /// The tree below `root`.
    pub(crate) fn new(root: BorrowedFd<'a>) -> Result<Self> {
        let root_path = descriptor_path(root)?;
        Ok(Self {
            root,
            root_path,
            cached: None,
            implied: HashSet::new(),
            made: Vec::new(),
            revived: Vec::new(),
        })
    }

    /// The root's own descriptor.
    pub(crate) fn root(&self) -> BorrowedFd<'a> {
        self.root
    }

    /// Opens the directory at the clean path `parent`.
    pub(crate) fn open(&mut self, parent: &[u8], missing: Missing) -> Result<Found> {
        if let Some((path, found)) = &self.cached
            && path == parent
        {
            return Ok(found.clone());
        }
        let found = match beneath(self.root, parent) {
            Ok(directory) => Found { directory: Rc::new(directory), path: Rc::new(parent.to_vec()) },
            Err(Errno::LOOP | Errno::NOENT | Errno::NOTDIR | Errno::XDEV) => self.walk(parent, missing)?,
            Err(error) => return Err(failed(parent, error)),
        };
        self.cached = Some((parent.to_vec(), found.clone()));
        Ok(found)
    }

    /// Opens the directory at exactly this path, if it is one, without following links.
    pub(crate) fn exact(&self, path: &[u8]) -> Option<OwnedFd> {
        beneath(self.root, path).ok()
    }

    /// Forgets the last directory: an entry replaced or removed something that might be on its path.
    pub(crate) fn forget(&mut self) {
        self.cached = None;
    }

    /// Component by component, for paths with links, missing or covered directories.
    fn walk(&mut self, parent: &[u8], missing: Missing) -> Result<Found> {
        let root = in_root(self.root, b".").map_err(|error| failed(b"", error))?;
        let mut current = Found { directory: Rc::new(root), path: Rc::new(Vec::new()) };
        for part in parent.split(|byte| *byte == b'/').filter(|part| !part.is_empty()) {
            let wanted = join(&current.path, part);
            let directory = match in_root(self.root, &wanted) {
                Ok(directory) => directory,
                Err(Errno::NOENT) if missing == Missing::Create => self.make(&current, part, &wanted)?,
                Err(Errno::NOTDIR) if missing == Missing::Create && is_whiteout(&current.directory, part) => {
                    unlinkat(&current.directory, OsStr::from_bytes(part), AtFlags::empty())
                        .map_err(|error| failed(&wanted, error))?;
                    self.revived.push(wanted.clone());
                    self.make(&current, part, &wanted)?
                }
                Err(error) => return Err(failed(&wanted, error)),
            };
            let path = self.inside(directory.as_fd(), &wanted)?;
            current = Found { directory: Rc::new(directory), path: Rc::new(path) };
        }
        Ok(current)
    }

    fn make(&mut self, parent: &Found, name: &[u8], path: &[u8]) -> Result<OwnedFd> {
        // A link that dangles gives EEXIST here: nothing is made where it points to.
        mkdirat(&parent.directory, OsStr::from_bytes(name), Mode::from_raw_mode(0o755))
            .map_err(|error| failed(path, error))?;
        let directory = beneath(parent.directory.as_fd(), name).map_err(|error| failed(path, error))?;
        rustix::fs::chmodat(CWD, proc_path(directory.as_fd()), Mode::from_raw_mode(0o755), AtFlags::empty())
            .map_err(|error| failed(path, error))?;
        self.implied.insert(path.to_vec());
        self.made.push(path.to_vec());
        Ok(directory)
    }

    /// The path of a directory relative to the root, after links.
    pub(crate) fn inside(&self, directory: BorrowedFd<'_>, wanted: &[u8]) -> Result<Vec<u8>> {
        let full = descriptor_path(directory)?;
        let root = self.root_path.strip_suffix(b"/").unwrap_or(&self.root_path);
        match full.strip_prefix(root) {
            Some([]) => Ok(Vec::new()),
            Some([b'/', rest @ ..]) => Ok(rest.to_vec()),
            _ => Err(StorageError::Hostile {
                path: String::from_utf8_lossy(wanted).into_owned(),
                reason: "its parent directory lies outside the root".into(),
            }),
        }
    }
}

fn failed(path: &[u8], error: Errno) -> StorageError {
    let shown = String::from_utf8_lossy(path).chars().take(200).collect::<String>();
    match error {
        Errno::NOTDIR => {
            StorageError::Hostile { path: shown, reason: "a part of its path is not a directory".into() }
        }
        Errno::LOOP => {
            StorageError::Hostile { path: shown, reason: "too many symbolic links in its path".into() }
        }
        Errno::EXIST => StorageError::Hostile {
            path: shown,
            reason: "a part of its path is a dangling symbolic link".into(),
        },
        error => StorageError::io(format!("opening directory {shown:?} of the archive"), error),
    }
}

/// `/proc/self/fd/N`: the way to the object itself for calls that take no O_PATH descriptor.
pub(crate) fn proc_path(descriptor: BorrowedFd<'_>) -> String {
    format!("/proc/self/fd/{}", descriptor.as_raw_fd())
}

fn descriptor_path(descriptor: BorrowedFd<'_>) -> Result<Vec<u8>> {
    readlinkat(CWD, proc_path(descriptor), Vec::new())
        .map(|path| path.into_bytes())
        .doing(|| "reading /proc/self/fd".into())
}

fn directory_flags() -> OFlags {
    OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC
}

/// Opens a directory without following any link.
fn beneath(root: BorrowedFd<'_>, path: &[u8]) -> std::result::Result<OwnedFd, Errno> {
    let path = if path.is_empty() { b"." } else { path };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    openat2(root, OsStr::from_bytes(path), directory_flags() | OFlags::NOFOLLOW, Mode::empty(), resolve)
}

/// Opens a directory with links followed inside the root. EAGAIN says that a rename went on meanwhile.
fn in_root(root: BorrowedFd<'_>, path: &[u8]) -> std::result::Result<OwnedFd, Errno> {
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..64 {
        match openat2(root, OsStr::from_bytes(path), directory_flags(), Mode::empty(), resolve) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// Whether a name is overlay's mark of a removed file: character device 0, 0.
pub(crate) fn is_whiteout(directory: &OwnedFd, name: &[u8]) -> bool {
    statat(directory, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
    })
}
