//! Putting files of a directory tree into a tar stream.

use crate::changes::{DEEPEST, is_directory, names, open_directory, stat};
use crate::error::{Doing, Result, StorageError};
use crate::tar::{Entry, EntryKind, Timestamp, Writer};
use crate::unpack::list_xattrs;
use rustix::fs::{FileType, Mode, OFlags, Stat, fstat, major, minor, openat, readlinkat};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Writes files into a tar stream, hard links as such.
pub(crate) struct Packer<'a> {
    pub(crate) writer: Writer<'a>,
    /// First name in the archive of each file that has several.
    seen: HashMap<(u64, u64), Vec<u8>>,
    buffer: Vec<u8>,
}

impl<'a> Packer<'a> {
    pub(crate) fn new(out: &'a mut dyn Write) -> Self {
        Self { writer: Writer::new(out), seen: HashMap::new(), buffer: vec![0; 256 << 10] }
    }

    /// Adds `name` of `directory` as `path`. False when it is gone, or is a socket, which no archive
    /// can hold.
    pub(crate) fn add(&mut self, directory: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Result<bool> {
        let Some(stat) = stat(directory, name)? else { return Ok(false) };
        let shown = || String::from_utf8_lossy(path).into_owned();
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => return self.regular(directory, name, path),
            FileType::Directory => {
                let opened = match open_directory(directory, name) {
                    Ok(opened) => opened,
                    Err(error) if error.errno() == Some(Errno::NOENT.raw_os_error()) => return Ok(false),
                    Err(error) => return Err(error),
                };
                return self.directory(opened.as_fd(), path);
            }
            FileType::Symlink => EntryKind::Symlink,
            FileType::CharacterDevice => EntryKind::CharDevice,
            FileType::BlockDevice => EntryKind::BlockDevice,
            FileType::Fifo => EntryKind::Fifo,
            _ => return Ok(false),
        };
        let mut entry = entry_of(&stat, kind, path);
        if self.hard_link(&stat, &mut entry) {
            return Ok(true);
        }
        if kind == EntryKind::Symlink {
            let link =
                readlinkat(directory, name, Vec::new()).doing(|| format!("reading link {}", shown()))?;
            entry.link = link.into_bytes();
        }
        self.writer.entry(&entry)?;
        Ok(true)
    }

    /// Adds an open directory, without what is in it.
    pub(crate) fn directory(&mut self, directory: BorrowedFd<'_>, path: &[u8]) -> Result<bool> {
        let stat = fstat(directory).doing(|| format!("reading {}", String::from_utf8_lossy(path)))?;
        let mut entry = entry_of(&stat, EntryKind::Directory, path);
        entry.xattrs = list_xattrs(&format!("/proc/self/fd/{}", directory.as_raw_fd()))?;
        self.writer.entry(&entry)?;
        Ok(true)
    }

    /// Adds everything in an open directory, sorted by name, with `path` (empty, or ending in a slash)
    /// before each name.
    pub(crate) fn children(
        &mut self,
        directory: BorrowedFd<'_>,
        path: &mut Vec<u8>,
        depth: usize,
    ) -> Result<()> {
        if depth >= DEEPEST {
            return Err(StorageError::TooLarge(format!("directories nested more than {DEEPEST} deep")));
        }
        let mut found = names(directory)?;
        found.sort();
        for name in found {
            let length = path.len();
            path.extend_from_slice(name.to_bytes());
            let added = self.add(directory, &name, path)?;
            if added
                && stat(directory, &name)?.is_some_and(|stat| is_directory(&stat))
                && let Ok(child) = open_directory(directory, &name)
            {
                path.push(b'/');
                self.children(child.as_fd(), path, depth + 1)?;
            }
            path.truncate(length);
        }
        Ok(())
    }

    /// Writes a hard link if this file is in the archive already. The first name is remembered.
    fn hard_link(&mut self, stat: &Stat, entry: &mut Entry) -> bool {
        if stat.st_nlink < 2 {
            return false;
        }
        let key = (stat.st_dev, stat.st_ino);
        if let Some(first) = self.seen.get(&key) {
            entry.kind = EntryKind::HardLink;
            entry.link.clone_from(first);
            entry.size = 0;
            return self.writer.entry(entry).is_ok();
        }
        self.seen.insert(key, entry.path.clone());
        false
    }

    fn regular(&mut self, directory: BorrowedFd<'_>, name: &CStr, path: &[u8]) -> Result<bool> {
        let shown = || String::from_utf8_lossy(path).into_owned();
        // Not blocking, should a pipe have taken its place meanwhile.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(directory, name, flags | OFlags::NOATIME, Mode::empty()) {
            Err(Errno::PERM) => openat(directory, name, flags, Mode::empty()),
            other => other,
        };
        let file = match file {
            Ok(file) => file,
            Err(Errno::NOENT | Errno::LOOP | Errno::NXIO) => return Ok(false),
            Err(error) => return Err(error).doing(|| format!("opening {}", shown())),
        };
        let stat = fstat(&file).doing(|| format!("reading {}", shown()))?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Ok(false);
        }
        let mut entry = entry_of(&stat, EntryKind::Regular, path);
        entry.xattrs = list_xattrs(&format!("/proc/self/fd/{}", file.as_raw_fd()))?;
        if self.hard_link(&stat, &mut entry) {
            return Ok(true);
        }
        self.writer.entry(&entry)?;
        self.contents(File::from(file)).map(|()| true)
    }

    /// Copies a file of the announced size. One that shrinks meanwhile is filled with zeros, one that
    /// grows is cut: a running container may write on.
    fn contents(&mut self, mut file: File) -> Result<()> {
        while self.writer.remaining() > 0 {
            let wanted = self.writer.remaining().min(self.buffer.len() as u64) as usize;
            let mut got = match file.read(&mut self.buffer[..wanted]) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                other => other.doing(|| "reading a file".into())?,
            };
            if got == 0 {
                self.buffer[..wanted].fill(0);
                got = wanted;
            }
            self.writer.data(&self.buffer[..got])?;
        }
        Ok(())
    }
}

/// The entry that describes a file.
pub(crate) fn entry_of(stat: &Stat, kind: EntryKind, path: &[u8]) -> Entry {
    let mut entry = Entry::new(kind, path);
    entry.mode = stat.st_mode & 0o7777;
    entry.uid = stat.st_uid;
    entry.gid = stat.st_gid;
    entry.mtime = Timestamp { seconds: stat.st_mtime, nanoseconds: stat.st_mtime_nsec as u32 };
    match kind {
        EntryKind::Regular => entry.size = u64::try_from(stat.st_size).unwrap_or(0),
        EntryKind::CharDevice | EntryKind::BlockDevice => {
            entry.device = (major(stat.st_rdev), minor(stat.st_rdev));
        }
        _ => {}
    }
    entry.stored = entry.size;
    entry
}
