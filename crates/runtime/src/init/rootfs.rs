//! The root file system: mounting it, and making it `/`.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, open, openat};
use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_change, unmount};
use rustix::process::{chdir, fchdir, pivot_root};
use sampan_sys::mount::attribute;

use super::destination::{self, Missing};
use super::{InitContext, detached};
use crate::error::{During, Error, Result};
use crate::plan::{AttributeChange, NamespaceKind, Plan, Propagation, RootMount};
use crate::wire::Prepared;

/// Decides what mounts of the host do in here. By default they arrive, and nothing travels back.
pub(super) fn set_propagation(context: &mut InitContext) -> Result<()> {
    if !context.plan.has_new(NamespaceKind::Mount) {
        return Ok(());
    }
    // What cannot be bound cannot become the container's root: that propagation is set at the end only.
    let wanted = context.plan.root.propagation.filter(|wanted| wanted.flag != Propagation::UNBINDABLE);
    let wanted = wanted.unwrap_or(Propagation { flag: Propagation::SLAVE, recursive: true });
    change_root(wanted, "set the propagation of the mount namespace")
}

fn change_root(propagation: Propagation, what: &str) -> Result<()> {
    let mut flags = MountPropagationFlags::from_bits_retain(propagation.flag as u32);
    if propagation.recursive {
        flags |= MountPropagationFlags::REC;
    }
    mount_change("/", flags).during(|| what)
}

/// The root as a detached mount.
pub(super) fn detached_root(plan: &Plan) -> Result<OwnedFd> {
    match &plan.root.mount {
        RootMount::Bind { source, readonly } => {
            let mount = detached::bind(source, true)?;
            if *readonly {
                let change = AttributeChange { set: attribute::READ_ONLY, clear: 0 };
                detached::change(mount.as_fd(), false, change).during(|| "make the root read-only")?;
            }
            Ok(mount)
        }
        RootMount::Overlay { lower, upper, work, options, readonly } => {
            detached::overlay(&detached::Overlay {
                lower,
                upper: upper.as_deref(),
                work: work.as_deref(),
                options,
                attributes: if *readonly { attribute::READ_ONLY } else { 0 },
            })
        }
        RootMount::Spec => Err(Error::Invalid("the plan does not say where the root is".into())),
    }
}

/// A directory of the host on which the root can be attached; only this mount namespace sees it.
fn attach_point(plan: &Plan) -> Option<PathBuf> {
    match &plan.root.mount {
        RootMount::Bind { source, .. } => Some(source.clone()),
        RootMount::Overlay { lower, upper, .. } => upper.clone().or_else(|| lower.first().cloned()),
        RootMount::Spec => None,
    }
}

pub(super) fn mount(context: &mut InitContext) -> Result<()> {
    if !context.plan.has(NamespaceKind::Mount) {
        return Err(Error::Unsupported("a container without a mount namespace of its own".into()));
    }
    let prepared = context.prepared.iter().position(|(what, _)| *what == Prepared::Root);
    let (root, place) = match prepared {
        // The paths of the host may be closed to this user namespace; any directory will do.
        Some(index) => (context.prepared.swap_remove(index).1, PathBuf::from("/proc")),
        None => {
            let place = attach_point(&context.plan)
                .ok_or_else(|| Error::Invalid("the plan does not say where the root is".into()))?;
            (detached_root(&context.plan)?, place)
        }
    };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let place_fd = open(&place, flags, Mode::empty()).during(|| format!("open {}", place.display()))?;
    if context.plan.root.propagation.is_some_and(|propagation| propagation.flag == Propagation::SHARED) {
        make_mount_of_private(place_fd.as_fd(), &place)?;
        let private = Propagation { flag: Propagation::PRIVATE, recursive: false };
        detached::propagate(root.as_fd(), private).during(|| "make the container's root private")?;
    }
    detached::attach(root.as_fd(), place_fd.as_fd())
        .during(|| format!("attach the container's root at {}", place.display()))?;
    context.root = Some(root);
    Ok(())
}

/// pivot_root(2) refuses a root whose parent mount is shared, and an attachment there would be seen on the host.
fn make_mount_of_private(place: BorrowedFd<'_>, path: &Path) -> Result<()> {
    use rustix::fs::{AtFlags, StatxFlags, statx};
    /// `STATX_ATTR_MOUNT_ROOT`
    const MOUNT_ROOT: u64 = 0x2000;
    let mut at = openat(place, ".", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        .during(|| format!("open {}", path.display()))?;
    loop {
        let status = statx(&at, "", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
            .during(|| format!("find the mount of {}", path.display()))?;
        if status.stx_attributes.bits() & MOUNT_ROOT != 0 {
            let private = Propagation { flag: Propagation::PRIVATE, recursive: false };
            return detached::propagate(at.as_fd(), private)
                .during(|| format!("make the mount of {} private", path.display()));
        }
        at = openat(&at, "..", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .during(|| format!("find the mount of {}", path.display()))?;
    }
}

/// The container's root as a descriptor.
pub(super) fn root_of(context: &InitContext) -> Result<BorrowedFd<'_>> {
    context
        .root
        .as_ref()
        .map(AsFd::as_fd)
        .ok_or_else(|| Error::Protocol("the root is not mounted yet".into()))
}

pub(super) fn make_working_directory(context: &mut InitContext) -> Result<()> {
    let directory = &context.process.process.cwd;
    if context.process.process.create_cwd && directory != "/" {
        // What is there and no directory is reported when it is entered.
        match destination::find_or_make(root_of(context)?, directory, Missing::Directory) {
            Ok(_) => {}
            Err(error) if error.errno() == Some(20) => {}
            // A read-only root cannot take a new directory: the same report comes later.
            Err(error) if error.errno() == Some(30) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes the root `/`, and gives up the host's.
pub(super) fn pivot(context: &mut InitContext) -> Result<()> {
    let root = context.root.take().ok_or_else(|| Error::Protocol("the root is not mounted yet".into()))?;
    let old = open("/", OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .during(|| "open the host's root")?;
    fchdir(&root).during(|| "enter the container's root")?;
    if context.plan.root.pivot {
        pivot_root(".", ".").during(|| "pivot into the container's root")?;
        // Both roots are at the same place now, the old one on top; take it off without telling the host.
        fchdir(&old).during(|| "return to the host's root")?;
        mount_change(".", MountPropagationFlags::DOWNSTREAM | MountPropagationFlags::REC)
            .during(|| "cut the host's mounts off")?;
        unmount(".", UnmountFlags::DETACH).during(|| "unmount the host's root")?;
    } else {
        move_root()?;
    }
    drop(old);
    chdir("/").during(|| "enter the container's root")?;
    if let Some(propagation) = context.plan.root.propagation {
        change_root(propagation, "set the propagation of the container's root")?;
    }
    if context.plan.root.readonly {
        let new = openat(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
            .during(|| "open the container's root")?;
        let change = AttributeChange { set: attribute::READ_ONLY, clear: 0 };
        detached::change(new.as_fd(), false, change).during(|| "make the root read-only")?;
    }
    Ok(())
}

/// Without pivot_root(2): the mount at the working directory is moved over `/`.
fn move_root() -> Result<()> {
    rustix::mount::mount_move(".", "/").during(|| "move the container's root to /")?;
    rustix::process::chroot(".").during(|| "change the root to the container's")
}
