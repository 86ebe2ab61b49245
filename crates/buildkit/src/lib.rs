//! BuildKit's protocol in front of our builder: what buildx's `docker` driver and Compose speak.
//!
//! A client opens two connections, both by an upgrade of HTTP/1 to HTTP/2. Over the first (`/grpc`) it calls us: the
//! control API, and the gateway through which it asks for the Dockerfile to be built. Over the second (`/session`) we
//! call it: for the files of the context, for secrets, for credentials of registries, and to hand results over.
//!
//! Definitions of steps (LLB) that a client puts together itself are not carried out: the one frontend is the
//! Dockerfile, and it is ours.

mod builds;
mod control;
mod export;
mod failure;
mod gateway;
mod lint;
mod options;
mod progress;
mod remote;
mod session;
mod sessions;
mod usage;
mod work;

pub use sampan_session::Upgraded;
pub use sessions::Introduction;

use bollard_buildkit_proto::moby::buildkit::v1::control_server::ControlServer;
use bollard_buildkit_proto::moby::buildkit::v1::frontend::llb_bridge_server::LlbBridgeServer;
use builds::Builds;
use sampan_engine::Engine;
use sampan_error::Result;
use sampan_session::LARGEST_MESSAGE;
use sessions::Sessions;
use std::sync::Arc;
use tokio::sync::mpsc::UnboundedSender;
use tonic::service::Routes;

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
        let control = ControlServer::new(self.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        let gateway = LlbBridgeServer::new(self.clone()).max_decoding_message_size(LARGEST_MESSAGE);
        sampan_session::serve(connection, Routes::new(control).add_service(gateway)).await;
    }

    /// Builds for a client whose session is the context; gives the image's id.
    ///
    /// # Errors
    /// There is no such session; as every build.
    pub async fn build_for(
        &self,
        session: &str,
        request: sampan_build::Request,
        events: UnboundedSender<sampan_build::Event>,
    ) -> Result<String> {
        work::build_for(self, session, request, events).await
    }

    /// Keeps a client's session for those builds that name it, until its connection ends.
    pub async fn keep_session(&self, introduction: Introduction, connection: Upgraded) {
        self.shared.sessions.keep(introduction, connection).await;
    }
}
