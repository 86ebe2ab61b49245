//! The real engine behind the interface of these routes.

use super::backend::Backend;
use crate::containers::backend::Handed;
use sampan_engine::Engine;
use sampan_engine::containers::{ClientStream, RunOptions};
use sampan_engine::spec::ContainerSpec;

impl Backend for Engine {
    async fn run(&self, spec: ContainerSpec, options: RunOptions, stream: ClientStream) -> Handed {
        Engine::run(self, spec, options, stream).await
    }
}
