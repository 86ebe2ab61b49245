//! Files of a container: `cp`, `diff`, `export`. A running container is seen through its init's root, a
//! stopped one through a detached mount; both are descriptors, and every path is resolved below them.

use super::container::Container;
use super::{ChangeKind, CopyInto, MountRecordKind, PathChange, PathStat};
use crate::Engine;
use crate::error::Error;
use crate::stream::{self, ByteStream};
use sampan_error::{Context, Result};
use sampan_storage::archive;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Engine {
    /// What differs from the image, as `docker diff` shows it.
    ///
    /// # Errors
    /// No such container, or its layer cannot be read.
    pub async fn changes(&self, reference: &str) -> Result<Vec<PathChange>> {
        self.recovered().await;
        let id = self.container(reference)?.id.clone();
        let engine = self.clone();
        crate::blocking(move || {
            let changes = engine.inner.storage.changes(&id)?;
            Ok(changes
                .into_iter()
                .map(|change| PathChange {
                    path: change.path.display().to_string(),
                    kind: match change.kind {
                        sampan_storage::ChangeKind::Modified => ChangeKind::Modified,
                        sampan_storage::ChangeKind::Added => ChangeKind::Added,
                        sampan_storage::ChangeKind::Deleted => ChangeKind::Deleted,
                    },
                })
                .collect())
        })
        .await
    }

    /// The whole file system as a tar stream.
    ///
    /// # Errors
    /// No such container, or its file system cannot be seen.
    pub async fn export(&self, reference: &str) -> Result<ByteStream> {
        self.recovered().await;
        let container = self.container(reference)?;
        let id = container.id.clone();
        let engine = self.clone();
        // Volumes are no part of an export, so the layer is looked at from outside even while it runs.
        let root = crate::blocking(move || {
            if container.record().is_running() {
                engine.root_of(&container)
            } else {
                Ok(engine.inner.storage.mount_detached(&id)?)
            }
        })
        .await?;
        self.container_event(&self.container(reference)?.record(), "export", &[]);
        Ok(stream::produce(move |out| Ok(archive::export(root.as_fd(), out)?)))
    }

    /// What a path is.
    ///
    /// # Errors
    /// No such container, no such path.
    pub async fn archive_stat(&self, reference: &str, path: &str) -> Result<PathStat> {
        self.recovered().await;
        let container = self.container(reference)?;
        let (engine, reference, path) = (self.clone(), reference.to_owned(), path.to_owned());
        crate::blocking(move || {
            let (root, inside) = engine.locate(&container, Path::new(&path))?;
            stat(&reference, &root, &inside, &path)
        })
        .await
    }

    /// A path as a tar stream, with what it is.
    ///
    /// # Errors
    /// No such container, no such path.
    pub async fn archive_get(&self, reference: &str, path: &str) -> Result<(PathStat, ByteStream)> {
        self.recovered().await;
        let container = self.container(reference)?;
        let record = container.record();
        let (engine, reference, path) = (self.clone(), reference.to_owned(), path.to_owned());
        let (found, root, inside) = crate::blocking(move || {
            let (root, inside) = engine.locate(&container, Path::new(&path))?;
            Ok((stat(&reference, &root, &inside, &path)?, root, inside))
        })
        .await?;
        self.container_event(&record, "archive-path", &[]);
        Ok((found, stream::produce(move |out| Ok(archive::read(root.as_fd(), &inside, out)?))))
    }

    /// Unpacks a tar stream into a directory of the container.
    ///
    /// # Errors
    /// No such container, no such directory, a read-only file system, a broken archive.
    pub async fn archive_put(&self, reference: &str, into: CopyInto, body: ByteStream) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        let record = container.record();
        if record.spec.host.read_only_rootfs
            && !record.mounts.iter().any(|mount| mount.writable && into.path.starts_with(&mount.target))
        {
            return Err(Error::Conflict("container rootfs is marked read-only".into()).into());
        }
        let mut reader = stream::reader(body);
        let (engine, reference) = (self.clone(), reference.to_owned());
        crate::blocking(move || {
            let (root, inside) = engine.locate(&container, &into.path)?;
            let options = archive::WriteOptions {
                no_overwrite_dir_non_dir: into.no_overwrite_dir_non_dir,
                copy_uid_gid: into.copy_uid_gid,
            };
            archive::write(root.as_fd(), &inside, &mut reader, &options)
                .map_err(|error| named(&reference, &into.path, error.into()))
        })
        .await?;
        self.container_event(&record, "extract-to-dir", &[]);
        Ok(())
    }

    /// Where a path of a container is found: a root directory and the path below it. While it runs that is
    /// its own root; while it does not, its layers, or the volume or bind in which the path lies.
    fn locate(&self, container: &Arc<Container>, path: &Path) -> Result<(OwnedFd, PathBuf)> {
        let record = container.record();
        let mount = record
            .mounts
            .iter()
            .filter(|mount| matches!(mount.kind, MountRecordKind::Volume | MountRecordKind::Bind))
            .filter(|mount| path.starts_with(&mount.target) && path != Path::new(&mount.target))
            .max_by_key(|mount| mount.target.len());
        let Some(mount) = mount.filter(|_| !record.is_running()) else {
            return Ok((self.root_of(container)?, path.to_owned()));
        };
        let source = match mount.kind {
            MountRecordKind::Volume => self.volume_path(&mount.name, &mount.subpath)?,
            _ => PathBuf::from(&mount.source),
        };
        let inside = path.strip_prefix(&mount.target).unwrap_or(path);
        Ok((open_directory(&source)?, Path::new("/").join(inside)))
    }

    /// The root directory of a container: its own while it runs, else its layers.
    pub(crate) fn root_of(&self, container: &Arc<Container>) -> Result<OwnedFd> {
        let record = container.record();
        if record.is_running() {
            let root = format!("/proc/{}/root", record.state.pid);
            return open_directory(Path::new(&root))
                .context(format!("cannot see the files of container {}", record.name));
        }
        Ok(self.inner.storage.mount_detached(&record.id)?)
    }
}

fn open_directory(path: &Path) -> Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(std::io::Error::from)
        .context(format!("cannot open {}", path.display()))
}

fn stat(reference: &str, root: &OwnedFd, path: &Path, asked: &str) -> Result<PathStat> {
    let found = archive::stat(root.as_fd(), path)
        .map_err(|error| named(reference, Path::new(asked), error.into()))?;
    Ok(PathStat {
        name: found.name,
        size: found.size.cast_signed(),
        mode: found.mode,
        modified: found.modified,
        link_target: found.link_target,
    })
}

/// A missing path in the words that clients know.
fn named(reference: &str, path: &Path, error: sampan_error::Error) -> sampan_error::Error {
    if error.kind() == sampan_error::Kind::NotFound {
        return Error::NotFound(format!(
            "Could not find the file {} in container {}",
            path.display(),
            reference
        ))
        .into();
    }
    error
}
