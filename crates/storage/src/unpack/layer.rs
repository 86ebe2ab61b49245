//! Unpacking one layer, with its whiteouts and its split file.

use super::metadata::{apply_node, apply_open, set_mtime};
use super::name::{clean, join, split};
use super::tree::{Found, Missing, Tree, is_whiteout};
use super::{Pending, write_contents};
use crate::error::{Doing, Result, StorageError};
use crate::remove::remove_at;
use crate::split::{Shadow, SplitWriter};
use crate::tar::{Entry, EntryKind, Reader, Timestamp};
use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, XattrFlags, fsetxattr, linkat, makedev, mkdirat, mknodat, openat,
    renameat, statat, symlinkat,
};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Most files that one archive may write twice.
const SHADOWS: usize = 1 << 20;

/// How removed files are marked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// In the tree, as overlayfs does: device 0, 0 and `trusted.overlay.opaque`.
    Overlay,
    /// In [`Pending::whiteouts`] and [`Pending::opaque`].
    Listed,
}

/// What unpacking gave.
pub(crate) struct Unpacked {
    pub(crate) size: u64,
    pub(crate) tar_size: u64,
    pub(crate) entries: u64,
    pub(crate) pending: Pending,
}

/// Unpacks a layer into `directory/diff`, and writes `directory/split` and `directory/shadow/`.
pub(crate) fn unpack_layer(directory: &Path, tar: &mut dyn Read, style: Style) -> Result<Unpacked> {
    let diff = directory.join("diff");
    let shadow = directory.join("shadow");
    let root = open_new_directory(&diff)?;
    let shadow = open_new_directory(&shadow)?;
    let reader = Reader::with_tap(tar, SplitWriter::create(&directory.join("split"))?);
    let mut unpacker = Unpacker {
        reader,
        tree: Tree::new(root.as_fd())?,
        shadow: shadow.as_fd(),
        style,
        size: 0,
        pending: Pending::default(),
        listed: HashSet::new(),
        directories: Vec::new(),
        root_given: false,
    };
    unpacker.run()?;
    let Unpacker { reader, tree, mut pending, listed, size, root_given, .. } = unpacker;
    let entries = reader.entries();
    let tar_size = reader.into_tap().finish()?;
    pending.implied = tree.implied.into_iter().collect();
    pending.implied.sort();
    if !root_given {
        pending.implied.insert(0, Vec::new());
    }
    pending.whiteouts.extend(listed);
    Ok(Unpacked { size, tar_size, entries, pending })
}

fn open_new_directory(path: &Path) -> Result<OwnedFd> {
    std::fs::create_dir(path).doing(|| format!("creating {}", path.display()))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let directory =
        openat(CWD, path, flags, Mode::empty()).doing(|| format!("opening {}", path.display()))?;
    rustix::fs::fchmod(&directory, Mode::from_raw_mode(0o755))
        .doing(|| format!("opening {}", path.display()))?;
    Ok(directory)
}

struct Unpacker<'a> {
    reader: Reader<'a, SplitWriter>,
    tree: Tree<'a>,
    shadow: BorrowedFd<'a>,
    style: Style,
    size: u64,
    pending: Pending,
    /// Whiteouts of the listed style that are still in force.
    listed: HashSet<Vec<u8>>,
    /// Directories whose time is set when all is in them.
    directories: Vec<(Vec<u8>, Timestamp)>,
    root_given: bool,
}

impl Unpacker<'_> {
    fn run(&mut self) -> Result<()> {
        while let Some(entry) = self.reader.next_entry()? {
            self.entry(&entry)?;
        }
        self.reader.drain()?;
        // Reversed: a directory named twice keeps the later time, set last otherwise.
        let mut done = HashSet::new();
        for (path, mtime) in std::mem::take(&mut self.directories).into_iter().rev() {
            if done.insert(path.clone())
                && let Some(directory) = self.tree.exact(&path)
            {
                set_mtime(directory.as_fd(), mtime).doing(|| "setting a directory's time".into())?;
            }
        }
        Ok(())
    }

    fn entry(&mut self, entry: &Entry) -> Result<()> {
        let path = clean(&entry.path)?;
        if matches!(entry.kind, EntryKind::Other(_)) {
            return Ok(());
        }
        if path.is_empty() {
            return self.root_entry(entry);
        }
        let (parent, name) = split(&path);
        if let Some(removed) = name.strip_prefix(b".wh.") {
            return self.whiteout(parent, removed, entry);
        }
        // Beneath something whose name marks a whiteout nothing can lie; Docker's own bookkeeping
        // (`.wh..wh.plnk`) is of that kind.
        if path.split(|byte| *byte == b'/').any(|part| part.starts_with(b".wh.")) {
            return Ok(());
        }
        let parent = self.open_parent(parent)?;
        self.place(&parent, name, entry)
    }

    fn root_entry(&mut self, entry: &Entry) -> Result<()> {
        if entry.kind != EntryKind::Directory {
            return Err(StorageError::Hostile {
                path: entry.display_path(),
                reason: "it would replace the root directory".into(),
            });
        }
        self.root_given = true;
        self.directories.push((Vec::new(), entry.mtime));
        apply_open(self.tree.root(), entry)
    }

    fn open_parent(&mut self, parent: &[u8]) -> Result<Found> {
        let found = self.tree.open(parent, Missing::Create)?;
        for path in std::mem::take(&mut self.tree.revived) {
            self.make_opaque(&path)?;
        }
        for path in std::mem::take(&mut self.tree.made) {
            if self.listed.remove(&path) {
                self.make_opaque(&path)?;
            }
        }
        Ok(found)
    }

    fn make_opaque(&mut self, path: &[u8]) -> Result<()> {
        if self.style == Style::Listed {
            self.pending.opaque.push(path.to_vec());
            return Ok(());
        }
        let (parent, name) = split(path);
        let directory = if path.is_empty() {
            rustix::io::dup(self.tree.root()).doing(|| "duplicating a descriptor".into())?
        } else {
            let found = self.tree.open(parent, Missing::Refuse)?;
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            openat(&found.directory, OsStr::from_bytes(name), flags, Mode::empty())
                .doing(|| "opening a directory of the archive".into())?
        };
        fsetxattr(&directory, "trusted.overlay.opaque", b"y", XattrFlags::empty())
            .doing(|| "marking a directory as opaque".into())
    }

    fn whiteout(&mut self, parent: &[u8], removed: &[u8], entry: &Entry) -> Result<()> {
        if removed == b".wh..opq" {
            let found = self.open_parent(parent)?;
            let path = found.path.to_vec();
            return self.make_opaque(&path);
        }
        if removed.starts_with(b".wh.") {
            return Ok(());
        }
        if removed.is_empty() || removed == b"." || removed == b".." {
            return Err(StorageError::Hostile {
                path: entry.display_path(),
                reason: "it would remove a directory from within".into(),
            });
        }
        let found = self.open_parent(parent)?;
        let path = join(&found.path, removed);
        match statat(&found.directory, OsStr::from_bytes(removed), AtFlags::SYMLINK_NOFOLLOW) {
            // What this layer itself brings stays (OCI image specification, layer.md, whiteouts);
            // of a directory only what lies below is hidden.
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
                self.tree.forget();
                self.make_opaque(&path)
            }
            Ok(_) => Ok(()),
            Err(Errno::NOENT) if self.style == Style::Listed => {
                self.listed.insert(path);
                Ok(())
            }
            Err(Errno::NOENT) => mknodat(
                &found.directory,
                OsStr::from_bytes(removed),
                FileType::CharacterDevice,
                Mode::empty(),
                0,
            )
            .doing(|| format!("marking {} as removed", entry.display_path())),
            Err(error) => Err(error).doing(|| format!("reading {}", entry.display_path())),
        }
    }

    /// Makes the entry as `name` in `parent`, replacing what is there.
    fn place(&mut self, parent: &Found, name: &[u8], entry: &Entry) -> Result<()> {
        let path = join(&parent.path, name);
        let directory = parent.directory.as_fd();
        let mut hides = self.style == Style::Listed && self.listed.remove(&path);
        if let Ok(stat) = statat(directory, OsStr::from_bytes(name), AtFlags::SYMLINK_NOFOLLOW) {
            // GNU tar writes a file that it was told to pack twice as a link to itself.
            if entry.kind == EntryKind::HardLink && clean(&entry.link)? == path {
                return Ok(());
            }
            let there = FileType::from_raw_mode(stat.st_mode);
            if there == FileType::Directory && entry.kind == EntryKind::Directory {
                self.tree.implied.remove(&path);
                return self.directory(directory, name, &path, entry);
            }
            hides |= is_whiteout(&parent.directory, name);
            self.put_aside(directory, name, &path, there)?;
        }
        if hides && entry.kind != EntryKind::Directory && self.style == Style::Listed {
            // A file in place of a removed one: nothing left to hide.
            hides = false;
        }
        self.make(parent, name, &path, entry)?;
        if hides && entry.kind == EntryKind::Directory {
            self.make_opaque(&path)?;
        }
        Ok(())
    }

    fn make(&mut self, parent: &Found, name: &[u8], path: &[u8], entry: &Entry) -> Result<()> {
        let directory = parent.directory.as_fd();
        let os_name = OsStr::from_bytes(name);
        let creating = || format!("creating {}", entry.display_path());
        match entry.kind {
            EntryKind::Directory => {
                mkdirat(directory, os_name, Mode::from_raw_mode(0o700)).doing(creating)?;
                self.directory(directory, name, path, entry)
            }
            EntryKind::Regular => self.regular(directory, name, path, entry),
            EntryKind::HardLink => self.hard_link(directory, name, path, entry),
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
                if self.style == Style::Listed
                    && entry.kind == EntryKind::CharDevice
                    && entry.device == (0, 0)
                {
                    // Overlay would read this device as a removal; so do we everywhere.
                    self.listed.insert(path.to_vec());
                    return Ok(());
                }
                let device = makedev(entry.device.0, entry.device.1);
                mknodat(directory, os_name, kind, Mode::from_raw_mode(0o600), device).doing(creating)?;
                apply_node(directory, name, entry)
            }
            EntryKind::Other(_) => Ok(()),
        }
    }

    fn directory(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &[u8], entry: &Entry) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let directory = openat(parent, OsStr::from_bytes(name), flags, Mode::empty())
            .doing(|| format!("opening {}", entry.display_path()))?;
        self.directories.push((path.to_vec(), entry.mtime));
        apply_open(directory.as_fd(), entry)
    }

    fn regular(&mut self, parent: BorrowedFd<'_>, name: &[u8], path: &[u8], entry: &Entry) -> Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(parent, OsStr::from_bytes(name), flags, Mode::from_raw_mode(0o600))
            .doing(|| format!("creating {}", entry.display_path()))?;
        let file = File::from(file);
        write_contents(&mut self.reader, entry, &file, |split, offset, length| {
            split.stretch(path, offset, length)
        })?;
        self.size += entry.size;
        apply_open(file.as_fd(), entry)
    }

    fn hard_link(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        entry: &Entry,
    ) -> Result<()> {
        let target = clean(&entry.link)?;
        if target.is_empty() {
            return Err(StorageError::Hostile {
                path: entry.display_path(),
                reason: "a hard link to the root".into(),
            });
        }
        let (target_parent, target_name) = split(&target);
        let found = match self.tree.open(target_parent, Missing::Refuse) {
            Ok(found) => found,
            Err(StorageError::Io { cause, .. })
                if cause.raw_os_error() == Some(Errno::NOENT.raw_os_error()) =>
            {
                self.pending.links.push((path.to_vec(), target));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // Without AT_SYMLINK_FOLLOW a link to a symbolic link is a link to the link itself.
        match linkat(
            &found.directory,
            OsStr::from_bytes(target_name),
            directory,
            OsStr::from_bytes(name),
            AtFlags::empty(),
        ) {
            Ok(()) => Ok(()),
            Err(Errno::NOENT) => {
                self.pending.links.push((path.to_vec(), target));
                Ok(())
            }
            Err(error) => Err(error).doing(|| format!("linking {}", entry.display_path())),
        }
    }

    /// Takes what is at `name` out of the tree; files are kept for the split file.
    fn put_aside(
        &mut self,
        directory: BorrowedFd<'_>,
        name: &[u8],
        path: &[u8],
        kind: FileType,
    ) -> Result<()> {
        self.tree.forget();
        let os_name = OsStr::from_bytes(name);
        if kind == FileType::RegularFile || kind == FileType::Directory {
            if self.pending.shadows.len() >= SHADOWS {
                return Err(StorageError::TooLarge(format!("more than {SHADOWS} entries written twice")));
            }
            let number = self.pending.shadows.len().to_string();
            let position = self.reader.tap().position();
            self.pending.shadows.push(Shadow::new(position, path));
            if kind == FileType::Directory && !self.tree.implied.is_empty() {
                let inside =
                    |known: &Vec<u8>| known.strip_prefix(path).is_some_and(|r| r.is_empty() || r[0] == b'/');
                self.tree.implied.retain(|known| !inside(known));
            }
            return renameat(directory, os_name, self.shadow, number)
                .doing(|| "putting a replaced file aside".into());
        }
        let name = CString::new(name).map_err(std::io::Error::from).doing(|| "a name".into())?;
        remove_at(directory, &name).doing(|| "removing a replaced file".into())
    }
}
