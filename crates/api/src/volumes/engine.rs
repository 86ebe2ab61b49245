//! The real engine's volumes behind the interface of these routes.

use super::backend::{Backend, NewVolume, Volume};
use sampan_engine::containers::{Filters, Pruned};
use sampan_engine::{Engine, VolumeRequest};
use sampan_error::Result;

fn shown(volume: sampan_engine::Volume) -> Volume {
    Volume {
        name: volume.record.name,
        driver: "local".into(),
        mountpoint: volume.path.display().to_string(),
        created: volume.record.created,
        labels: volume.record.labels,
        options: volume.record.options,
        snapshot_of: volume.record.snapshot_of,
    }
}

impl Backend for Engine {
    async fn volumes(&self, filters: &Filters) -> Result<Vec<Volume>> {
        Ok(Engine::volumes(self, filters).await?.into_iter().map(shown).collect())
    }

    async fn volume(&self, name: &str) -> Result<Volume> {
        Engine::volume_inspect(self, name).await.map(shown)
    }

    async fn create_volume(&self, volume: NewVolume) -> Result<Volume> {
        let NewVolume { name, driver, labels, options } = volume;
        Engine::volume_create(self, VolumeRequest { name, driver, options, labels }).await.map(shown)
    }

    async fn copy_volume(&self, name: &str, to: &str, snapshot: bool) -> Result<Volume> {
        let copied = match snapshot {
            true => Engine::volume_snapshot(self, name, to).await,
            false => Engine::volume_clone(self, name, to).await,
        };
        copied.map(shown)
    }

    async fn rename_volume(&self, name: &str, to: &str) -> Result<Volume> {
        Engine::volume_rename(self, name, to).await.map(shown)
    }

    async fn remove_volume(&self, name: &str, force: bool) -> Result<()> {
        Engine::volume_remove(self, name, force).await
    }

    async fn prune_volumes(&self, filters: &Filters, all: bool) -> Result<Pruned> {
        Engine::volumes_prune(self, filters, all).await
    }
}
