//! BuildKit's protocol in front of our builder: what buildx's `docker` driver and Compose speak.
//!
//! A client opens two connections, both by an upgrade of HTTP/1 to HTTP/2. Over the first (`/grpc`) it calls us: the
//! control API, and the gateway through which it asks for the Dockerfile to be built. Over the second (`/session`) we
//! call it: for the files of the context, for secrets, for credentials of registries, and to hand results over.
//!
//! Definitions of steps (LLB) that a client puts together itself are not carried out: the one frontend is the
//! Dockerfile, and it is ours.

mod builds;
mod connection;
mod control;
mod export;
mod failure;
mod files;
mod gateway;
mod options;
mod progress;
mod remote;
mod session;
mod sessions;
mod usage;
mod work;

pub use connection::Upgraded;
pub use sessions::Introduction;

use builds::Builds;
use sampan_engine::Engine;
use sessions::Sessions;
use std::sync::Arc;

/// BuildKit's side of an engine.
#[derive(Clone)]
pub struct BuildKit {
    pub(crate) engine: Engine,
    pub(crate) shared: Arc<Shared>,
}

/// What all connections have in common.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) sessions: Sessions,
    pub(crate) builds: Builds,
}

impl BuildKit {
    /// The one of this engine.
    #[must_use]
    pub fn of(engine: &Engine) -> Self {
        Self { engine: engine.clone(), shared: engine.resident(Shared::default) }
    }

    /// Serves the control API on a connection, until it ends.
    pub async fn serve(&self, connection: Upgraded) {
        connection::serve(self, connection).await;
    }

    /// Keeps a client's session for those builds that name it, until its connection ends.
    pub async fn keep_session(&self, introduction: Introduction, connection: Upgraded) {
        self.shared.sessions.keep(introduction, connection).await;
    }
}
