//! Volumes: made, listed, filled from an image, removed.

mod copies;
mod fill;
mod held;

pub(crate) use held::Held;

use crate::Engine;
use crate::containers::{ContainerRecord, Filters, MountRecordKind, Pruned, VolumeWish};
use crate::error::Error;
use sampan_error::{Kind, Result};
use sampan_storage::volumes::VolumeRecord;
use std::path::PathBuf;

/// A volume as the engine shows it.
#[derive(Debug, Clone)]
pub struct Volume {
    /// Its record.
    pub record: VolumeRecord,
    /// Where its data is on the host.
    pub path: PathBuf,
    /// Containers that use it.
    pub users: usize,
}

/// A volume to make.
#[derive(Debug, Clone, Default)]
pub struct VolumeRequest {
    /// Its name; empty makes one up, and the volume is anonymous.
    pub name: String,
    /// Driver; empty is `local`.
    pub driver: String,
    /// Options of the driver.
    pub options: std::collections::BTreeMap<String, String>,
    /// Labels.
    pub labels: std::collections::BTreeMap<String, String>,
}

impl Engine {
    /// Makes a volume, or gives back the one of this name.
    ///
    /// # Errors
    /// A bad name, an unknown driver, options that are not possible here.
    pub async fn volume_create(&self, request: VolumeRequest) -> Result<Volume> {
        let engine = self.clone();
        crate::blocking(move || {
            let anonymous = request.name.is_empty();
            let name = if anonymous { crate::identity::random_id() } else { request.name };
            let wish = VolumeWish {
                name: name.clone(),
                driver: request.driver,
                options: request.options,
                labels: request.labels,
                anonymous,
            };
            engine.make_volume(&wish)?;
            engine.show_volume(engine.inner.volumes.get(&name)?)
        })
        .await
    }

    /// A volume by name.
    ///
    /// # Errors
    /// No such volume.
    pub async fn volume_inspect(&self, name: &str) -> Result<Volume> {
        let (engine, name) = (self.clone(), name.to_owned());
        crate::blocking(move || engine.show_volume(engine.inner.volumes.get(&name)?)).await
    }

    /// Volumes that fit the filters (`name`, `label`, `label!`, `driver`, `dangling`), by name.
    ///
    /// # Errors
    /// An unknown filter, or the volumes cannot be read.
    pub async fn volumes(&self, filters: &Filters) -> Result<Vec<Volume>> {
        self.recovered().await;
        let (engine, filters) = (self.clone(), filters.clone());
        crate::blocking(move || {
            let known = ["name", "label", "label!", "driver", "dangling"];
            if let Some(unknown) = filters.keys().find(|name| !known.contains(&name.as_str())) {
                return Err(Error::Invalid(format!("invalid filter '{unknown}'")).into());
            }
            let mut shown = Vec::new();
            for record in engine.volumes_blocking()? {
                let volume = engine.show_volume(record)?;
                if fits(&volume, &filters) {
                    shown.push(volume);
                }
            }
            Ok(shown)
        })
        .await
    }

    /// Removes a volume.
    ///
    /// # Errors
    /// No such volume; a container uses it.
    pub async fn volume_remove(&self, name: &str, force: bool) -> Result<()> {
        self.recovered().await;
        let (engine, wanted) = (self.clone(), name.to_owned());
        match crate::blocking(move || engine.drop_volume(&wanted)).await {
            Err(error) if force && error.kind() == Kind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Removes volumes that no container uses; only anonymous ones unless `all`.
    ///
    /// # Errors
    /// An unknown filter.
    pub async fn volumes_prune(&self, filters: &Filters, all: bool) -> Result<Pruned> {
        let mut pruned = Pruned::default();
        for volume in self.volumes(filters).await? {
            if volume.users > 0 || !(all || volume.record.anonymous) {
                continue;
            }
            let (engine, name) = (self.clone(), volume.record.name.clone());
            let size = self.inner.volumes.size(&name).unwrap_or(0);
            match crate::blocking(move || engine.drop_volume(&name)).await {
                Ok(()) => {
                    pruned.removed.push(volume.record.name);
                    pruned.reclaimed += size;
                }
                // A container took it meanwhile.
                Err(error) if matches!(error.kind(), Kind::Conflict | Kind::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(pruned)
    }

    fn show_volume(&self, record: VolumeRecord) -> Result<Volume> {
        let path = self.inner.volumes.data(&record.name);
        Ok(Volume { users: self.volume_users(&record.name), record, path })
    }

    pub(crate) fn volumes_blocking(&self) -> Result<Vec<VolumeRecord>> {
        Ok(self.inner.volumes.list()?)
    }

    /// How many containers use a volume, running or not.
    pub(crate) fn volume_users(&self, name: &str) -> usize {
        self.inner.registry.all().iter().filter(|it| uses(&it.record(), name)).count()
    }

    /// Makes a volume when it does not exist; true when it is new.
    ///
    /// # Errors
    /// An unknown driver, options that are not possible here, a bad name.
    pub(crate) fn make_volume(&self, wish: &VolumeWish) -> Result<bool> {
        if !wish.driver.is_empty() && wish.driver != "local" {
            return Err(Error::NotFound(format!(
                "error looking up volume plugin {}: plugin {:?} not found",
                wish.driver, wish.driver
            ))
            .into());
        }
        let record = VolumeRecord {
            name: wish.name.clone(),
            created: crate::clock::now(),
            labels: wish.labels.clone(),
            options: wish.options.clone(),
            anonymous: wish.anonymous,
            ..VolumeRecord::default()
        };
        let (record, new) = self.inner.volumes.create(&record)?;
        if new {
            self.volume_event(&record.name, "create");
        }
        Ok(new)
    }

    /// Removes a volume that nobody uses.
    ///
    /// # Errors
    /// No such volume; a container uses it.
    pub(crate) fn drop_volume(&self, name: &str) -> Result<()> {
        self.inner.volumes.get(name)?;
        let users = self.users_of(name);
        if !users.is_empty() {
            return Err(
                Error::Conflict(format!("remove {name}: volume is in use - [{}]", users.join(", "))).into()
            );
        }
        self.inner.volumes.remove(name)?;
        self.volume_event(name, "destroy");
        Ok(())
    }

    /// Ids of the containers that use a volume, running or not.
    fn users_of(&self, name: &str) -> Vec<String> {
        let containers = self.inner.registry.all();
        let records = containers.iter().map(|container| container.record());
        records.filter(|record| uses(record, name)).map(|record| record.id.clone()).collect()
    }

    /// Whether a volume may only be read: a snapshot.
    pub(crate) fn is_snapshot(&self, name: &str) -> bool {
        self.inner.volumes.get(name).is_ok_and(|record| !record.snapshot_of.is_empty())
    }

    fn volume_event(&self, name: &str, action: &str) {
        self.inner.events.publish("volume", action, name, [("driver".to_owned(), "local".to_owned())].into());
    }

    /// All volumes of a container exist: one that somebody removed is made again, empty.
    pub(crate) fn volumes_present(&self, record: &ContainerRecord) -> Result<()> {
        for mount in record.mounts.iter().filter(|it| it.kind == MountRecordKind::Volume) {
            let wish =
                VolumeWish { name: mount.name.clone(), anonymous: mount.anonymous, ..VolumeWish::default() };
            self.make_volume(&wish)?;
        }
        Ok(())
    }

    /// Where a volume, or a path in it, is on the host. The path may not leave the volume.
    ///
    /// # Errors
    /// No such path in the volume.
    pub(crate) fn volume_path(&self, name: &str, subpath: &str) -> Result<PathBuf> {
        let data = self.inner.volumes.data(name);
        if subpath.is_empty() {
            return Ok(data);
        }
        fill::resolve_inside(&data, subpath)
    }
}

fn uses(record: &ContainerRecord, name: &str) -> bool {
    record.mounts.iter().any(|mount| mount.kind == MountRecordKind::Volume && mount.name == name)
}

fn fits(volume: &Volume, filters: &Filters) -> bool {
    filters.iter().all(|(name, values)| {
        let label = |wanted: &String| match wanted.split_once('=') {
            Some((key, value)) => volume.record.labels.get(key).is_some_and(|found| found == value),
            None => volume.record.labels.contains_key(wanted),
        };
        match name.as_str() {
            "name" => values.iter().any(|value| volume.record.name.contains(value)),
            "label" => values.iter().all(label),
            "label!" => !values.iter().any(label),
            "driver" => values.iter().any(|value| value == "local"),
            "dangling" => {
                values.iter().any(|value| matches!(value.as_str(), "true" | "1") == (volume.users == 0))
            }
            _ => true,
        }
    })
}
