//! What backups need of an engine: where a container's files are, a moment in which they stand still, and places for
//! those that come back.

use crate::Engine;
use crate::containers::{ContainerRecord, MountRecordKind, Status};
use crate::error::Error;
use crate::volumes::VolumeRequest;
use sampan_error::{Context, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// A container's files.
#[derive(Debug, Clone)]
pub struct BackupParts {
    /// The container.
    pub record: Arc<ContainerRecord>,
    /// What it wrote beside its image.
    pub layer: PathBuf,
    /// Its volumes, each by name and place.
    pub volumes: Vec<(String, PathBuf)>,
    /// Volumes whose files are elsewhere (driver options).
    pub left_out: Vec<String>,
}

impl Engine {
    /// Where a container's own files and those of its volumes are.
    ///
    /// # Errors
    /// No such container; a storage driver that has no such place.
    pub async fn backup_parts(&self, reference: &str) -> Result<BackupParts> {
        self.recovered().await;
        let record = self.container(reference)?.record();
        let engine = self.clone();
        crate::blocking(move || {
            let layer = engine.layer_folder(&record.id)?;
            let (mut volumes, mut left_out) = (Vec::new(), Vec::new());
            for mount in record.mounts.iter().filter(|mount| mount.kind == MountRecordKind::Volume) {
                if engine.inner.volumes.needs_mount(&mount.name) {
                    left_out.push(mount.name.clone());
                } else {
                    volumes.push((mount.name.clone(), engine.inner.volumes.data(&mount.name)));
                }
            }
            volumes.dedup();
            Ok(BackupParts { record, layer, volumes, left_out })
        })
        .await
    }

    /// Where the files of a container's writable layer are. They may be changed only while it does not run.
    ///
    /// # Errors
    /// No such container; a storage driver that has no such place.
    pub fn layer_folder(&self, id: &str) -> Result<PathBuf> {
        let data = self.inner.storage.inspect_data(id)?;
        let upper = data.into_iter().find(|(name, _)| name == "UpperDir");
        upper.map(|(_, path)| PathBuf::from(path)).ok_or_else(|| {
            Error::Invalid(
                "this storage driver keeps no changes of its own: only overlay can be backed up".into(),
            )
            .into()
        })
    }

    /// Lets a container stand still; false when it does not run or somebody else froze it. Call [`Engine::thaw_after`] then.
    ///
    /// # Errors
    /// No such container; the kernel's refusal.
    pub async fn freeze_for(&self, reference: &str) -> Result<bool> {
        let container = self.container(reference)?;
        if container.record().state.status != Status::Running {
            return Ok(false);
        }
        let cgroup = self.cgroup(&container.record())?;
        match crate::blocking(move || Ok(cgroup.freeze()?)).await {
            Ok(()) => Ok(true),
            // It ended in this moment.
            Err(_) if !container.record().is_running() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets it go on.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub async fn thaw_after(&self, reference: &str) -> Result<()> {
        let container = self.container(reference)?;
        self.thaw(&container).await
    }

    /// A volume for files that come back, with its place: of this name if there is none yet, else of another one.
    ///
    /// # Errors
    /// A bad name.
    pub async fn volume_for(&self, name: &str, other: &str) -> Result<(String, PathBuf)> {
        let name = if self.inner.volumes.get(name).is_ok() { other } else { name };
        if self.inner.volumes.get(name).is_ok() {
            return Err(Error::Conflict(format!("the volumes {name} and {other} are there already")).into());
        }
        let request = VolumeRequest { name: name.to_owned(), ..VolumeRequest::default() };
        let volume = self.volume_create(request).await?;
        Ok((volume.record.name, volume.path))
    }

    /// Where backups are kept when nobody says: a folder that only root can read.
    ///
    /// # Errors
    /// The data root cannot be written.
    pub fn backup_folder(&self) -> Result<PathBuf> {
        use std::os::unix::fs::DirBuilderExt;
        let folder = self.inner.config.data_root.join("backup");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder)
            .context(format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}
