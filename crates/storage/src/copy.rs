//! Copying trees on the host: image contents into volumes, layers of the vfs driver.

use crate::archive::entry_of;
use crate::changes::{DEEPEST, names, open_directory, stat};
use crate::error::{Doing, Result, StorageError};
use crate::tar::EntryKind;
use crate::unpack::{apply_node, copy_attributes};
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, SeekFrom, Stat, copy_file_range, fstat, ftruncate, ioctl_ficlone,
    linkat, mkdirat, mknodat, openat, readlinkat, seek, symlinkat,
};
use rustix::io::Errno;
use std::collections::HashMap;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;

/// Copies everything in directory `from` into directory `to`: contents, owners, modes, times, extended
/// attributes, hard links, holes, devices. On file systems that can, the copies share their blocks.
/// The attributes of `from` itself are not copied.
///
/// # Errors
/// What the file system said; what was copied until then stays.
pub(crate) fn copy_contents(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let from = openat(from, c".", flags, Mode::empty()).doing(|| "opening a directory to copy".into())?;
    let top = openat(to, c".", flags, Mode::empty()).doing(|| "opening a directory to copy to".into())?;
    let mut copier = Copier { links: HashMap::new(), top, clone: true, path: Vec::new() };
    copier.directory(from.as_fd(), to, 0)
}

struct Copier {
    /// Path below the top of the first copy of each file with several names.
    links: HashMap<(u64, u64), Vec<u8>>,
    top: OwnedFd,
    /// False once the file system refused to share blocks.
    clone: bool,
    path: Vec<u8>,
}

impl Copier {
    fn directory(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, depth: usize) -> Result<()> {
        if depth >= DEEPEST {
            return Err(StorageError::TooLarge(format!("directories nested more than {DEEPEST} deep")));
        }
        for name in names(from)? {
            let length = self.path.len();
            if length > 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(name.to_bytes());
            self.entry(from, to, &name, depth)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn entry(&mut self, from: BorrowedFd<'_>, to: BorrowedFd<'_>, name: &CStr, depth: usize) -> Result<()> {
        let Some(found) = stat(from, name)? else { return Ok(()) };
        let path = String::from_utf8_lossy(&self.path).into_owned();
        let doing = || format!("copying {path}");
        let kind = FileType::from_raw_mode(found.st_mode);
        if kind == FileType::Directory {
            let source = open_directory(from, name)?;
            match mkdirat(to, name, Mode::from_raw_mode(0o700)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error).doing(doing),
            }
            let target = open_directory(to, name)?;
            self.directory(source.as_fd(), target.as_fd(), depth + 1)?;
            return copy_attributes(source.as_fd(), target.as_fd());
        }
        if found.st_nlink > 1 {
            if let Some(first) = self.links.get(&(found.st_dev, found.st_ino)) {
                return linkat(&self.top, first.as_slice(), to, name, AtFlags::empty()).doing(doing);
            }
            self.links.insert((found.st_dev, found.st_ino), self.path.clone());
        }
        let entry_kind = match kind {
            FileType::RegularFile => return self.regular(from, to, name, doing),
            FileType::Symlink => {
                let target = readlinkat(from, name, Vec::new()).doing(doing)?;
                symlinkat(target, to, name).doing(doing)?;
                EntryKind::Symlink
            }
            FileType::CharacterDevice => EntryKind::CharDevice,
            FileType::BlockDevice => EntryKind::BlockDevice,
            FileType::Fifo => EntryKind::Fifo,
            // A socket means nothing without the process that listens.
            _ => return Ok(()),
        };
        if entry_kind != EntryKind::Symlink {
            mknodat(to, name, kind, Mode::from_raw_mode(0o600), found.st_rdev).doing(doing)?;
        }
        apply_node(to, name.to_bytes(), &entry_of(&found, entry_kind, name.to_bytes()))
    }

    fn regular(
        &mut self,
        from: BorrowedFd<'_>,
        to: BorrowedFd<'_>,
        name: &CStr,
        doing: impl Fn() -> String,
    ) -> Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let source = openat(from, name, flags, Mode::empty()).doing(&doing)?;
        let found = fstat(&source).doing(&doing)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let target = openat(to, name, flags, Mode::from_raw_mode(0o600)).doing(&doing)?;
        if self.clone {
            match ioctl_ficlone(&target, &source) {
                Ok(()) => return copy_attributes(source.as_fd(), target.as_fd()),
                Err(_) => self.clone = false,
            }
        }
        contents(&source, &target, &found).doing(&doing)?;
        copy_attributes(source.as_fd(), target.as_fd())
    }
}

/// Copies the data and leaves the holes.
fn contents(source: &OwnedFd, target: &OwnedFd, found: &Stat) -> std::result::Result<(), Errno> {
    let size = u64::try_from(found.st_size).unwrap_or(0);
    let mut position = 0;
    while position < size {
        let start = match seek(source, SeekFrom::Data(position)) {
            Ok(start) => start,
            Err(Errno::NXIO) => break,
            Err(error) => return Err(error),
        };
        let end = seek(source, SeekFrom::Hole(start))?.min(size);
        copy_range(source, target, start, end)?;
        position = end;
    }
    ftruncate(target, size)
}

fn copy_range(source: &OwnedFd, target: &OwnedFd, start: u64, end: u64) -> std::result::Result<(), Errno> {
    let (mut input, mut output) = (start, start);
    while input < end {
        let length = usize::try_from(end - input).unwrap_or(usize::MAX).min(1 << 30);
        match copy_file_range(source, Some(&mut input), target, Some(&mut output), length) {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            // Between file systems, or on one that cannot: by hand.
            Err(Errno::XDEV | Errno::NOSYS | Errno::OPNOTSUPP | Errno::INVAL) => {
                return by_hand(source, target, input, end);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn by_hand(source: &OwnedFd, target: &OwnedFd, start: u64, end: u64) -> std::result::Result<(), Errno> {
    let source = std::fs::File::from(rustix::io::dup(source)?);
    let target = std::fs::File::from(rustix::io::dup(target)?);
    let mut buffer = vec![0; 256 << 10];
    let mut position = start;
    while position < end {
        let wanted = usize::try_from(end - position).unwrap_or(usize::MAX).min(buffer.len());
        let result = source.read_at(&mut buffer[..wanted], position).and_then(|got| {
            target.write_all_at(&buffer[..got], position)?;
            Ok(got)
        });
        match result {
            Ok(0) => return Ok(()),
            Ok(got) => position += got as u64,
            Err(error) => return Err(Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        }
    }
    Ok(())
}
