//! What a container changed, found by comparing its tree with the one below.
//!
//! The rules are those of Docker's `docker diff`: a path is modified when its mode, owner, device number
//! or file capability differs, or, for what is no directory, its size or time; a directory with a change
//! in it is modified; below a removed directory nothing is reported; the root itself never is.

use crate::driver::{Change, ChangeKind};
use crate::error::{Doing, Result, StorageError};
use crate::unpack::list_xattrs;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, fgetxattr, openat, statat};
use rustix::io::Errno;
use std::collections::HashSet;
use std::ffi::{CStr, CString, OsStr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Deepest directory that is looked into; paths that deep are beyond what an archive can name.
pub(crate) const DEEPEST: usize = 1500;

/// Compares `new` with `old`. With `upper` the new tree is an overlay's upper directory, else it is
/// complete and what is missing in it is removed.
pub(crate) fn compare(new: BorrowedFd<'_>, old: Option<BorrowedFd<'_>>, upper: bool) -> Result<Vec<Change>> {
    let mut comparison = Comparison { upper, changes: Vec::new(), path: Vec::new(), depth: 0 };
    let whole = !upper || is_opaque(new);
    comparison.walk(new, old, whole)?;
    let mut changes = comparison.changes;
    changes.sort_by(|a, b| a.path.as_os_str().cmp(b.path.as_os_str()));
    Ok(changes)
}

struct Comparison {
    upper: bool,
    changes: Vec<Change>,
    path: Vec<u8>,
    depth: usize,
}

impl Comparison {
    fn add(&mut self, kind: ChangeKind) {
        self.changes.push(Change { path: PathBuf::from(OsStr::from_bytes(&self.path)), kind });
    }

    /// Compares two directories. With `whole`, what `new` lacks is removed.
    fn walk(&mut self, new: BorrowedFd<'_>, old: Option<BorrowedFd<'_>>, whole: bool) -> Result<()> {
        if self.depth >= DEEPEST {
            return Err(StorageError::TooLarge(format!("directories nested more than {DEEPEST} deep")));
        }
        let mut seen = HashSet::new();
        for name in names(new)? {
            let length = self.path.len();
            self.path.push(b'/');
            self.path.extend_from_slice(name.to_bytes());
            self.depth += 1;
            let result = self.entry(new, old, &name, whole);
            self.depth -= 1;
            self.path.truncate(length);
            result?;
            if whole && old.is_some() {
                seen.insert(name);
            }
        }
        let (true, Some(old)) = (whole, old) else { return Ok(()) };
        for name in names(old)? {
            if !seen.contains(&name) {
                let length = self.path.len();
                self.path.push(b'/');
                self.path.extend_from_slice(name.to_bytes());
                self.add(ChangeKind::Deleted);
                self.path.truncate(length);
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        new: BorrowedFd<'_>,
        old: Option<BorrowedFd<'_>>,
        name: &CStr,
        whole: bool,
    ) -> Result<()> {
        let Some(new_stat) = stat(new, name)? else { return Ok(()) };
        let old_stat = match old {
            Some(old) => stat(old, name)?,
            None => None,
        };
        if self.upper && is_whiteout(&new_stat) {
            if old_stat.is_some() {
                self.add(ChangeKind::Deleted);
            }
            return Ok(());
        }
        let mut reported = true;
        match &old_stat {
            None => self.add(ChangeKind::Added),
            Some(old_stat) if differs(&new_stat, old_stat) => self.add(ChangeKind::Modified),
            Some(old_stat) if is_regular(old_stat) && capability(new, name)? != capability_of(old, name)? => {
                self.add(ChangeKind::Modified);
            }
            Some(_) => reported = false,
        }
        if !is_directory(&new_stat) {
            return Ok(());
        }
        let before = self.changes.len();
        let child = open_directory(new, name)?;
        let below = match (&old_stat, old) {
            (Some(stat), Some(old)) if is_directory(stat) => Some(open_directory(old, name)?),
            _ => None,
        };
        let whole = whole || (self.upper && is_opaque(child.as_fd()));
        self.walk(child.as_fd(), below.as_ref().map(AsFd::as_fd), whole)?;
        if self.changes.len() > before && !reported {
            self.add(ChangeKind::Modified);
        }
        Ok(())
    }
}

fn capability_of(directory: Option<BorrowedFd<'_>>, name: &CStr) -> Result<Option<Vec<u8>>> {
    directory.map_or(Ok(None), |directory| capability(directory, name))
}

/// The file capability of a regular file.
fn capability(directory: BorrowedFd<'_>, name: &CStr) -> Result<Option<Vec<u8>>> {
    let path = format!("/proc/self/fd/{}/{}", directory.as_raw_fd(), name.to_string_lossy());
    if name.to_str().is_err() {
        return Ok(None);
    }
    Ok(list_xattrs(&path)?
        .into_iter()
        .find(|(name, _)| name == b"security.capability")
        .map(|(_, value)| value))
}

/// The names in a directory, without `.` and `..`.
pub(crate) fn names(directory: BorrowedFd<'_>) -> Result<Vec<CString>> {
    let mut found = Vec::new();
    let mut entries = Dir::read_from(directory).doing(|| "reading a directory".into())?;
    while let Some(entry) = entries.read() {
        let entry = entry.doing(|| "reading a directory".into())?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

pub(crate) fn stat(directory: BorrowedFd<'_>, name: &CStr) -> Result<Option<Stat>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(stat)),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error).doing(|| format!("reading {}", name.to_string_lossy())),
    }
}

pub(crate) fn open_directory(parent: BorrowedFd<'_>, name: &CStr) -> Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat(parent, name, flags, Mode::empty()).doing(|| format!("opening {}", name.to_string_lossy()))
}

pub(crate) fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

pub(crate) fn is_regular(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
}

/// Overlay's mark of a removed file.
pub(crate) fn is_whiteout(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::CharacterDevice && stat.st_rdev == 0
}

/// Overlay's mark of a directory that hides what lies below.
pub(crate) fn is_opaque(directory: BorrowedFd<'_>) -> bool {
    let mut value = [0u8; 1];
    fgetxattr(directory, "trusted.overlay.opaque", value.as_mut_slice()).is_ok_and(|length| length == 1)
        && value[0] == b'y'
}

fn differs(new: &Stat, old: &Stat) -> bool {
    if new.st_mode != old.st_mode
        || new.st_uid != old.st_uid
        || new.st_gid != old.st_gid
        || new.st_rdev != old.st_rdev
    {
        return true;
    }
    if is_directory(new) {
        return false;
    }
    // A file system without nanoseconds gives zero: then seconds alone count.
    let same_time = new.st_mtime == old.st_mtime
        && (new.st_mtime_nsec == old.st_mtime_nsec || new.st_mtime_nsec == 0 || old.st_mtime_nsec == 0);
    !same_time || new.st_size != old.st_size
}
