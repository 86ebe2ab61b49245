//! The real engine's events behind the interface of these routes.

use super::backend::Backend;
use sampan_engine::Engine;
use sampan_engine::events::Event;
use sampan_error::Result;
use std::sync::Arc;
use tokio::sync::broadcast;

impl Backend for Engine {
    async fn events_between(&self, since: i64, until: i64) -> Result<Vec<Arc<Event>>> {
        Engine::events_between(self, since, until).await
    }

    fn subscribe(&self) -> broadcast::Receiver<Arc<Event>> {
        Engine::subscribe(self)
    }
}
