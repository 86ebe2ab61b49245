//! All containers in memory: by id, by name, by the beginning of an id.

use super::container::Container;
use crate::error::Error;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock};

/// The index of containers. Every lookup is by one lock that is never held across I/O.
#[derive(Default)]
pub(crate) struct Registry {
    index: RwLock<Index>,
}

#[derive(Default)]
struct Index {
    by_id: BTreeMap<String, Arc<Container>>,
    by_name: HashMap<String, String>,
}

impl Registry {
    /// Reserves a name for an id.
    ///
    /// # Errors
    /// Another container has it.
    pub(crate) fn reserve_name(&self, name: &str, id: &str) -> Result<(), Error> {
        let mut index = self.write();
        match index.by_name.get(name) {
            Some(owner) if owner != id => Err(Error::NameInUse { name: name.into(), id: owner.clone() }),
            _ => {
                index.by_name.insert(name.into(), id.into());
                Ok(())
            }
        }
    }

    /// Gives a name back when it is still this id's.
    pub(crate) fn release_name(&self, name: &str, id: &str) {
        let mut index = self.write();
        if index.by_name.get(name).is_some_and(|owner| owner == id) {
            index.by_name.remove(name);
        }
    }

    /// Adds a container, whose name is reserved already.
    pub(crate) fn insert(&self, container: Arc<Container>) {
        self.write().by_id.insert(container.id.clone(), container);
    }

    /// Removes a container and its name.
    pub(crate) fn remove(&self, id: &str) {
        let mut index = self.write();
        index.by_id.remove(id);
        index.by_name.retain(|_, owner| owner != id);
    }

    /// All containers, in the order of their ids.
    pub(crate) fn all(&self) -> Vec<Arc<Container>> {
        self.read().by_id.values().cloned().collect()
    }

    /// Finds a container by full id, name (with or without a slash), or the beginning of an id, in this order.
    ///
    /// # Errors
    /// None fits, or several ids begin so.
    pub(crate) fn find(&self, reference: &str) -> Result<Arc<Container>, Error> {
        let index = self.read();
        let name = reference.strip_prefix('/').unwrap_or(reference);
        if let Some(container) = index.by_id.get(reference) {
            return Ok(container.clone());
        }
        if let Some(container) = index.by_name.get(name).and_then(|id| index.by_id.get(id)) {
            return Ok(container.clone());
        }
        if name.is_empty() {
            return Err(Error::NoSuchContainer(reference.into()));
        }
        let mut fitting = index
            .by_id
            .range(name.to_owned()..)
            .take_while(|(id, _)| id.starts_with(name))
            .map(|(_, found)| found);
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(only.clone()),
            (Some(_), Some(_)) => Err(Error::AmbiguousId(name.into())),
            (None, _) => Err(Error::NoSuchContainer(reference.into())),
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}
