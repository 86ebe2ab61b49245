//! Volumes whose files are mounted only while somebody uses them (`type`, `o`, `device`).

use crate::Engine;
use crate::containers::{ContainerRecord, MountRecordKind};
use sampan_error::Result;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// By volume, the containers that run with it.
#[derive(Debug, Default)]
pub(crate) struct Held(Mutex<BTreeMap<String, BTreeSet<String>>>);

impl Held {
    fn users(&self) -> MutexGuard<'_, BTreeMap<String, BTreeSet<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Mounts what a container's volumes need. The lock is held across the mounts, so that one that begins to use a
    /// volume never meets its last user's end; only such volumes wait for it.
    ///
    /// # Errors
    /// What cannot be mounted; nothing stays held then.
    pub(crate) fn hold_volumes(&self, record: &ContainerRecord) -> Result<()> {
        for name in self.mounted_volumes(record) {
            let mut users = self.inner.held_volumes.users();
            if let Err(error) = self.inner.volumes.mount(&name) {
                drop(users);
                self.release_volumes(record);
                return Err(error.into());
            }
            users.entry(name).or_default().insert(record.id.clone());
        }
        Ok(())
    }

    /// A container that an earlier daemon started goes on using its volumes.
    pub(crate) fn still_holds_volumes(&self, record: &ContainerRecord) {
        for name in self.mounted_volumes(record) {
            self.inner.held_volumes.users().entry(name).or_default().insert(record.id.clone());
        }
    }

    /// Takes the mounts away that no other container needs.
    pub(crate) fn release_volumes(&self, record: &ContainerRecord) {
        for name in self.mounted_volumes(record) {
            let mut users = self.inner.held_volumes.users();
            let Some(of_volume) = users.get_mut(&name) else { continue };
            of_volume.remove(&record.id);
            if of_volume.is_empty() {
                users.remove(&name);
                self.let_go(&name);
            }
        }
    }

    /// Takes away what a killed daemon left mounted and nobody uses.
    pub(crate) fn sweep_volumes(&self) {
        for volume in self.inner.volumes.list().unwrap_or_default() {
            let users = self.inner.held_volumes.users();
            if self.inner.volumes.needs_mount(&volume.name) && !users.contains_key(&volume.name) {
                self.let_go(&volume.name);
            }
        }
    }

    fn let_go(&self, name: &str) {
        if let Err(error) = self.inner.volumes.unmount(name) {
            tracing::warn!(volume = name, %error, "a volume stays mounted");
        }
    }

    fn mounted_volumes(&self, record: &ContainerRecord) -> Vec<String> {
        let volumes = record.mounts.iter().filter(|mount| mount.kind == MountRecordKind::Volume);
        let mut names: Vec<String> = volumes
            .map(|mount| mount.name.clone())
            .filter(|name| self.inner.volumes.needs_mount(name))
            .collect();
        names.dedup();
        names
    }
}
