//! Mounts that are not attached anywhere yet: binds, file systems, overlays, as descriptors.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags};
use rustix::io::Errno;
use rustix::mount::{
    FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags, OpenTreeFlags, fsconfig_create,
    fsconfig_set_fd, fsconfig_set_flag, fsconfig_set_string, fsmount, fsopen, move_mount, open_tree,
};
use sampan_sys::mount::{AttributeChange, set_attributes};

use crate::error::{During, Error, Result};
use crate::plan::{FilesystemMount, Propagation};

/// A copy of the mount tree at a path of the host, detached.
pub(super) fn bind(path: &Path, recursive: bool) -> Result<OwnedFd> {
    open_tree(CWD, path, clone_flags(recursive)).map_err(|error| missing_source(path, error))
}

fn missing_source(path: &Path, error: Errno) -> Error {
    Error::system(format!("bind mount {}", path.display()), error)
}

/// A copy of the mount at what a descriptor refers to, detached.
pub(super) fn bind_descriptor(fd: BorrowedFd<'_>, recursive: bool) -> Result<OwnedFd, Errno> {
    open_tree(fd, "", clone_flags(recursive) | OpenTreeFlags::AT_EMPTY_PATH)
}

fn clone_flags(recursive: bool) -> OpenTreeFlags {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    if recursive { flags | OpenTreeFlags::AT_RECURSIVE } else { flags }
}

/// A new file system, detached, with `attributes` (of `sampan_sys::mount::attribute`).
pub(super) fn filesystem(
    mount: &FilesystemMount,
    attributes: u64,
    more: &[String],
) -> Result<OwnedFd, Errno> {
    let context = fsopen(mount.kind.as_str(), FsOpenFlags::FSOPEN_CLOEXEC)?;
    if !mount.source.is_empty() {
        fsconfig_set_string(context.as_fd(), "source", mount.source.as_str())?;
    }
    for option in mount.options.iter().chain(more) {
        set_option(context.as_fd(), option)?;
    }
    fsconfig_create(context.as_fd())?;
    let attributes = MountAttrFlags::from_bits_retain(attributes as u32);
    fsmount(context.as_fd(), FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn set_option(context: BorrowedFd<'_>, option: &str) -> Result<(), Errno> {
    match option.split_once('=') {
        Some((name, value)) => fsconfig_set_string(context, name, value),
        None => fsconfig_set_flag(context, option),
    }
}

/// Attaches a detached mount to the place behind a descriptor.
pub(super) fn attach(mount: BorrowedFd<'_>, place: BorrowedFd<'_>) -> Result<(), Errno> {
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    move_mount(mount, "", place, "", flags)
}

/// Changes attributes of a mount, and with `recursive` of all below it.
pub(super) fn change(
    mount: BorrowedFd<'_>,
    recursive: bool,
    change: crate::plan::AttributeChange,
) -> Result<(), std::io::Error> {
    if change.is_empty() {
        return Ok(());
    }
    let change = AttributeChange { set: change.set, clear: change.clear, ..AttributeChange::default() };
    set_attributes(mount, c"", recursive, &change)
}

/// Sets how events travel to and from a mount.
pub(super) fn propagate(mount: BorrowedFd<'_>, propagation: Propagation) -> Result<(), std::io::Error> {
    let change = AttributeChange { propagation: propagation.flag, ..AttributeChange::default() };
    set_attributes(mount, c"", propagation.recursive, &change)
}

/// The parts of an overlay.
#[derive(Debug)]
pub(super) struct Overlay<'a> {
    /// Lower directories, topmost first.
    pub(super) lower: &'a [PathBuf],
    /// Upper directory.
    pub(super) upper: Option<&'a Path>,
    /// Work directory.
    pub(super) work: Option<&'a Path>,
    /// Further options.
    pub(super) options: &'a [String],
    /// Attributes of the mount.
    pub(super) attributes: u64,
}

/// The directories of an overlay, opened: from here on no path of theirs matters any more.
struct Layers {
    lower: Vec<OwnedFd>,
    upper: Option<OwnedFd>,
    work: Option<OwnedFd>,
}

/// How a kernel takes the directories of an overlay.
#[derive(Clone, Copy)]
enum Style {
    /// By descriptor (Linux 6.13).
    Descriptors,
    /// One by one, by a path to the descriptor (Linux 6.8).
    Paths,
    /// All lower ones in one option, by paths to the descriptors.
    Joined,
}

/// A new overlay, detached. Any number of layers, wherever they are: nothing depends on the length of paths.
pub(super) fn overlay(overlay: &Overlay<'_>) -> Result<OwnedFd> {
    let layers = open_layers(overlay)?;
    // A kernel that does not know a style may refuse a parameter of it, or only the whole at the end. What is
    // wrong for another reason fails in the last style too, and that failure is the one to tell.
    try_overlay(overlay, &layers, Style::Descriptors)
        .or_else(|_| try_overlay(overlay, &layers, Style::Paths))
        .or_else(|_| try_overlay(overlay, &layers, Style::Joined))
        .or_else(|_| classic_overlay(overlay, &layers))
        .map_err(|error| overlay_failure(overlay, error))
}

fn overlay_failure(overlay: &Overlay<'_>, error: Errno) -> Error {
    Error::system(format!("mount an overlay of {} layers", overlay.lower.len()), error)
}

fn open_layers(overlay: &Overlay<'_>) -> Result<Layers> {
    let open = |path: &Path| {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::empty()).during(|| format!("open the layer {}", path.display()))
    };
    Ok(Layers {
        lower: overlay.lower.iter().map(|path| open(path)).collect::<Result<_>>()?,
        upper: overlay.upper.map(open).transpose()?,
        work: overlay.work.map(open).transpose()?,
    })
}

fn try_overlay(overlay: &Overlay<'_>, layers: &Layers, style: Style) -> Result<OwnedFd, Errno> {
    let context = fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC)?;
    let context = context.as_fd();
    fsconfig_set_string(context, "source", "overlay")?;
    let directory = |name: &str, fd: &OwnedFd| match style {
        Style::Descriptors => fsconfig_set_fd(context, name, fd),
        _ => fsconfig_set_string(context, name, sampan_sys::descriptor::proc_path(fd)),
    };
    if let Style::Joined = style {
        fsconfig_set_string(context, "lowerdir", joined(&layers.lower))?;
    } else {
        for fd in &layers.lower {
            directory("lowerdir+", fd)?;
        }
    }
    for (name, fd) in [("upperdir", &layers.upper), ("workdir", &layers.work)] {
        if let Some(fd) = fd {
            directory(name, fd)?;
        }
    }
    for option in overlay.options {
        set_option(context, option)?;
    }
    fsconfig_create(context)?;
    let attributes = MountAttrFlags::from_bits_retain(overlay.attributes as u32);
    fsmount(context, FsMountFlags::FSMOUNT_CLOEXEC, attributes)
}

fn joined(lower: &[OwnedFd]) -> String {
    let paths: Vec<String> =
        lower.iter().map(|fd| sampan_sys::descriptor::proc_path(fd).display().to_string()).collect();
    paths.join(":")
}

/// mount(2) takes a page of options, an fsconfig(2) string 255 bytes. The mount is taken off again at once
/// from where it must be attached; a copy stays.
fn classic_overlay(overlay: &Overlay<'_>, layers: &Layers) -> Result<OwnedFd, Errno> {
    let mut data = format!("lowerdir={}", joined(&layers.lower));
    for (name, fd) in [("upperdir", &layers.upper), ("workdir", &layers.work)] {
        if let Some(fd) = fd {
            data.push_str(&format!(",{name}={}", sampan_sys::descriptor::proc_path(fd).display()));
        }
    }
    for option in overlay.options {
        data.push(',');
        data.push_str(option);
    }
    let place = layers.work.as_ref().or(layers.lower.first()).ok_or(Errno::INVAL)?;
    let place = sampan_sys::descriptor::proc_path(place);
    let data = std::ffi::CString::new(data).map_err(|_| Errno::INVAL)?;
    rustix::mount::mount("overlay", &place, "overlay", rustix::mount::MountFlags::empty(), data.as_c_str())?;
    let path = overlay.work.or(overlay.lower.first().map(PathBuf::as_path)).ok_or(Errno::INVAL)?;
    let copy = open_tree(CWD, path, clone_flags(false));
    rustix::mount::unmount(path, rustix::mount::UnmountFlags::DETACH)?;
    let copy = copy?;
    let attributes = crate::plan::AttributeChange { set: overlay.attributes, clear: 0 };
    change(copy.as_fd(), false, attributes)
        .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL))?;
    Ok(copy)
}
