//! The real engine's images behind the interface of these routes.

use super::backend::{Backend, LoadStep, Removal};
use sampan_engine::containers::Filters;
use sampan_engine::{
    ByteStream, Distribution, Engine, ImageDetails, PullRequest, PushRequest, SearchRequest,
};
use sampan_error::Result;
use sampan_image::Reference;
use sampan_image::{
    CollectedImages, HistoryRow, ImportOptions, LoadProgress, RemoveOptions, Removed, Summary,
};
use sampan_registry::{Credentials, Described, Member, SearchResult, Steps};
use std::time::Duration;
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
        let options = RemoveOptions { force, no_prune: !prune_parents };
        Ok(removals(Engine::images(self).remove(name, options).await?))
    }

    async fn import_image(&self, archive: ByteStream, options: ImportOptions) -> Result<String> {
        Engine::images(self).import(archive, options).await
    }

    async fn import_image_from(&self, address: &str, options: ImportOptions) -> Result<String> {
        Engine::images(self).import_from(address, options).await
    }

    async fn load_images(&self, archive: ByteStream, steps: UnboundedSender<LoadStep>) -> Result<()> {
        let told = steps.clone();
        let progress = move |progress| {
            if let LoadProgress::Layer { id, current, total } = progress {
                // A client that is gone needs no progress; the load ends by its archive's end.
                let _ = told.send(LoadStep::Layer { id, current, total });
            }
        };
        for loaded in Engine::images(self).load(archive, progress).await? {
            let is_id = loaded.names.is_empty();
            let names = if is_id { vec![loaded.id] } else { loaded.names };
            let moved = loaded.moved.into_iter().map(|(name, id)| LoadStep::Moved { name, id });
            for step in moved.chain(names.into_iter().map(|name| LoadStep::Loaded { name, is_id })) {
                let _ = steps.send(step);
            }
        }
        Ok(())
    }

    async fn pull_image(&self, request: PullRequest, steps: Steps) -> Result<()> {
        Engine::images(self).pull(request, steps).await.map(drop)
    }

    async fn push_image(&self, request: PushRequest, steps: Steps) -> Result<()> {
        Engine::images(self).push(request, steps).await.map(drop)
    }

    async fn search_images(&self, request: SearchRequest) -> Result<Vec<SearchResult>> {
        Engine::images(self).search(request).await
    }

    async fn manifest(&self, reference: &Reference, credentials: Credentials) -> Result<Described> {
        Engine::images(self).manifest(reference, &credentials).await
    }

    async fn push_list(
        &self,
        target: &Reference,
        members: Vec<Member>,
        credentials: Credentials,
    ) -> Result<String> {
        Engine::images(self).push_list(target, &members, &credentials).await
    }

    async fn distribution(&self, name: &str, credentials: Credentials) -> Result<Distribution> {
        Engine::images(self).distribution(name, &credentials).await
    }

    async fn save_images(&self, names: Vec<String>) -> Result<ByteStream> {
        Engine::images(self).save(names).await
    }

    async fn image_files(&self, name: &str) -> Result<ByteStream> {
        Engine::images(self).files(name).await
    }

    async fn collect_images(
        &self,
        budget: Option<u64>,
        minimum_age: Option<Duration>,
        dry_run: bool,
    ) -> Result<CollectedImages> {
        Engine::images(self).collect(budget, minimum_age, dry_run).await
    }

    async fn pin_image(&self, name: &str, pinned: bool) -> Result<()> {
        Engine::images(self).pin(name, pinned).await.map(drop)
    }

    async fn prune_images(&self, filters: &Filters) -> Result<(Vec<Removal>, u64)> {
        let pruned = Engine::images(self).prune(filters).await?;
        Ok((removals(pruned.removed), pruned.reclaimed))
    }
}

fn removals(list: Vec<Removed>) -> Vec<Removal> {
    list.into_iter()
        .map(|removed| match removed {
            Removed::Untagged { name, .. } => Removal::Untagged(name),
            Removed::DeletedImage(id) | Removed::DeletedLayer(id) => Removal::Deleted(id),
        })
        .collect()
}
