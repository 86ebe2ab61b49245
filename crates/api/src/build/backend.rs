//! What these routes need of an engine.

use sampan_build::{Event, Request};
use sampan_engine::ByteStream;
use sampan_error::Result;
use std::future::Future;
use tokio::sync::mpsc::UnboundedSender;

/// The builder of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Builds from a context, a tar stream; without one the context is empty. Gives the image's id.
    fn build(
        &self,
        request: Request,
        context: Option<ByteStream>,
        events: UnboundedSender<Event>,
    ) -> impl Future<Output = Result<String>> + Send;

    /// Forgets outcomes of steps; how many.
    fn prune_builds(&self) -> impl Future<Output = Result<usize>> + Send;
}
