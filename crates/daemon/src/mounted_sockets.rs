//! Keeps our socket usable inside containers that have it mounted (`-v /run/sampan.sock:/var/run/docker.sock`).
//!
//! A bind mount of a socket file holds its inode, and a socket can be bound to an inode only once: the next
//! daemon's socket is another file of the same name, and the mounts of running containers would point at the
//! dead one for ever. So after a start each running container that mounts one of our sockets gets the new one
//! in its place: the new file is cloned as a mount of its own here, and attached in the container's mount
//! namespace over the old one. Mounts of a whole folder (`-v /run:/run`) need nothing of this, and neither
//! does a socket that systemd holds (`-H fd://`), whose file never changes.

use crate::listen::Made;
use rustix::mount::{MoveMountFlags, OpenTreeFlags, UnmountFlags, move_mount, open_tree, unmount};
use sampan_engine::Engine;
use sampan_engine::containers::{ListQuery, MountRecord, MountRecordKind};
use sampan_sys::mount::{AttributeChange, attribute, set_attributes};
use sampan_sys::namespace::{Namespaces, join_process, unshare};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};

/// One mount to renew.
struct Renewal {
    container: String,
    pid: i32,
    mount: MountRecord,
    socket: PathBuf,
}

/// Renews all mounts of our sockets in running containers. What fails is told in the log: that container
/// reaches us again when it is started again.
pub(crate) async fn renew(engine: &Engine, sockets: Vec<Made>) {
    let running = match engine.list(&ListQuery::default()).await {
        Ok(running) => running,
        Err(error) => {
            tracing::warn!(%error, "mounts of the API's socket in containers are not renewed");
            return;
        }
    };
    let mut renewals = Vec::new();
    for record in running.iter().filter(|record| record.state.pid > 0) {
        for mount in record.mounts.iter().filter(|mount| mount.kind == MountRecordKind::Bind) {
            let socket = sockets.iter().find(|made| is_same(&made.path, Path::new(&mount.source)));
            if let (Some(made), Ok(pid)) = (socket, i32::try_from(record.state.pid)) {
                renewals.push(Renewal {
                    container: record.name.clone(),
                    pid,
                    mount: mount.clone(),
                    socket: made.path.clone(),
                });
            }
        }
    }
    for renewal in renewals {
        // Each on a thread of its own, which ends in the container's namespace.
        let name = renewal.container.clone();
        let thread =
            std::thread::Builder::new().name("renew-socket".into()).spawn(move || renew_one(&renewal));
        let outcome = match thread {
            Ok(thread) => tokio::task::spawn_blocking(move || thread.join()).await,
            Err(error) => {
                tracing::warn!(%error, "mounts of the API's socket in containers are not renewed");
                return;
            }
        };
        match outcome {
            Ok(Ok(Ok(()))) => tracing::debug!(container = name, "the API's socket was mounted again"),
            Ok(Ok(Err(error))) => {
                tracing::warn!(container = name, %error, "the API's socket in this container is that of an earlier daemon");
            }
            _ => tracing::warn!(container = name, "mounting the API's socket again met a bug"),
        }
    }
}

/// Whether two paths name the same file of a folder, links such as `/var/run` resolved.
fn is_same(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        folder.zip(path.file_name()).map(|(folder, name)| folder.join(name))
    };
    one == other || resolved(one).zip(resolved(other)).is_some_and(|(one, other)| one == other)
}

fn renew_one(renewal: &Renewal) -> io::Result<()> {
    let process = sampan_sys::pidfd::open(renewal.pid)?;
    let socket = clone_mount(&renewal.socket)?;
    if !renewal.mount.writable {
        let change = AttributeChange { set: attribute::READ_ONLY, ..AttributeChange::default() };
        set_attributes(socket.as_fd(), c"", false, &change)?;
    }
    // A thread that shares its root directory with others cannot join a mount namespace; leaving for a copy
    // of ours first parts it from them.
    unshare(Namespaces::MOUNT)?;
    join_process(process.as_fd(), Namespaces::MOUNT)?;
    let target = renewal.mount.target.as_str();
    // The container may have unmounted it itself.
    let _ = unmount(target, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
    move_mount(socket.as_fd(), "", rustix::fs::CWD, target, MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH)?;
    Ok(())
}

fn clone_mount(path: &Path) -> io::Result<OwnedFd> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    Ok(open_tree(rustix::fs::CWD, path, flags)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_through_a_link_is_the_same() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().join("run");
        std::fs::create_dir(&real).expect("a folder");
        std::os::unix::fs::symlink(&real, folder.path().join("link")).expect("a link");
        assert!(is_same(&real.join("a.sock"), &folder.path().join("link/a.sock")));
        assert!(!is_same(&real.join("a.sock"), &real.join("b.sock")));
    }
}
