//! Listening, connections, and the way of a request to its handler.

mod connection;
mod hang_up;
pub(crate) mod headers;
mod listener;
mod service;

use crate::backend::Backend;
use crate::http::Router;
pub use listener::Listener;
use sampan_error::{Error, Result};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// Where the engine will be once it has recovered. Calls that need it wait; `/_ping` and `/version` do not.
#[derive(Debug)]
pub struct EngineSlot<E> {
    sender: watch::Sender<Option<E>>,
}

impl<E> Default for EngineSlot<E> {
    fn default() -> Self {
        Self { sender: watch::Sender::new(None) }
    }
}

impl<E> EngineSlot<E> {
    /// Puts the engine in: waiting calls go on.
    pub fn fill(&self, engine: E) {
        self.sender.send_replace(Some(engine));
    }
}

/// What all connections share.
pub(crate) struct Shared<E> {
    router: Router<E>,
    engine: watch::Receiver<Option<E>>,
}

impl<E: Backend> Shared<E> {
    pub(crate) fn new(slot: &EngineSlot<E>) -> Self {
        Self { router: crate::routes::all(), engine: slot.sender.subscribe() }
    }

    /// The engine, as soon as it is there.
    async fn engine(&self) -> Result<E> {
        let mut receiver = self.engine.clone();
        let filled = receiver.wait_for(Option::is_some).await;
        let engine = filled.ok().and_then(|engine| engine.clone());
        engine.ok_or_else(|| Error::unavailable("the daemon is stopping"))
    }
}

/// Serves the API on all listeners until `stop` is done. Connections that are open then are cut when the
/// runtime ends; sockets that were handed to a container's supervisor live on.
pub(crate) async fn serve<E: Backend>(
    listeners: Vec<Listener>,
    slot: &EngineSlot<E>,
    stop: impl Future<Output = ()> + Send,
) {
    let shared = Arc::new(Shared::new(slot));
    let mut accepting = tokio::task::JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, shared.clone()));
    }
    stop.await;
    accepting.shutdown().await;
}

async fn accept<E: Backend>(listener: Listener, shared: Arc<Shared<E>>) {
    loop {
        match listener.accept().await {
            Ok(socket) => {
                tokio::spawn(connection::run(socket, shared.clone()));
            }
            // Out of descriptors: those of others may be given back in a moment.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        }
    }
}
