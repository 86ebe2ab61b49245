//! The real engine's images behind the interface of these routes.

use super::backend::{Backend, LoadStep, Removal};
use sampan_engine::containers::Filters;
use sampan_engine::{ByteStream, Engine, ImageDetails};
use sampan_error::Result;
use sampan_image::{HistoryRow, ImportOptions, Summary};
use tokio::sync::mpsc::UnboundedSender;

impl Backend for Engine {
    async fn images(&self, all: bool, filters: &Filters) -> Result<Vec<Summary>> {
        Engine::images(self).list(all, filters).await
    }

    async fn images_with_shared_sizes(&self) -> Result<Vec<Summary>> {
        Ok(Engine::images(self).disk_usage().await?.images)
    }

    fn image_users(&self, id: &str) -> usize {
        Engine::images(self).users(id)
    }

    async fn image(&self, name: &str) -> Result<ImageDetails> {
        Engine::images(self).inspect(name).await
    }

    async fn image_history(&self, name: &str) -> Result<Vec<HistoryRow>> {
        Engine::images(self).history(name).await
    }

    async fn tag_image(&self, image: &str, name: &str) -> Result<()> {
        Engine::images(self).tag(image, name).await
    }

    async fn remove_image(&self, name: &str, force: bool, prune_parents: bool) -> Result<Vec<Removal>> {
        let _ = (name, force, prune_parents);
        Err(sampan_error::Error::not_implemented("rmi"))
    }

    async fn import_image(&self, archive: ByteStream, options: ImportOptions) -> Result<String> {
        Engine::images(self).import(archive, options).await
    }

    async fn load_images(&self, archive: ByteStream, steps: UnboundedSender<LoadStep>) -> Result<()> {
        let _ = (archive, steps);
        Err(sampan_error::Error::not_implemented("load"))
    }

    async fn save_images(&self, names: Vec<String>) -> Result<ByteStream> {
        let _ = names;
        Err(sampan_error::Error::not_implemented("save"))
    }

    async fn prune_images(&self, filters: &Filters) -> Result<(Vec<Removal>, u64)> {
        let _ = filters;
        Err(sampan_error::Error::not_implemented("prune"))
    }
}
