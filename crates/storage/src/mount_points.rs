//! The empty files and directories that a container's own mounts cover.
//!
//! The list is that of Docker's `-init` layer. They lie in a hidden layer between the image and the
//! container, so that `docker diff` and `docker commit` never see them.

use crate::error::{Doing, Result};
use rustix::fs::{AtFlags, Mode, OFlags, mkdirat, openat, symlinkat, unlinkat};
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

enum Sort {
    Directory,
    File,
    Link(&'static str),
}

const POINTS: [(&[&str], Sort); 10] = [
    (&["dev", "pts"], Sort::Directory),
    (&["dev", "shm"], Sort::Directory),
    (&["dev", "console"], Sort::File),
    (&["proc"], Sort::Directory),
    (&["sys"], Sort::Directory),
    (&[".dockerenv"], Sort::File),
    (&["etc", "resolv.conf"], Sort::File),
    (&["etc", "hosts"], Sort::File),
    (&["etc", "hostname"], Sort::File),
    (&["etc", "mtab"], Sort::Link("/proc/mounts")),
];

/// Makes them in a root directory. What is in their way and no directory is removed; no link is followed.
pub(crate) fn create(root: BorrowedFd<'_>) -> Result<()> {
    for (path, sort) in &POINTS {
        let doing = || format!("preparing /{}", path.join("/"));
        let mut current: OwnedFd = rustix::io::dup(root).doing(doing)?;
        let (name, parents) = path.split_last().unwrap_or((&"", &[]));
        for parent in parents {
            current = directory(current.as_fd(), parent).doing(doing)?;
        }
        match sort {
            Sort::Directory => drop(directory(current.as_fd(), name).doing(doing)?),
            Sort::File => {
                clear(current.as_fd(), name).doing(doing)?;
                let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                match openat(&current, *name, flags, Mode::from_raw_mode(0o755)) {
                    // A directory there is left alone: mounting a file on it fails later, with a sentence.
                    Ok(_) | Err(Errno::ISDIR) => {}
                    Err(error) => return Err(error).doing(doing),
                }
            }
            Sort::Link(target) => {
                clear(current.as_fd(), name).doing(doing)?;
                match symlinkat(*target, &current, *name) {
                    Ok(()) | Err(Errno::EXIST) => {}
                    Err(error) => return Err(error).doing(doing),
                }
            }
        }
    }
    Ok(())
}

fn directory(parent: BorrowedFd<'_>, name: &str) -> std::result::Result<OwnedFd, Errno> {
    clear(parent, name)?;
    match mkdirat(parent, name, Mode::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error),
    }
    openat(
        parent,
        name,
        OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
        Mode::empty(),
    )
}

/// Removes what is no directory.
fn clear(parent: BorrowedFd<'_>, name: &str) -> std::result::Result<(), Errno> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT | Errno::ISDIR | Errno::PERM) => Ok(()),
        Err(error) => Err(error),
    }
}
