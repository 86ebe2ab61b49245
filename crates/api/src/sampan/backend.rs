//! What these routes need of an engine.

use crate::containers::backend::Handed;
use sampan_engine::containers::{ClientStream, RunOptions};
use sampan_engine::spec::ContainerSpec;
use std::future::Future;

/// Running a container in one request.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Creates, attaches and starts. The id, the output and the exit status go to the client's connection.
    fn run(
        &self,
        spec: ContainerSpec,
        options: RunOptions,
        stream: ClientStream,
    ) -> impl Future<Output = Handed> + Send;
}
