//! Volumes as data: clones, snapshots, other names.

use super::{Volume, uses};
use crate::Engine;
use crate::containers::Status;
use crate::containers::container::Container;
use crate::error::Error;
use sampan_error::Result;
use sampan_storage::volumes::VolumeRecord;
use std::sync::Arc;

impl Engine {
    /// Copies a volume as it is at one moment: containers that write to it stand still meanwhile.
    ///
    /// # Errors
    /// No such volume; the new name is taken; no space.
    pub async fn volume_clone(&self, name: &str, to: &str) -> Result<Volume> {
        let source = self.inner.volumes.get(name)?;
        let record = VolumeRecord {
            name: to.to_owned(),
            created: crate::clock::now(),
            labels: source.labels,
            ..VolumeRecord::default()
        };
        self.copy_volume(name, record).await
    }

    /// The same for a copy that nobody can write to. Without a name it is called after the volume and the time.
    ///
    /// # Errors
    /// As [`Engine::volume_clone`].
    pub async fn volume_snapshot(&self, name: &str, to: &str) -> Result<Volume> {
        let source = self.inner.volumes.get(name)?;
        let now = crate::clock::now();
        let record = VolumeRecord {
            name: if to.is_empty() {
                format!("{name}.{}", crate::clock::compact(now))
            } else {
                to.to_owned()
            },
            created: now,
            labels: source.labels,
            snapshot_of: name.to_owned(),
            ..VolumeRecord::default()
        };
        self.copy_volume(name, record).await
    }

    async fn copy_volume(&self, from: &str, record: VolumeRecord) -> Result<Volume> {
        self.recovered().await;
        if self.inner.volumes.needs_mount(from) {
            return Err(Error::Conflict(format!(
                "volume {from} has its files elsewhere (driver options): copy them there"
            ))
            .into());
        }
        let frozen = self.freeze_users(from).await?;
        let (engine, name) = (self.clone(), from.to_owned());
        let copied = crate::blocking(move || Ok(engine.inner.volumes.copy(&name, &record)?)).await;
        for container in &frozen {
            if let Err(error) = self.thaw(container).await {
                tracing::error!(container = %container.id, %error, "a container stays frozen after its volume was copied");
            }
        }
        let record = copied?;
        self.volume_event(&record.name, "create");
        self.show_volume(record)
    }

    /// Freezes the running containers that can write to a volume; one that just ends needs no freezing.
    async fn freeze_users(&self, name: &str) -> Result<Vec<Arc<Container>>> {
        let mut frozen = Vec::new();
        for container in self.inner.registry.all() {
            let record = container.record();
            if record.state.status != Status::Running || !uses(&record, name) {
                continue;
            }
            let cgroup = self.cgroup(&record)?;
            if crate::blocking(move || Ok(cgroup.freeze()?)).await.is_ok() {
                frozen.push(container);
            }
        }
        Ok(frozen)
    }

    /// Gives a volume another name.
    ///
    /// # Errors
    /// No such volume; a container uses it; the new name is taken.
    pub async fn volume_rename(&self, name: &str, to: &str) -> Result<Volume> {
        self.recovered().await;
        let (engine, name, to) = (self.clone(), name.to_owned(), to.to_owned());
        crate::blocking(move || {
            engine.inner.volumes.get(&name)?;
            let users = engine.users_of(&name);
            if !users.is_empty() {
                return Err(Error::Conflict(format!(
                    "rename {name}: volume is in use - [{}]: remove these containers first",
                    users.join(", ")
                ))
                .into());
            }
            let record = engine.inner.volumes.rename(&name, &to)?;
            engine.volume_event(&name, "destroy");
            engine.volume_event(&to, "create");
            engine.show_volume(record)
        })
        .await
    }
}
