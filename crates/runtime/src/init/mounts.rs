//! Mounts below the root.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, fstat, fstatfs};

use super::destination::{self, Missing, Place};
use super::rootfs::root_of;
use super::{InitContext, cgroup_mount, detached};
use crate::error::{During, Error, Result};
use crate::plan::{FilesystemMount, Mount, MountSource, Propagation};
use crate::wire::Prepared;

/// Magic number of procfs.
const PROC: i64 = 0x9fa0;

pub(super) fn mount_all(context: &mut InitContext) -> Result<()> {
    let mounts = std::mem::take(&mut context.plan.mounts);
    for (index, mount) in mounts.iter().enumerate() {
        let prepared = context.prepared.iter().position(|(what, _)| *what == Prepared::Mount(index));
        let prepared = prepared.map(|position| context.prepared.swap_remove(position).1);
        mount_one(context, mount, prepared).map_err(|error| explain(mount, error))?;
    }
    Ok(())
}

fn explain(mount: &Mount, error: Error) -> Error {
    match error {
        Error::System { what, source } => {
            Error::System { what: format!("error mounting to {:?}: {what}", mount.destination), source }
        }
        other => other,
    }
}

fn mount_one(context: &InitContext, mount: &Mount, prepared: Option<OwnedFd>) -> Result<()> {
    let root = root_of(context)?;
    match &mount.source {
        MountSource::Cgroup => cgroup_mount::mount(context, mount),
        MountSource::Bind { path, recursive } => {
            let ready = match prepared {
                Some(ready) => ready,
                None => bind(mount, path, *recursive)?,
            };
            let missing = if is_directory(ready.as_fd())? { Missing::Directory } else { Missing::File };
            let place = destination::find_or_make(root, &mount.destination, missing)?;
            check_proc(root, mount, place.fd.as_fd(), Some(ready.as_fd()))?;
            finish(mount, ready, &place)
        }
        MountSource::Filesystem(filesystem) => {
            let place = destination::find_or_make(root, &mount.destination, Missing::Directory)?;
            check_proc(root, mount, place.fd.as_fd(), None)?;
            if matches!(filesystem.kind.as_str(), "proc" | "sysfs") {
                require_plain_directory(root, mount, &place)?;
            }
            let ready = make_filesystem(mount, filesystem, &place)?;
            if mount.copy_up {
                copy_up(place.fd.as_fd(), ready.as_fd())?;
            }
            finish(mount, ready, &place)
        }
    }
}

/// The bind as a detached mount with its attributes.
pub(super) fn bind(mount: &Mount, path: &std::path::Path, recursive: bool) -> Result<OwnedFd> {
    let ready = detached::bind(path, recursive)?;
    detached::change(ready.as_fd(), false, mount.attributes).during(|| "set the attributes of the mount")?;
    detached::change(ready.as_fd(), true, mount.recursive_attributes)
        .during(|| "set the attributes of the mount and those below")?;
    Ok(ready)
}

fn make_filesystem(mount: &Mount, filesystem: &FilesystemMount, place: &Place) -> Result<OwnedFd> {
    let what = || format!("mount {:?}", filesystem.kind);
    // A tmpfs takes the place's permissions over, unless it says its own.
    let own_mode = filesystem.options.iter().any(|option| option.starts_with("mode="));
    let mut more = Vec::new();
    if filesystem.kind == "tmpfs" && !own_mode && !place.made {
        more.push(format!("mode={:o}", fstat(&place.fd).during(what)?.st_mode & 0o7777));
    }
    let made = match detached::filesystem(filesystem, mount.attributes.set, &more) {
        // sysfs belongs to the network namespace: when that is somebody else's, show the host's.
        Err(rustix::io::Errno::PERM) if filesystem.kind == "sysfs" => {
            let copy = detached::bind(std::path::Path::new("/sys"), true)?;
            detached::change(copy.as_fd(), true, mount.attributes).during(what)?;
            return Ok(copy);
        }
        other => other.during(what)?,
    };
    detached::change(made.as_fd(), true, mount.recursive_attributes).during(what)?;
    Ok(made)
}

/// Attaches the mount and sets how events travel; that needs it attached, as its peers may change by it.
fn finish(mount: &Mount, ready: OwnedFd, place: &Place) -> Result<()> {
    detached::attach(ready.as_fd(), place.fd.as_fd()).during(|| "attach the mount")?;
    for propagation in &mount.propagation {
        set_propagation(ready.as_fd(), *propagation)?;
    }
    Ok(())
}

fn set_propagation(mount: BorrowedFd<'_>, propagation: Propagation) -> Result<()> {
    detached::propagate(mount, propagation).during(|| "set the propagation of the mount")
}

pub(super) fn is_directory(fd: BorrowedFd<'_>) -> Result<bool> {
    let status = fstat(fd).during(|| "examine the source of the mount")?;
    Ok(FileType::from_raw_mode(status.st_mode) == FileType::Directory)
}

/// A link in the place of /proc or /sys would put the real one elsewhere, and what protects it with it
/// (CVE-2019-16884, CVE-2023-27561, CVE-2023-28642).
fn require_plain_directory(root: BorrowedFd<'_>, mount: &Mount, place: &Place) -> Result<()> {
    let plain = destination::find_without_links(root, &mount.destination);
    if plain.is_ok_and(|plain| destination::same(plain.as_fd(), place.fd.as_fd())) {
        return Ok(());
    }
    Err(Error::Invalid(format!(
        "filesystem at {:?} must be mounted on an ordinary directory, and a link is there",
        mount.destination
    )))
}

/// Files of procfs that may be covered: they only inform (lxcfs covers them).
const COVERED: [&str; 11] = [
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/net/dev",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
];

/// Nothing but procfs may be mounted on /proc, and nothing inside it, however the path leads there: the runtime
/// and the tools of the image trust what they read there.
fn check_proc(
    root: BorrowedFd<'_>,
    mount: &Mount,
    place: BorrowedFd<'_>,
    source: Option<BorrowedFd<'_>>,
) -> Result<()> {
    let is_proc = |fd: BorrowedFd<'_>| fstatfs(fd).is_ok_and(|found| found.f_type == PROC);
    let source_is_proc = match &mount.source {
        MountSource::Filesystem(filesystem) => filesystem.kind == "proc",
        _ => source.is_some_and(is_proc),
    };
    if destination::is_plain_entry(root, "proc", place) {
        if source_is_proc {
            return Ok(());
        }
        return Err(Error::Invalid(format!(
            "{:?} cannot be mounted because it is not of type proc",
            mount.destination
        )));
    }
    if !is_proc(place) || COVERED.contains(&mount.destination.trim_end_matches('/')) {
        return Ok(());
    }
    Err(Error::Invalid(format!("{:?} cannot be mounted because it is inside /proc", mount.destination)))
}

/// Copies what the image holds at a place into the new tmpfs.
fn copy_up(from: BorrowedFd<'_>, to: BorrowedFd<'_>) -> Result<()> {
    use rustix::fs::{Dir, Mode, OFlags, openat, readlinkat, symlinkat};
    let what = || "copy the image's files into the tmpfs";
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let source = openat(from, ".", flags, Mode::empty()).during(what)?;
    let target = openat(to, ".", flags, Mode::empty()).during(what)?;
    for entry in Dir::read_from(&source).during(what)? {
        let entry = entry.during(what)?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        let open = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match entry.file_type() {
            FileType::Directory => {
                let below = openat(&source, name, open | OFlags::DIRECTORY, Mode::empty()).during(what)?;
                let status = fstat(&below).during(what)?;
                rustix::fs::mkdirat(&target, name, Mode::from_raw_mode(status.st_mode)).during(what)?;
                let made = openat(&target, name, flags | OFlags::NOFOLLOW, Mode::empty()).during(what)?;
                same_owner(made.as_fd(), &status)?;
                copy_up(below.as_fd(), made.as_fd())?;
            }
            FileType::RegularFile => {
                let file = openat(&source, name, open, Mode::empty()).during(what)?;
                let status = fstat(&file).during(what)?;
                let create = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
                let copy = openat(&target, name, create, Mode::from_raw_mode(0o600)).during(what)?;
                let mut copy = std::fs::File::from(copy);
                std::io::copy(&mut std::fs::File::from(file), &mut copy).during(what)?;
                same_owner(copy.as_fd(), &status)?;
            }
            FileType::Symlink => {
                let text = readlinkat(&source, name, Vec::new()).during(what)?;
                symlinkat(text, &target, name).during(what)?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn same_owner(fd: BorrowedFd<'_>, status: &rustix::fs::Stat) -> Result<()> {
    use rustix::fs::{Gid, Mode, Uid, fchmod, fchown};
    let what = || "copy the image's files into the tmpfs";
    fchown(fd, Some(Uid::from_raw(status.st_uid)), Some(Gid::from_raw(status.st_gid))).during(what)?;
    fchmod(fd, Mode::from_raw_mode(status.st_mode & 0o7777)).during(what)
}
