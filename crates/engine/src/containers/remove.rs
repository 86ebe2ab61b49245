//! Removing containers, one or many.

use super::container::Container;
use super::{ContainerRecord, Filters, MountRecordKind, Pruned, RemoveOptions, Status, StopOptions, filter};
use crate::Engine;
use crate::error::Error;
use sampan_error::{Kind, Result};
use sampan_state::Durability;
use std::sync::Arc;

impl Engine {
    /// Removes a container.
    ///
    /// # Errors
    /// No such container; it runs and `force` is not set; a removal is under way already.
    pub async fn remove(&self, reference: &str, options: RemoveOptions) -> Result<()> {
        self.recovered().await;
        let container = self.container(reference)?;
        if options.link {
            return Err(Error::NotFound(format!("Cannot get parent / for link name {reference}")).into());
        }
        if container.record().state.status == Status::Removing {
            return Err(Error::RemovalInProgress(reference.into()).into());
        }
        let _operation = container.operation.lock().await;
        let record = container.record();
        if self.inner.registry.find(&record.id).is_err() {
            return Err(Error::NoSuchContainer(reference.into()).into());
        }
        if record.is_running() || record.state.status == Status::Restarting {
            if !options.force {
                let status = if record.state.status == Status::Paused {
                    "paused"
                } else if record.state.status == Status::Restarting {
                    "restarting"
                } else {
                    "running"
                };
                return Err(Error::RemoveRunning { name: record.name.clone(), status }.into());
            }
            container.keep_on_exit(true);
            let kill = StopOptions { signal: Some("KILL".into()), timeout: Some(10) };
            self.stop_locked(&container, &kill).await?;
        }
        self.remove_locked(&container, options.volumes).await
    }

    /// The removal itself; the caller holds the container's operation and it does not run.
    pub(crate) async fn remove_locked(&self, container: &Arc<Container>, volumes: bool) -> Result<()> {
        let record = container.change(|record| record.state.status = Status::Removing);
        let engine = self.clone();
        let removed = {
            let record = Arc::clone(&record);
            crate::blocking(move || engine.remove_blocking(&record)).await
        };
        if let Err(error) = removed {
            let sentence = error.to_string();
            let record = container.change(|record| {
                record.state.status = Status::Dead;
                record.state.error.clone_from(&sentence);
            });
            self.save_soon(&record);
            container.announce_removal(Some(sentence));
            return Err(error);
        }
        self.inner.registry.remove(&record.id);
        self.sessions_gone(&record);
        // Whoever waited for a start hears nothing more.
        drop(self.inner.waiting_clients.take(&record.id));
        if volumes {
            self.remove_anonymous_volumes(&record).await;
        }
        self.container_event(&record, "destroy", &[]);
        container.announce_removal(None);
        Ok(())
    }

    /// Data first, the record last: a kill in between leaves a record whose removal can be asked for again.
    fn remove_blocking(&self, record: &ContainerRecord) -> Result<()> {
        match self.inner.storage.remove_writable(&record.id).map_err(sampan_error::Error::from) {
            Err(error) if error.kind() != Kind::NotFound => return Err(error),
            _ => {}
        }
        remove_directory(&record.directory)?;
        let durability = if record.spec.host.auto_remove { Durability::Normal } else { Durability::Full };
        self.inner.records.remove(&record.id, durability)?;
        Ok(())
    }

    /// Removes the volumes that were made for this container alone, unless another one uses them by now.
    pub(crate) async fn remove_anonymous_volumes(&self, record: &ContainerRecord) {
        for mount in record.mounts.iter().filter(|it| it.anonymous && it.kind == MountRecordKind::Volume) {
            let engine = self.clone();
            let name = mount.name.clone();
            let outcome = crate::blocking(move || engine.drop_volume(&name)).await;
            if let Err(error) = outcome
                && !matches!(error.kind(), Kind::NotFound | Kind::Conflict)
            {
                tracing::warn!(volume = %mount.name, %error, "an anonymous volume could not be removed");
            }
        }
    }

    /// Removes all containers that do not run and fit the filters (`until`, `label`, `label!`).
    ///
    /// # Errors
    /// An unknown filter.
    pub async fn prune_containers(&self, filters: &Filters) -> Result<Pruned> {
        self.recovered().await;
        if let Some(unknown) =
            filters.keys().find(|name| !["until", "label", "label!"].contains(&name.as_str()))
        {
            return Err(Error::Invalid(format!("invalid filter '{unknown}'")).into());
        }
        let looked = self.look_up(filters).await?;
        let mut labels = filters.clone();
        labels.remove("until");
        let mut pruned = Pruned::default();
        for container in self.inner.registry.all() {
            let record = container.record();
            let stopped = matches!(record.state.status, Status::Created | Status::Exited | Status::Dead);
            if !stopped || !filter::fits(&record, &labels, &looked) {
                continue;
            }
            let size = self.inner.storage.writable_size(&record.id).unwrap_or(0);
            match self.remove(&record.id, RemoveOptions::default()).await {
                Ok(()) => {
                    pruned.removed.push(record.id.clone());
                    pruned.reclaimed += size;
                }
                // Somebody started or removed it meanwhile.
                Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => {}
                Err(error) => {
                    tracing::warn!(container = %record.id, %error, "a container could not be pruned")
                }
            }
        }
        self.inner.events.publish(
            "container",
            "prune",
            "",
            [("reclaimed".to_owned(), pruned.reclaimed.to_string())].into(),
        );
        Ok(pruned)
    }
}

pub(crate) fn remove_directory(path: &std::path::Path) -> Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(sampan_error::Error::from(error).context(format!("cannot remove {}", path.display())))
        }
        _ => Ok(()),
    }
}
