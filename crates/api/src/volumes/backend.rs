//! What these routes need of an engine.

use sampan_engine::containers::{Filters, Pruned};
use sampan_error::Result;
use std::collections::BTreeMap;
use std::future::Future;

/// A volume as these routes show it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) mountpoint: String,
    /// Nanoseconds since 1970.
    pub(crate) created: i64,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) options: BTreeMap<String, String>,
    /// The volume that it is a snapshot of, empty for others.
    pub(crate) snapshot_of: String,
}

/// A volume to make. An empty name is made up.
#[derive(Debug, Clone, Default)]
pub(crate) struct NewVolume {
    pub(crate) name: String,
    pub(crate) driver: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) options: BTreeMap<String, String>,
}

/// The volumes of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Those that fit the filters.
    fn volumes(&self, filters: &Filters) -> impl Future<Output = Result<Vec<Volume>>> + Send;
    /// One of them.
    fn volume(&self, name: &str) -> impl Future<Output = Result<Volume>> + Send;
    /// Makes one, or gives the one that exists.
    fn create_volume(&self, volume: NewVolume) -> impl Future<Output = Result<Volume>> + Send;
    /// Copies one; read-only when it shall be a snapshot.
    fn copy_volume(
        &self,
        name: &str,
        to: &str,
        snapshot: bool,
    ) -> impl Future<Output = Result<Volume>> + Send;
    /// Gives one another name.
    fn rename_volume(&self, name: &str, to: &str) -> impl Future<Output = Result<Volume>> + Send;
    /// Removes one that no container uses.
    fn remove_volume(&self, name: &str, force: bool) -> impl Future<Output = Result<()>> + Send;
    /// Removes those that no container uses, only anonymous ones unless `all`.
    fn prune_volumes(&self, filters: &Filters, all: bool) -> impl Future<Output = Result<Pruned>> + Send;
}
