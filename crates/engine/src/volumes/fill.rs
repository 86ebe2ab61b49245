//! Filling an empty volume with what the image holds at its path, and paths inside a volume.

use crate::Engine;
use crate::error::Error;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use sampan_error::{Context, Result};
use sampan_storage::archive;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

impl Engine {
    /// Copies `target` of the file system `root` into a volume, if the volume is empty and the path is a
    /// directory: contents, owner and mode, as Docker does for a new volume.
    ///
    /// # Errors
    /// The copy fails half-way; the volume then holds what was copied.
    pub(crate) fn fill_volume(&self, name: &str, root: &OwnedFd, target: &str) -> Result<()> {
        let data = self.inner.volumes.data(name);
        if std::fs::read_dir(&data).context(format!("cannot read volume {name}"))?.next().is_some() {
            return Ok(());
        }
        let source = match open_directory(root, target) {
            Ok(source) => source,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(error) => {
                return Err(std::io::Error::from(error))
                    .context(format!("cannot read {target} of the image"));
            }
        };
        let into = rustix::fs::open(&data, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(std::io::Error::from)
            .context(format!("cannot open volume {name}"))?;
        archive::copy_contents(source.as_fd(), into.as_fd())?;
        let stat = rustix::fs::fstat(&source).map_err(std::io::Error::from)?;
        rustix::fs::fchown(
            &into,
            Some(rustix::fs::Uid::from_raw(stat.st_uid)),
            Some(rustix::fs::Gid::from_raw(stat.st_gid)),
        )
        .and_then(|()| rustix::fs::fchmod(&into, Mode::from_raw_mode(stat.st_mode & 0o7777)))
        .map_err(std::io::Error::from)
        .context(format!("cannot set the owner of volume {name}"))
    }
}

/// A directory below a root, links resolved inside it.
fn open_directory(root: &OwnedFd, path: &str) -> std::result::Result<OwnedFd, Errno> {
    rustix::fs::openat2(
        root,
        path.trim_start_matches('/'),
        OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS,
    )
}

/// The host's path of a file or directory inside a volume.
///
/// # Errors
/// It does not exist, or leaves the volume.
pub(super) fn resolve_inside(data: &Path, subpath: &str) -> Result<PathBuf> {
    let refused = || {
        Error::Invalid(format!("cannot use {subpath:?} as a subpath: it does not exist inside the volume"))
    };
    let root = rustix::fs::open(data, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|_| refused())?;
    let found = rustix::fs::openat2(
        &root,
        subpath,
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
    )
    .map_err(|_| refused())?;
    let link = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&found));
    let path = rustix::fs::readlinkat(rustix::fs::CWD, link, Vec::new()).map_err(std::io::Error::from)?;
    Ok(PathBuf::from(path.to_string_lossy().into_owned()))
}
