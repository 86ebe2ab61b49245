//! The real engine's containers behind the interface of these routes.

use super::backend::{Backend, Handed, Waiting};
use sampan_engine::containers::{
    AttachOptions, ClientStream, CommitOptions, ContainerRecord, CopyInto, Created, Filters, ListQuery,
    LogOptions, PathChange, PathStat, ProcessTable, Pruned, RemoveOptions, StatsSample, StopOptions,
    UpdateRequest, WaitCondition,
};
use sampan_engine::spec::ContainerSpec;
use sampan_engine::{ByteStream, Engine};
use sampan_error::Result;
use std::sync::Arc;

impl Backend for Engine {
    async fn create(&self, name: Option<String>, spec: ContainerSpec) -> Result<Created> {
        Engine::create(self, name, spec).await
    }

    async fn start(&self, reference: &str) -> Result<()> {
        Engine::start(self, reference).await
    }

    async fn stop(&self, reference: &str, options: StopOptions) -> Result<()> {
        Engine::stop(self, reference, options).await
    }

    async fn restart(&self, reference: &str, options: StopOptions) -> Result<()> {
        Engine::restart(self, reference, options).await
    }

    async fn kill(&self, reference: &str, signal: Option<&str>) -> Result<()> {
        Engine::kill(self, reference, signal).await
    }

    async fn pause(&self, reference: &str) -> Result<()> {
        Engine::pause(self, reference).await
    }

    async fn unpause(&self, reference: &str) -> Result<()> {
        Engine::unpause(self, reference).await
    }

    async fn rename(&self, reference: &str, name: &str) -> Result<()> {
        Engine::rename(self, reference, name).await
    }

    async fn update(&self, reference: &str, request: UpdateRequest) -> Result<Vec<String>> {
        Engine::update(self, reference, request).await
    }

    async fn remove(&self, reference: &str, options: RemoveOptions) -> Result<()> {
        Engine::remove(self, reference, options).await
    }

    async fn inspect(&self, reference: &str) -> Result<Arc<ContainerRecord>> {
        Engine::inspect(self, reference).await
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Arc<ContainerRecord>>> {
        Engine::list(self, query).await
    }

    async fn sizes(&self, record: &ContainerRecord) -> Result<(u64, u64)> {
        Engine::sizes(self, record).await
    }

    async fn wait(&self, reference: &str, condition: WaitCondition) -> Result<Waiting> {
        let waiting = Engine::wait(self, reference, condition).await?;
        Ok(Box::pin(waiting))
    }

    async fn top(&self, reference: &str, arguments: &str) -> Result<ProcessTable> {
        Engine::top(self, reference, arguments).await
    }

    async fn stats(&self, reference: &str) -> Result<StatsSample> {
        Engine::stats(self, reference).await
    }

    async fn changes(&self, reference: &str) -> Result<Vec<PathChange>> {
        Engine::changes(self, reference).await
    }

    async fn export(&self, reference: &str) -> Result<ByteStream> {
        Engine::export(self, reference).await
    }

    async fn archive_stat(&self, reference: &str, path: &str) -> Result<PathStat> {
        Engine::archive_stat(self, reference, path).await
    }

    async fn archive_get(&self, reference: &str, path: &str) -> Result<(PathStat, ByteStream)> {
        Engine::archive_get(self, reference, path).await
    }

    async fn archive_put(&self, reference: &str, into: CopyInto, archive: ByteStream) -> Result<()> {
        Engine::archive_put(self, reference, into, archive).await
    }

    async fn resize(&self, reference: &str, rows: u16, columns: u16) -> Result<()> {
        Engine::resize(self, reference, rows, columns).await
    }

    async fn attach(&self, reference: &str, options: AttachOptions, stream: ClientStream) -> Handed {
        Engine::attach(self, reference, options, stream).await
    }

    async fn logs(&self, reference: &str, options: LogOptions) -> Result<ByteStream> {
        Engine::logs(self, reference, options).await
    }

    async fn logs_follow(&self, reference: &str, options: LogOptions, stream: ClientStream) -> Handed {
        Engine::logs_follow(self, reference, options, stream).await
    }

    async fn commit(&self, reference: &str, options: CommitOptions) -> Result<String> {
        Engine::commit(self, reference, options).await
    }

    async fn prune(&self, filters: &Filters) -> Result<Pruned> {
        Engine::prune_containers(self, filters).await
    }
}
