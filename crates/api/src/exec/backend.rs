//! What these routes need of an engine.

use crate::containers::backend::Handed;
use sampan_engine::containers::{ClientStream, ExecOptions, ExecStart, ExecState};
use sampan_error::Result;
use std::future::Future;

/// The exec sessions of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Makes a session; returns its id.
    fn exec_create(
        &self,
        reference: &str,
        options: ExecOptions,
    ) -> impl Future<Output = Result<String>> + Send;
    /// Starts a session, with a client or without.
    fn exec_start(
        &self,
        id: &str,
        start: ExecStart,
        client: Option<ClientStream>,
    ) -> impl Future<Output = Handed> + Send;
    /// What is known of a session.
    fn exec_inspect(&self, id: &str) -> impl Future<Output = Result<ExecState>> + Send;
    /// Resizes a session's terminal.
    fn exec_resize(&self, id: &str, rows: u16, columns: u16) -> impl Future<Output = Result<()>> + Send;
}
