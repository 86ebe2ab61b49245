//! The real engine's builder behind the interface of these routes.

use super::backend::{Backend, Source};
use sampan_build::{Builder, CacheEntry, Context, Event, Given, Pruning, Request};
use sampan_buildkit::{BuildKit, Introduction, Upgraded};
use sampan_engine::{Engine, blocking_reader};
use sampan_error::{Error, Result};
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;

async fn away<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Error::internal("the builder failed; see the daemon's log").caused_by(panic))?
}

impl Backend for Engine {
    async fn build(
        &self,
        request: Request,
        context: Source,
        events: UnboundedSender<Event>,
    ) -> Result<String> {
        let builder = Builder::new(self)?;
        let folder = builder.folder()?;
        let context = match context {
            Source::Given(stream) => {
                let mut reader = blocking_reader(stream);
                away(move || Context::unpack(&folder, &mut reader)).await?
            }
            Source::Session(id) => return BuildKit::of(self).build_for(&id, request, events).await,
            Source::Fetched(address) => Box::pin(builder.fetch(&address)).await?,
        };
        builder.build(request, Arc::new(Given::new(context)), events).await
    }

    async fn prune_builds(&self, pruning: Pruning) -> Result<Vec<CacheEntry>> {
        let builder = Builder::new(self)?;
        away(move || builder.prune(&pruning)).await
    }

    async fn build_cache(&self) -> Result<Vec<CacheEntry>> {
        let builder = Builder::new(self)?;
        away(move || builder.cache_entries()).await
    }

    async fn serve_buildkit(&self, connection: Upgraded) {
        BuildKit::of(self).serve(connection).await;
    }

    async fn keep_session(&self, introduction: Introduction, connection: Upgraded) {
        BuildKit::of(self).keep_session(introduction, connection).await;
    }
}
