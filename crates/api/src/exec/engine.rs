//! The real engine's exec sessions behind the interface of these routes.

use super::backend::Backend;
use crate::containers::backend::Handed;
use sampan_engine::Engine;
use sampan_engine::containers::{ClientStream, ExecOptions, ExecStart, ExecState};
use sampan_error::Result;

impl Backend for Engine {
    async fn exec_create(&self, reference: &str, options: ExecOptions) -> Result<String> {
        Engine::exec_create(self, reference, options).await
    }

    async fn exec_start(&self, id: &str, start: ExecStart, client: Option<ClientStream>) -> Handed {
        Engine::exec_start(self, id, start, client).await
    }

    async fn exec_inspect(&self, id: &str) -> Result<ExecState> {
        Engine::exec_inspect(self, id).await
    }

    async fn exec_resize(&self, id: &str, rows: u16, columns: u16) -> Result<()> {
        Engine::exec_resize(self, id, rows, columns).await
    }
}
