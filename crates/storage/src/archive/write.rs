//! `docker cp` into a container.

use super::resolve::{missing, open_in_root};
use crate::error::{Doing, Result, StorageError};
use crate::remove::remove_at;
use crate::tar::{Entry, EntryKind, Reader, Timestamp};
use crate::unpack::{
    Missing, Tree, apply_node, apply_open, clean, proc_path, set_mtime, split, write_contents,
};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, fstat, linkat, makedev, mkdirat, mknodat, openat, statat, symlinkat,
};
use rustix::io::Errno;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// How to unpack.
#[derive(Debug, Clone, Default)]
pub struct WriteOptions {
    /// Refuse to replace a directory by something else, and something else by a directory.
    pub no_overwrite_dir_non_dir: bool,
    /// What `docker cp -a` sets. Entries keep the archive's owners either way, as with Docker when the
    /// container names no user; the owner that Docker gives otherwise is a parameter of [`write_as`].
    pub copy_uid_gid: bool,
}

/// Unpacks a plain tar stream into the directory at `path`, which must exist. Links, in `path` and in
/// the parents of entries, are followed inside the root and never outside of it, also when somebody in
/// the container exchanges them meanwhile.
///
/// # Errors
/// `NotFound` for the directory; `InvalidArgument` for one that is none, for a broken or hostile archive,
/// and for a conflict that the options forbid.
pub fn write(root: BorrowedFd<'_>, path: &Path, tar: &mut dyn Read, options: &WriteOptions) -> Result<()> {
    write_as(root, path, tar, options, None)
}

/// Like [`write`]; with `owner` (user and group id) all entries belong to it.
///
/// # Errors
/// Those of [`write`].
pub fn write_as(
    root: BorrowedFd<'_>,
    path: &Path,
    tar: &mut dyn Read,
    options: &WriteOptions,
    owner: Option<(u32, u32)>,
) -> Result<()> {
    let bytes = path.as_os_str().as_bytes();
    let target = open_in_root(root, bytes, OFlags::PATH).map_err(|error| missing(path, error))?;
    let stat = fstat(&target).doing(|| format!("reading {}", path.display()))?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(StorageError::Invalid("extraction point is not a directory".into()));
    }
    // By what the path leads to, so that an entry's `..` counts from there.
    let tree = Tree::new(root)?;
    let prefix = tree.inside(target.as_fd(), bytes)?;
    let mut receiver = Receiver { tree, prefix, options, directories: Vec::new() };
    let mut reader = Reader::new(tar);
    while let Some(mut entry) = reader.next_entry()? {
        if let Some((uid, gid)) = owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
        receiver.entry(&mut reader, &entry)?;
    }
    reader.drain()?;
    receiver.finish()
}

struct Receiver<'a> {
    tree: Tree<'a>,
    prefix: Vec<u8>,
    options: &'a WriteOptions,
    directories: Vec<(Vec<u8>, Timestamp)>,
}

impl Receiver<'_> {
    /// The path of an entry below the root.
    fn full(&self, name: &[u8]) -> Result<Vec<u8>> {
        let inside = clean(name)?;
        Ok(match (self.prefix.is_empty(), inside.is_empty()) {
            (true, _) => inside,
            (false, true) => self.prefix.clone(),
            (false, false) => [self.prefix.as_slice(), b"/", &inside].concat(),
        })
    }

    fn entry(&mut self, reader: &mut Reader<'_>, entry: &Entry) -> Result<()> {
        let path = self.full(&entry.path)?;
        // The directory itself is there, and keeps its attributes.
        if path == self.prefix || matches!(entry.kind, EntryKind::Other(_)) {
            return Ok(());
        }
        // GNU tar writes a file that it was told to pack twice as a link to itself.
        if entry.kind == EntryKind::HardLink && self.full(&entry.link)? == path {
            return Ok(());
        }
        let (parent, name) = split(&path);
        let parent = self.tree.open(parent, Missing::Create)?;
        let directory = parent.directory.as_fd();
        if self.clear_way(directory, name, entry)? {
            return self.attributes(directory, name, &path, entry);
        }
        let os_name = OsStr::from_bytes(name);
        let creating = || format!("creating {}", entry.display_path());
        match entry.kind {
            EntryKind::Directory => {
                mkdirat(directory, os_name, Mode::from_raw_mode(0o700)).doing(creating)?;
                self.attributes(directory, name, &path, entry)
            }
            EntryKind::Regular => {
                let flags =
                    OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let file = openat(directory, os_name, flags, Mode::from_raw_mode(0o600)).doing(creating)?;
                let file = File::from(file);
                write_contents(reader, entry, &file, |(), _, _| Ok(()))?;
                apply_open(file.as_fd(), entry)
            }
            EntryKind::HardLink => {
                let target = self.full(&entry.link)?;
                let (target_parent, target_name) = split(&target);
                let target = self.tree.open(target_parent, Missing::Refuse)?;
                linkat(
                    &target.directory,
                    OsStr::from_bytes(target_name),
                    directory,
                    os_name,
                    AtFlags::empty(),
                )
                .doing(|| format!("linking {}", entry.display_path()))
            }
            EntryKind::Symlink => {
                symlinkat(OsStr::from_bytes(&entry.link), directory, os_name).doing(creating)?;
                apply_node(directory, name, entry)
            }
            EntryKind::CharDevice | EntryKind::BlockDevice | EntryKind::Fifo => {
                let kind = match entry.kind {
                    EntryKind::CharDevice => FileType::CharacterDevice,
                    EntryKind::BlockDevice => FileType::BlockDevice,
                    _ => FileType::Fifo,
                };
                let device = makedev(entry.device.0, entry.device.1);
                mknodat(directory, os_name, kind, Mode::from_raw_mode(0o600), device).doing(creating)?;
                apply_node(directory, name, entry)
            }
            EntryKind::Other(_) => Ok(()),
        }
    }

    /// Removes what stands in the way. True when a directory is there and stays.
    fn clear_way(&mut self, directory: BorrowedFd<'_>, name: &[u8], entry: &Entry) -> Result<bool> {
        let stat = match statat(directory, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error).doing(|| format!("reading {}", entry.display_path())),
        };
        let there = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let wanted = entry.kind == EntryKind::Directory;
        if there && wanted {
            return Ok(true);
        }
        if self.options.no_overwrite_dir_non_dir && there != wanted {
            let (old, new) =
                if there { ("directory", "non-directory") } else { ("non-directory", "directory") };
            let path = entry.display_path();
            let path = path.trim_end_matches('/');
            return Err(StorageError::PathConflict(format!(
                "cannot overwrite {old} {path:?} with {new} {path:?}"
            )));
        }
        self.tree.forget();
        let name = CString::new(name).map_err(std::io::Error::from).doing(|| "a name".into())?;
        remove_at(directory, &name).doing(|| format!("replacing {}", entry.display_path()))?;
        Ok(false)
    }

    fn attributes(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &[u8], entry: &Entry) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(parent, OsStr::from_bytes(name), flags, Mode::empty())
            .doing(|| format!("opening {}", entry.display_path()))?;
        self.directories.push((path.to_vec(), entry.mtime));
        apply_open(directory.as_fd(), entry)
    }

    /// Sets the times of directories, which writing into them has changed.
    fn finish(self) -> Result<()> {
        for (path, mtime) in self.directories.iter().rev() {
            if let Some(directory) = self.tree.exact(path) {
                set_mtime(directory.as_fd(), *mtime)
                    .doing(|| format!("setting a time by {}", proc_path(directory.as_fd())))?;
            }
        }
        Ok(())
    }
}
