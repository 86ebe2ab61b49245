//! What these routes need of an engine.

use sampan_engine::events::Event;
use sampan_error::Result;
use std::future::Future;
use std::sync::Arc;
use tokio::sync::broadcast;

/// The events of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Past events between two times (nanoseconds since 1970, both included), oldest first.
    fn events_between(&self, since: i64, until: i64) -> impl Future<Output = Result<Vec<Arc<Event>>>> + Send;
    /// Live events from now on.
    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>>;
}
