//! Masked and read-only paths. `/` is the container's root by now.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags, fstat, major, minor, open, openat2};
use rustix::io::Errno;
use sampan_sys::mount::attribute;

use super::{InitContext, detached};
use crate::error::{During, Error, Result};
use crate::plan::{AttributeChange, FilesystemMount};

/// Opens a path to be protected. Links are followed within the root, never those of procfs into other places.
fn open_path(path: &str) -> Result<Option<OwnedFd>> {
    let root = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).during(|| "open the root")?;
    let relative = path.trim_start_matches('/');
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    match openat2(&root, relative, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve) {
        Ok(fd) => Ok(Some(fd)),
        // What this kernel or image does not have needs no protection.
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(error) => Err(Error::system(format!("open {path}"), error)),
    }
}

pub(super) fn protect(context: &mut InitContext) -> Result<()> {
    for path in &context.plan.readonly_paths {
        let what = || format!("make {path} read-only");
        let Some(place) = open_path(path)? else { continue };
        let copy = detached::bind_descriptor(place.as_fd(), true).during(what)?;
        let change = AttributeChange { set: attribute::READ_ONLY, clear: 0 };
        detached::change(copy.as_fd(), true, change).during(what)?;
        detached::attach(copy.as_fd(), place.as_fd()).during(what)?;
    }
    Ok(())
}

/// Files are covered by the null device, directories by an empty read-only tmpfs, one for all of them.
pub(super) fn mask(context: &mut InitContext) -> Result<()> {
    let mut empty: Option<OwnedFd> = None;
    let mut null: Option<OwnedFd> = None;
    for path in &context.plan.masked_paths {
        let what = || format!("mask {path}");
        let Some(place) = open_path(path)? else { continue };
        let status = fstat(&place).during(what)?;
        if FileType::from_raw_mode(status.st_mode) == FileType::Directory {
            // Before Linux 6.15 only a mount that is attached can be copied: the first is, the others are copies.
            match &empty {
                Some(first) => {
                    let copy = detached::bind_descriptor(first.as_fd(), false).during(what)?;
                    detached::attach(copy.as_fd(), place.as_fd()).during(what)?;
                }
                None => {
                    let first = empty_directory().during(what)?;
                    detached::attach(first.as_fd(), place.as_fd()).during(what)?;
                    empty = Some(first);
                }
            }
        } else {
            let device = match null.take() {
                Some(device) => device,
                None => null_device()?,
            };
            let copy = detached::bind_descriptor(device.as_fd(), false).during(what)?;
            detached::attach(copy.as_fd(), place.as_fd()).during(what)?;
            null = Some(device);
        }
    }
    Ok(())
}

fn empty_directory() -> Result<OwnedFd, Errno> {
    let tmpfs = FilesystemMount {
        kind: "tmpfs".into(),
        source: "tmpfs".into(),
        options: vec!["nr_blocks=1".into(), "nr_inodes=1".into()],
    };
    detached::filesystem(&tmpfs, attribute::READ_ONLY, &[])
}

/// The container's `/dev/null`, only when it really is the null device: an image could put a link or another
/// file in its place, and have that bound over what shall be hidden (CVE-2025-31133).
fn null_device() -> Result<OwnedFd> {
    let root = open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).during(|| "open the root")?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_SYMLINKS;
    let fd = openat2(&root, "dev/null", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), resolve)
        .during(|| "open the container's /dev/null")?;
    require_null(fd.as_fd())?;
    Ok(fd)
}

fn require_null(fd: BorrowedFd<'_>) -> Result<()> {
    let status = fstat(fd).during(|| "examine the container's /dev/null")?;
    let character = FileType::from_raw_mode(status.st_mode) == FileType::CharacterDevice;
    if character && (major(status.st_rdev), minor(status.st_rdev)) == (1, 3) {
        return Ok(());
    }
    Err(Error::Invalid("the container's /dev/null is not the null device, so paths cannot be masked".into()))
}
