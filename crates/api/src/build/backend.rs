//! What these routes need of an engine.

use sampan_build::{CacheEntry, Event, Pruning, Request};
use sampan_buildkit::{Introduction, Upgraded};
use sampan_engine::ByteStream;
use sampan_error::Result;
use std::future::Future;
use tokio::sync::mpsc::UnboundedSender;

/// Where a context comes from.
pub(crate) enum Source {
    /// The client sends it: a tar stream.
    Given(ByteStream),
    /// It is at this address.
    Fetched(String),
    /// The client gives what is asked for, in its session of this id.
    Session(String),
}

/// The builder of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Builds. Gives the image's id.
    fn build(
        &self,
        request: Request,
        context: Source,
        events: UnboundedSender<Event>,
    ) -> impl Future<Output = Result<String>> + Send;

    /// Forgets outcomes of steps; gives them.
    fn prune_builds(&self, pruning: Pruning) -> impl Future<Output = Result<Vec<CacheEntry>>> + Send;

    /// Outcomes of steps that are remembered.
    fn build_cache(&self) -> impl Future<Output = Result<Vec<CacheEntry>>> + Send;

    /// Serves BuildKit's control API on a connection that has left HTTP/1, until it ends.
    fn serve_buildkit(&self, connection: Upgraded) -> impl Future<Output = ()> + Send;

    /// Keeps the session of a client of BuildKit's until its connection ends.
    fn keep_session(
        &self,
        introduction: Introduction,
        connection: Upgraded,
    ) -> impl Future<Output = ()> + Send;
}
