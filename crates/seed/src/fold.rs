//! Files of a tree whose content may be hostile: every path is opened below the root, through folders only (openat2(2),
//! RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS).

use crate::entry::Path;
use rustix::fs::{self, AtFlags, Mode, OFlags, ResolveFlags};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// Namespaces of extended attributes that a volume's files can have without being the kernel's own affair.
const PREFIXES: [&[u8]; 3] = [b"user.", b"security.capability", b"system.posix_acl_"];

/// A tree's root.
pub(crate) struct Fold {
    root: OwnedFd,
}

/// Where a file is: an open folder and its name there.
pub(crate) struct Place {
    pub(crate) folder: OwnedFd,
    pub(crate) name: Vec<u8>,
}

impl Fold {
    pub(crate) fn open(path: &std::path::Path) -> io::Result<Self> {
        let root = fs::open(path, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(Self { root })
    }

    pub(crate) fn root(&self) -> &OwnedFd {
        &self.root
    }

    /// Opens something below the root.
    pub(crate) fn at(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let path = if path.is_empty() { b".".as_slice() } else { path };
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        let flags = flags | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        Ok(fs::openat2(&self.root, OsStr::from_bytes(path), flags, Mode::empty(), resolve)?)
    }

    /// The folder that something is in.
    pub(crate) fn place(&self, path: &[u8]) -> io::Result<Place> {
        let (folder, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => (&path[..slash], &path[slash + 1..]),
            None => (&b""[..], path),
        };
        if name.is_empty() || name == b"." || name == b".." || name.contains(&0) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a file's name that is none"));
        }
        let folder = self.at(folder, OFlags::DIRECTORY)?;
        Ok(Place { folder, name: name.to_owned() })
    }

    /// Removes something with all below it. What is not there is removed.
    pub(crate) fn remove(&self, path: &Path) -> io::Result<()> {
        let place = match self.place(path) {
            // What it was in is gone, or is no folder any more.
            Err(error) if is_gone(&error) => return Ok(()),
            other => other?,
        };
        match fs::unlinkat(&place.folder, place.name(), AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => return Ok(()),
            Err(rustix::io::Errno::ISDIR | rustix::io::Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        for name in names(&self.at(path, OFlags::DIRECTORY)?)? {
            let below: Path = [path.as_slice(), b"/", &name].concat();
            self.remove(&below)?;
        }
        Ok(fs::unlinkat(&place.folder, place.name(), AtFlags::REMOVEDIR)?)
    }
}

impl Place {
    pub(crate) fn name(&self) -> &OsStr {
        OsStr::from_bytes(&self.name)
    }

    /// The file by a path, for calls that know no folder's descriptor (proc(5), `/proc/self/fd`).
    fn by_path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.folder.as_raw_fd())).join(self.name())
    }

    pub(crate) fn attributes(&self) -> io::Result<BTreeMap<Vec<u8>, Vec<u8>>> {
        let path = self.by_path();
        let mut list = vec![0; 64 * 1024];
        let length = match fs::llistxattr(&path, &mut list[..]) {
            Err(rustix::io::Errno::OPNOTSUPP) => 0,
            other => other?,
        };
        let mut found = BTreeMap::new();
        for name in list[..length].split(|byte| *byte == 0) {
            if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
                continue;
            }
            let mut value = vec![0; 64 * 1024];
            match fs::lgetxattr(&path, OsStr::from_bytes(name), &mut value[..]) {
                Ok(length) => {
                    value.truncate(length);
                    found.insert(name.to_vec(), value);
                }
                // It went meanwhile.
                Err(rustix::io::Errno::NODATA) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found)
    }

    pub(crate) fn set_attributes(&self, wanted: &BTreeMap<Vec<u8>, Vec<u8>>) -> io::Result<()> {
        let path = self.by_path();
        let there = self.attributes()?;
        for name in there.keys().filter(|name| !wanted.contains_key(*name)) {
            fs::lremovexattr(&path, OsStr::from_bytes(name))?;
        }
        for (name, value) in wanted.iter().filter(|(name, value)| there.get(*name) != Some(value)) {
            fs::lsetxattr(&path, OsStr::from_bytes(name), value, fs::XattrFlags::empty())?;
        }
        Ok(())
    }
}

/// Whether an error says that there is nothing at a path, or nothing below it.
fn is_gone(error: &io::Error) -> bool {
    use rustix::io::Errno;
    [Errno::NOENT, Errno::NOTDIR, Errno::LOOP]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

/// The names in a folder, sorted.
pub(crate) fn names(folder: &OwnedFd) -> io::Result<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for entry in fs::Dir::read_from(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            found.push(name.to_vec());
        }
    }
    found.sort();
    Ok(found)
}
