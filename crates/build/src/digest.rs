//! What sources are, as a number: names, kinds, modes, contents. Times do not count.

use crate::copy::{Manner, Source};
use crate::files;
use crate::inputs::Listing;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use sampan_error::{Context as _, Error, Result};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

/// More files than these are not told apart.
const LISTED: usize = 2000;
/// More files than these are not remembered at a time.
const MOST: usize = 1 << 20;

/// Contents of files whose inodes are never written again, so that an unchanged file is not read twice. Only kept
/// contexts are such files: what changes there is a new inode.
#[derive(Default)]
pub(crate) struct Contents(Mutex<HashMap<Inode, [u8; 32]>>);

/// An inode, and when anything of it last changed.
#[derive(PartialEq, Eq, Hash)]
struct Inode {
    device: u64,
    number: u64,
    size: i64,
    changed: (i64, u64),
}

impl Inode {
    fn of(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev,
            number: stat.st_ino,
            size: stat.st_size,
            changed: (stat.st_ctime, stat.st_ctime_nsec),
        }
    }
}

impl Contents {
    fn get(&self, stat: &Stat) -> Option<[u8; 32]> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&Inode::of(stat)).copied()
    }

    fn put(&self, stat: &Stat, digest: [u8; 32]) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(Inode::of(stat), digest);
    }
}

/// A number that is the same for the same names, kinds, modes and contents; of owners too, where they are kept.
///
/// # Errors
/// A file cannot be read.
pub(crate) fn digest(
    root: BorrowedFd<'_>,
    sources: &[Source],
    manner: &Manner,
    known: Option<Arc<Contents>>,
) -> Result<(String, Option<Listing>)> {
    let mut walk = Walk { hash: Sha256::new(), manner, known, listing: Some(Listing::new()) };
    for source in sources {
        walk.hash.update(source.path.as_bytes());
        walk.hash.update([0, u8::from(source.is_directory)]);
        if manner.parents {
            walk.hash.update(&source.below);
        }
        if source.is_directory {
            let folder = files::open(root, &source.path).context("a folder cannot be opened")?;
            walk.folder(folder, "")?;
        } else if !manner.leaves_out(source) {
            walk.source(root, source)?;
        }
    }
    Ok((hex::encode(walk.hash.finalize()), walk.listing))
}

struct Walk<'a> {
    hash: Sha256,
    manner: &'a Manner,
    known: Option<Arc<Contents>>,
    /// Which files there are; nothing when they are too many.
    listing: Option<Listing>,
}

impl Walk<'_> {
    /// A file by itself: what a link leads to when it leads to one.
    fn source(&mut self, root: BorrowedFd<'_>, source: &Source) -> Result<()> {
        let (above, name) = source.real.rsplit_once('/').unwrap_or(("", &source.real));
        let folder = files::open(root, above).context("a folder cannot be opened")?;
        let name = CString::new(name).map_err(|_| Error::invalid("a name has a zero byte"))?;
        self.entry(folder.as_fd(), &name, source.path.trim_start_matches('/'))
    }

    fn folder(&mut self, folder: OwnedFd, below: &str) -> Result<()> {
        let mut names: Vec<CString> = rustix::fs::Dir::read_from(&folder)
            .map_err(io)?
            .filter_map(|entry| Some(entry.ok()?.file_name().to_owned()))
            .filter(|name| !matches!(name.as_bytes(), b"." | b".."))
            .collect();
        names.sort();
        for name in names {
            let shown = name.to_string_lossy();
            let path = if below.is_empty() { shown.into_owned() } else { format!("{below}/{shown}") };
            if !self.manner.exclude.is_empty() && self.manner.exclude.excludes(&path) {
                continue;
            }
            self.hash.update(name.as_bytes_with_nul());
            self.entry(folder.as_fd(), &name, &path)?;
        }
        // The end of a folder: what follows lies beside it.
        self.hash.update([0xff]);
        Ok(())
    }

    fn entry(&mut self, folder: BorrowedFd<'_>, name: &CString, path: &str) -> Result<()> {
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(io)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        self.hash.update(stat.st_mode.to_le_bytes());
        if self.manner.owner.is_none() {
            self.hash.update(stat.st_uid.to_le_bytes());
            self.hash.update(stat.st_gid.to_le_bytes());
        }
        match kind {
            FileType::RegularFile => {
                let contents = self.contents(folder, name, &stat)?;
                self.hash.update(contents);
                self.list(path, &format!("{:o} {}", stat.st_mode, hex::encode(&contents[..8])));
            }
            FileType::Directory => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                let folder = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(io)?;
                self.hash.update(attributes(folder.as_fd())?);
                self.folder(folder, path)?;
            }
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(folder, name, Vec::new()).map_err(io)?;
                self.hash.update(target.as_bytes_with_nul());
                self.list(path, &target.to_string_lossy());
            }
            _ => self.hash.update(stat.st_rdev.to_le_bytes()),
        }
        Ok(())
    }

    fn list(&mut self, path: &str, what: &str) {
        if self.listing.as_ref().is_some_and(|listing| listing.len() >= LISTED) {
            self.listing = None;
        }
        if let Some(listing) = &mut self.listing {
            listing.insert(path.to_owned(), what.to_owned());
        }
    }

    /// The digest of a file's contents and attributes.
    fn contents(&self, folder: BorrowedFd<'_>, name: &CString, stat: &Stat) -> Result<[u8; 32]> {
        if let Some(known) = self.known.as_ref().and_then(|known| known.get(stat)) {
            return Ok(known);
        }
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let mut file = File::from(rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(io)?);
        let mut hash = Sha256::new();
        let mut buffer = [0; 32 << 10];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        hash.update(attributes(file.as_fd())?);
        let digest: [u8; 32] = hash.finalize().into();
        if let Some(known) = &self.known {
            known.put(stat, digest);
        }
        Ok(digest)
    }
}

/// Extended attributes, as the archive of a layer has them.
fn attributes(file: BorrowedFd<'_>) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (name, value) in sampan_storage::archive::attributes(file)? {
        out.extend_from_slice(&name);
        out.push(0);
        out.extend_from_slice(&value);
        out.push(0);
    }
    Ok(out)
}

fn io(error: rustix::io::Errno) -> Error {
    std::io::Error::from(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::copy;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn of(folder: &std::path::Path, known: Option<&Arc<Contents>>) -> String {
        let root = File::open(folder).unwrap();
        let sources = copy::sources(root.as_fd(), &[".".to_owned()], false).unwrap();
        let manner = Manner { owner: Some((0, 0)), ..Manner::default() };
        digest(root.as_fd(), &sources, &manner, known.cloned()).unwrap().0
    }

    #[test]
    fn all_but_times_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("d")).unwrap();
        std::fs::write(path("d/a"), "1").unwrap();
        symlink("a", path("d/l")).unwrap();
        let known = Arc::new(Contents::default());
        let mut seen = vec![of(folder.path(), None)];
        assert_eq!(of(folder.path(), Some(&known)), seen[0]);
        assert_eq!(of(folder.path(), Some(&known)), seen[0], "what is remembered is the same");
        File::open(path("d/a")).unwrap().set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(of(folder.path(), Some(&known)), seen[0]);
        let mut changed = |what: &str| {
            let now = of(folder.path(), None);
            assert!(!seen.contains(&now), "{what} does not count");
            assert_eq!(of(folder.path(), Some(&known)), now, "{what} is not noticed");
            seen.push(now);
        };
        std::fs::set_permissions(path("d/a"), std::fs::Permissions::from_mode(0o755)).unwrap();
        changed("a mode");
        std::fs::remove_file(path("d/a")).unwrap();
        std::fs::write(path("d/a"), "2").unwrap();
        changed("contents");
        std::fs::remove_file(path("d/l")).unwrap();
        symlink("b", path("d/l")).unwrap();
        changed("a link's target");
        std::fs::rename(path("d/a"), path("a")).unwrap();
        changed("a place");
        std::fs::rename(path("a"), path("b")).unwrap();
        changed("a name");
    }
}
