//! The real engine's builder behind the interface of these routes.

use super::backend::Backend;
use sampan_build::{Builder, Context, Event, Request};
use sampan_engine::{ByteStream, Engine, blocking_reader};
use sampan_error::{Error, Result};
use tokio::sync::mpsc::UnboundedSender;

async fn away<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Error::internal("the builder failed; see the daemon's log").caused_by(panic))?
}

impl Backend for Engine {
    async fn build(
        &self,
        request: Request,
        context: Option<ByteStream>,
        events: UnboundedSender<Event>,
    ) -> Result<String> {
        let builder = Builder::new(self)?;
        let folder = builder.folder()?;
        let context = match context {
            Some(stream) => {
                let mut reader = blocking_reader(stream);
                away(move || Context::unpack(&folder, &mut reader)).await?
            }
            None => Context::empty(&folder)?,
        };
        builder.build(request, context, events).await
    }

    async fn prune_builds(&self) -> Result<usize> {
        let builder = Builder::new(self)?;
        away(move || builder.prune()).await
    }
}
