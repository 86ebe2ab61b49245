//! What a path in a container is.

use super::resolve::{missing, open_in_root, split};
use crate::error::{Doing, Result};
use rustix::fs::{AtFlags, CWD, FileType, OFlags, Stat, fstat, readlinkat, statat};
use std::ffi::OsStr;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What Docker's archive routes tell of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathStat {
    /// Last component of the path as it was asked for.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Type and permissions in the bits of Go's `os.FileMode`.
    pub mode: u32,
    /// Time of the last change, nanoseconds since 1970.
    pub modified: i64,
    /// Where a symbolic link leads to inside the root, all links followed; empty for anything else, and
    /// for a link that leads nowhere the text in it.
    pub link_target: String,
}

/// Tells what a path is. A link as its last component is not followed, except before a trailing slash.
///
/// # Errors
/// `NotFound`.
pub fn stat(root: BorrowedFd<'_>, path: &Path) -> Result<PathStat> {
    let wanted = split(root, path)?;
    let found = if wanted.name.is_empty() {
        fstat(&wanted.directory)
    } else {
        statat(&wanted.directory, OsStr::from_bytes(&wanted.name), AtFlags::SYMLINK_NOFOLLOW)
    }
    .map_err(|error| missing(path, error))?;
    let link_target = if FileType::from_raw_mode(found.st_mode) == FileType::Symlink {
        match open_in_root(root, path.as_os_str().as_bytes(), OFlags::PATH) {
            Ok(target) => inside(root, target.as_raw_fd())?,
            Err(_) => readlinkat(&wanted.directory, OsStr::from_bytes(&wanted.name), Vec::new())
                .map(|text| text.to_string_lossy().into_owned())
                .unwrap_or_default(),
        }
    } else {
        String::new()
    };
    Ok(PathStat {
        name: String::from_utf8_lossy(&wanted.base).into_owned(),
        size: u64::try_from(found.st_size).unwrap_or(0),
        mode: go_file_mode(&found),
        modified: found
            .st_mtime
            .saturating_mul(1_000_000_000)
            .saturating_add(found.st_mtime_nsec.cast_signed()),
        link_target,
    })
}

/// The absolute path inside the root of an open object.
fn inside(root: BorrowedFd<'_>, descriptor: i32) -> Result<String> {
    let text = |number: i32| -> Result<String> {
        let path = readlinkat(CWD, format!("/proc/self/fd/{number}"), Vec::new())
            .doing(|| "reading a link".into())?;
        Ok(path.to_string_lossy().into_owned())
    };
    let (root, full) = (text(root.as_raw_fd())?, text(descriptor)?);
    let below = full.strip_prefix(root.trim_end_matches('/')).unwrap_or(&full);
    Ok(if below.is_empty() { "/".to_owned() } else { below.to_owned() })
}

/// Go's `os.FileMode`: permissions in the low nine bits, the rest at places of its own.
#[must_use]
pub fn go_file_mode(stat: &Stat) -> u32 {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Directory => 1 << 31,
        FileType::Symlink => 1 << 27,
        FileType::BlockDevice => 1 << 26,
        FileType::CharacterDevice => 1 << 26 | 1 << 21,
        FileType::Fifo => 1 << 25,
        FileType::Socket => 1 << 24,
        _ => 0,
    };
    let special = [(0o4000, 1 << 23), (0o2000, 1 << 22), (0o1000, 1 << 20)];
    let extra: u32 = special.iter().filter(|(bit, _)| stat.st_mode & bit != 0).map(|(_, go)| go).sum();
    kind | extra | (stat.st_mode & 0o777)
}
