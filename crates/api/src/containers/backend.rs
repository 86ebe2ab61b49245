//! What these routes need of an engine.

use futures_util::Stream;
use sampan_engine::ByteStream;
use sampan_engine::containers::{
    AttachOptions, ClientStream, CommitOptions, ContainerRecord, CopyInto, Created, Filters, ListQuery,
    LogOptions, PathChange, PathStat, ProcessTable, Pruned, RemoveOptions, StatsSample, StopOptions,
    UpdateRequest, WaitCondition, WaitResult,
};
use sampan_engine::spec::ContainerSpec;
use sampan_error::{Error, Result};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// The outcome of handing a client's socket over. Before the first byte was written the socket comes back
/// with the failure, so that an ordinary HTTP error can be written on it.
pub(crate) type Handed = std::result::Result<(), (Error, Option<ClientStream>)>;

/// The end of a container, registered already.
pub(crate) type Waiting = Pin<Box<dyn Future<Output = WaitResult> + Send>>;

/// The containers of an engine. `reference` is a name, an id or the unique beginning of one.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// Makes a container.
    fn create(
        &self,
        name: Option<String>,
        spec: ContainerSpec,
    ) -> impl Future<Output = Result<Created>> + Send;
    /// Starts it.
    fn start(&self, reference: &str) -> impl Future<Output = Result<()>> + Send;
    /// Stops it.
    fn stop(&self, reference: &str, options: StopOptions) -> impl Future<Output = Result<()>> + Send;
    /// Stops and starts it.
    fn restart(&self, reference: &str, options: StopOptions) -> impl Future<Output = Result<()>> + Send;
    /// Sends it a signal.
    fn kill(&self, reference: &str, signal: Option<&str>) -> impl Future<Output = Result<()>> + Send;
    /// Freezes it.
    fn pause(&self, reference: &str) -> impl Future<Output = Result<()>> + Send;
    /// Thaws it.
    fn unpause(&self, reference: &str) -> impl Future<Output = Result<()>> + Send;
    /// Gives it another name.
    fn rename(&self, reference: &str, name: &str) -> impl Future<Output = Result<()>> + Send;
    /// Changes its limits; returns warnings.
    fn update(
        &self,
        reference: &str,
        request: UpdateRequest,
    ) -> impl Future<Output = Result<Vec<String>>> + Send;
    /// Removes it.
    fn remove(&self, reference: &str, options: RemoveOptions) -> impl Future<Output = Result<()>> + Send;
    /// Everything about it.
    fn inspect(&self, reference: &str) -> impl Future<Output = Result<Arc<ContainerRecord>>> + Send;
    /// Those that fit the query, newest first.
    fn list(&self, query: &ListQuery) -> impl Future<Output = Result<Vec<Arc<ContainerRecord>>>> + Send;
    /// Bytes of its writable layer and of its whole file system.
    fn sizes(&self, record: &ContainerRecord) -> impl Future<Output = Result<(u64, u64)>> + Send;
    /// Registers a waiter.
    fn wait(&self, reference: &str, condition: WaitCondition)
    -> impl Future<Output = Result<Waiting>> + Send;
    /// Its processes as `ps` with these arguments shows them.
    fn top(&self, reference: &str, arguments: &str) -> impl Future<Output = Result<ProcessTable>> + Send;
    /// One sample of its use of the machine.
    fn stats(&self, reference: &str) -> impl Future<Output = Result<StatsSample>> + Send;
    /// What differs from its image.
    fn changes(&self, reference: &str) -> impl Future<Output = Result<Vec<PathChange>>> + Send;
    /// Its file system as a tar archive.
    fn export(&self, reference: &str) -> impl Future<Output = Result<ByteStream>> + Send;
    /// What a path in it is.
    fn archive_stat(&self, reference: &str, path: &str) -> impl Future<Output = Result<PathStat>> + Send;
    /// A path in it as a tar archive.
    fn archive_get(
        &self,
        reference: &str,
        path: &str,
    ) -> impl Future<Output = Result<(PathStat, ByteStream)>> + Send;
    /// Unpacks a tar archive in it.
    fn archive_put(
        &self,
        reference: &str,
        into: CopyInto,
        archive: ByteStream,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Resizes its terminal.
    fn resize(&self, reference: &str, rows: u16, columns: u16) -> impl Future<Output = Result<()>> + Send;
    /// Attaches a client.
    fn attach(
        &self,
        reference: &str,
        options: AttachOptions,
        stream: ClientStream,
    ) -> impl Future<Output = Handed> + Send;
    /// What it wrote so far.
    fn logs(&self, reference: &str, options: LogOptions) -> impl Future<Output = Result<ByteStream>> + Send;
    /// What it wrote and goes on to write.
    fn logs_follow(
        &self,
        reference: &str,
        options: LogOptions,
        stream: ClientStream,
    ) -> impl Future<Output = Handed> + Send;
    /// Makes an image of it; returns its id.
    fn commit(&self, reference: &str, options: CommitOptions) -> impl Future<Output = Result<String>> + Send;
    /// Removes those that do not run.
    fn prune(&self, filters: &Filters) -> impl Future<Output = Result<Pruned>> + Send;
}

/// A body as the engine reads it.
pub(crate) fn byte_stream(stream: impl Stream<Item = Result<bytes::Bytes>> + Send + 'static) -> ByteStream {
    Box::pin(stream)
}
