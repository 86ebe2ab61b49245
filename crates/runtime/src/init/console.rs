//! The container's terminal.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags, fstat, fstatfs, openat};
use sampan_sys::terminal::Pair;

use super::process::ProcessContext;
use super::rootfs::root_of;
use super::{InitContext, destination, detached};
use crate::error::{During, Error, Result};

/// Magic number of devpts.
const DEVPTS: i64 = 0x1cd1;

/// Opens a terminal of the container's own devpts and shows it as /dev/console.
pub(super) fn open_pair(root: BorrowedFd<'_>, context: &mut ProcessContext) -> Result<Option<OwnedFd>> {
    let Some(terminal) = context.process.terminal else { return Ok(None) };
    let what = || "open a terminal in the container's /dev/pts";
    let pts = destination::find_without_links(root, "/dev/pts").during(what)?;
    if fstatfs(&pts).during(what)?.f_type as i64 != DEVPTS {
        return Err(Error::Invalid("the container has no devpts at /dev/pts, which a terminal needs".into()));
    }
    let Pair { master, peer } = sampan_sys::terminal::open_pair(pts.as_fd(), "ptmx").during(what)?;
    if terminal.rows > 0 && terminal.columns > 0 {
        sampan_sys::terminal::set_size(&master, terminal.rows, terminal.columns)
            .during(|| "set the size of the terminal")?;
    }
    context.master = Some(master);
    Ok(Some(peer))
}

/// Step of a new container.
pub(super) fn open(context: &mut InitContext) -> Result<()> {
    let root = root_of(context)?.try_clone_to_owned().during(|| "copy the root's descriptor")?;
    let Some(peer) = open_pair(root.as_fd(), &mut context.process)? else { return Ok(()) };
    show_as_console(root.as_fd(), peer.as_fd())?;
    set_stdio(&mut context.process, peer)
}

/// For an added process: a terminal, and the console stays the first process's.
pub(super) fn open_inside(context: &mut ProcessContext) -> Result<()> {
    let root = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .during(|| "open the container's root")?;
    match open_pair(root.as_fd(), context)? {
        None => Ok(()),
        Some(peer) => set_stdio(context, peer),
    }
}

fn set_stdio(context: &mut ProcessContext, peer: OwnedFd) -> Result<()> {
    let copy = || peer.try_clone().during(|| "copy the terminal's descriptor");
    context.stdio = Some([copy()?, copy()?, peer]);
    Ok(())
}

/// Binds the terminal over /dev/console. That must be a plain file or device of its own: a link would put
/// the terminal somewhere else (CVE-2025-52565).
fn show_as_console(root: BorrowedFd<'_>, peer: BorrowedFd<'_>) -> Result<()> {
    let what = || "show the terminal as /dev/console";
    let dev = destination::find_without_links(root, "/dev").during(what)?;
    let create = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::WRONLY | OFlags::CLOEXEC;
    match openat(&dev, "console", create, Mode::from_raw_mode(0o600)) {
        Ok(_) | Err(rustix::io::Errno::EXIST) => {}
        Err(error) => return Err(Error::system(what(), error)),
    }
    let place = openat(&dev, "console", OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .during(what)?;
    let kind = FileType::from_raw_mode(fstat(&place).during(what)?.st_mode);
    if !matches!(kind, FileType::RegularFile | FileType::CharacterDevice) {
        return Err(Error::Invalid("the container's /dev/console is neither a file nor a device".into()));
    }
    let mount = detached::bind_descriptor(peer, false).during(what)?;
    detached::attach(mount.as_fd(), place.as_fd()).during(what)
}

/// Puts the standard descriptors in place; with a terminal the process leads a session that it controls.
pub(super) fn attach(context: &mut ProcessContext) -> Result<()> {
    // Without a terminal a session of its own as well: no key pressed at the host's terminal reaches it.
    let _ = rustix::process::setsid();
    let Some(stdio) = context.stdio.take() else { return Ok(()) };
    for (number, fd) in stdio.iter().enumerate() {
        sampan_sys::descriptor::place_at(fd.as_fd(), number as i32)
            .during(|| "put the standard descriptors in place")?;
    }
    if context.process.terminal.is_some() {
        sampan_sys::terminal::make_controlling(rustix::stdio::stdin())
            .during(|| "make the terminal the controlling one")?;
    }
    Ok(())
}
