//! An engine that does as it is told.

use crate::containers::backend::{Backend, Handed, Waiting};
use futures_util::StreamExt;
use sampan_engine::ByteStream;
use sampan_engine::containers::{
    AttachOptions, ChangeKind, ClientStream, CommitOptions, ContainerRecord, CopyInto, Created, Filters,
    ListQuery, LogOptions, PathChange, PathStat, ProcessTable, Pruned, RemoveOptions, StatsSample, Status,
    StopOptions, UpdateRequest, WaitCondition, WaitResult,
};
use sampan_engine::events::Event;
use sampan_engine::spec::ContainerSpec;
use sampan_error::{Error, Kind, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use tokio::sync::{Notify, broadcast};

/// The engine; all clones are the same.
#[derive(Clone)]
pub(crate) struct FakeEngine {
    pub(crate) state: Arc<Mutex<State>>,
    /// Ends containers that are waited for.
    pub(crate) exit: Arc<Notify>,
    pub(crate) live_events: broadcast::Sender<Arc<Event>>,
}

/// What it knows and what was asked of it.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) containers: Vec<Arc<ContainerRecord>>,
    pub(crate) created: Vec<(Option<String>, ContainerSpec)>,
    /// Calls in words.
    pub(crate) calls: Vec<String>,
    /// Fails the next call of this name.
    pub(crate) failures: BTreeMap<&'static str, (Kind, &'static str)>,
    pub(crate) past_events: Vec<Arc<Event>>,
    pub(crate) execs: BTreeMap<String, sampan_engine::containers::ExecState>,
    pub(crate) images: Vec<sampan_image::Summary>,
    pub(crate) load_steps: usize,
    pub(crate) samples: u64,
}

impl Default for FakeEngine {
    fn default() -> Self {
        let state = State { containers: vec![Arc::new(container("web"))], ..State::default() };
        Self {
            state: Arc::new(Mutex::new(state)),
            exit: Arc::default(),
            live_events: broadcast::Sender::new(16),
        }
    }
}

/// A running container.
pub(crate) fn container(name: &str) -> ContainerRecord {
    let mut record = ContainerRecord { id: "c".repeat(64), name: name.into(), ..ContainerRecord::default() };
    record.state.status = Status::Running;
    record.spec.image = "busybox".into();
    record.image_id = format!("sha256:{}", "1".repeat(64));
    record.resolved.args = vec!["sh".into()];
    record.created = 1_700_000_000_000_000_000;
    record
}

impl FakeEngine {
    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().expect("the state"))
    }

    /// Notes a call, and fails if it shall.
    pub(super) fn call(&self, name: &'static str, words: &str) -> Result<()> {
        self.with(|state| {
            state.calls.push(format!("{name} {words}").trim().to_owned());
            match state.failures.remove(name) {
                Some((kind, text)) => Err(Error::new(kind, text)),
                None => Ok(()),
            }
        })
    }

    /// The calls so far.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.with(|state| state.calls.clone())
    }

    /// Fails the next call of this name.
    pub(crate) fn fail(&self, name: &'static str, kind: Kind, text: &'static str) {
        self.with(|state| state.failures.insert(name, (kind, text)));
    }

    fn find(&self, reference: &str) -> Result<Arc<ContainerRecord>> {
        let found = self.with(|state| {
            state.containers.iter().find(|it| it.name == reference || it.id.starts_with(reference)).cloned()
        });
        found.ok_or_else(|| Error::not_found(format!("No such container: {reference}")))
    }

    /// A client whose connection was handed over gets the head, and back what it sends, up to its end; then
    /// `bye`.
    pub(super) fn echo(stream: ClientStream) {
        std::thread::spawn(move || {
            let socket = std::os::unix::net::UnixStream::from(stream.socket);
            socket.set_nonblocking(false).expect("blocking");
            let mut writer = &socket;
            writer.write_all(&stream.prologue).expect("the head");
            writer.write_all(&stream.read_ahead).expect("what came ahead");
            let mut reader = socket.try_clone().expect("a copy");
            std::io::copy(&mut reader, &mut writer).expect("echoed");
            writer.write_all(b"bye").expect("the end");
        });
    }
}

/// A stream of these bytes.
pub(super) fn bytes(text: &'static str) -> ByteStream {
    Box::pin(futures_util::stream::iter([Ok(text.into())]))
}

/// All of a stream.
pub(super) async fn all(mut stream: ByteStream) -> Result<String> {
    let mut text = String::new();
    while let Some(chunk) = stream.next().await {
        text.push_str(&String::from_utf8_lossy(&chunk?));
    }
    Ok(text)
}

impl Backend for FakeEngine {
    async fn create(&self, name: Option<String>, spec: ContainerSpec) -> Result<Created> {
        self.call("create", name.as_deref().unwrap_or(""))?;
        self.with(|state| state.created.push((name, spec)));
        Ok(Created { id: "d".repeat(64), warnings: Vec::new() })
    }

    async fn start(&self, reference: &str) -> Result<()> {
        self.call("start", reference)
    }

    async fn stop(&self, reference: &str, options: StopOptions) -> Result<()> {
        self.call("stop", &format!("{reference} {:?} {:?}", options.timeout, options.signal))
    }

    async fn restart(&self, reference: &str, _options: StopOptions) -> Result<()> {
        self.call("restart", reference)
    }

    async fn kill(&self, reference: &str, signal: Option<&str>) -> Result<()> {
        self.call("kill", &format!("{reference} {signal:?}"))
    }

    async fn pause(&self, reference: &str) -> Result<()> {
        self.call("pause", reference)
    }

    async fn unpause(&self, reference: &str) -> Result<()> {
        self.call("unpause", reference)
    }

    async fn rename(&self, reference: &str, name: &str) -> Result<()> {
        self.call("rename", &format!("{reference} {name}"))
    }

    async fn update(&self, reference: &str, request: UpdateRequest) -> Result<Vec<String>> {
        self.call("update", &format!("{reference} {}", request.resources.memory))?;
        Ok(vec!["a warning".into()])
    }

    async fn remove(&self, reference: &str, options: RemoveOptions) -> Result<()> {
        self.call("remove", &format!("{reference} {options:?}"))
    }

    async fn inspect(&self, reference: &str) -> Result<Arc<ContainerRecord>> {
        self.find(reference)
    }

    async fn list(&self, query: &ListQuery) -> Result<Vec<Arc<ContainerRecord>>> {
        self.call("list", &format!("{} {:?} {:?}", query.all, query.limit, query.filters))?;
        Ok(self.with(|state| state.containers.clone()))
    }

    async fn sizes(&self, _record: &ContainerRecord) -> Result<(u64, u64)> {
        self.call("sizes", "")?;
        Ok((1, 2))
    }

    async fn wait(&self, reference: &str, condition: WaitCondition) -> Result<Waiting> {
        self.call("wait", &format!("{reference} {condition:?}"))?;
        self.find(reference)?;
        let exit = self.exit.clone();
        Ok(Box::pin(async move {
            exit.notified().await;
            WaitResult { status_code: 7, error: None }
        }))
    }

    async fn top(&self, _reference: &str, arguments: &str) -> Result<ProcessTable> {
        self.call("top", arguments)?;
        Ok(ProcessTable { titles: vec!["PID".into()], processes: vec![vec!["1".into()]] })
    }

    async fn stats(&self, _reference: &str) -> Result<StatsSample> {
        let read = self.with(|state| {
            state.samples += 1;
            state.samples
        });
        let read = i64::try_from(read).expect("small") * 1_000_000_000;
        Ok(StatsSample { read, system_cpu: 9, online_cpus: 2, machine_memory: 8, ..StatsSample::default() })
    }

    async fn changes(&self, _reference: &str) -> Result<Vec<PathChange>> {
        Ok(vec![PathChange { path: "/new".into(), kind: ChangeKind::Added }])
    }

    async fn export(&self, _reference: &str) -> Result<ByteStream> {
        Ok(bytes("a tar"))
    }

    async fn archive_stat(&self, _reference: &str, path: &str) -> Result<PathStat> {
        self.call("archive_stat", path)?;
        Ok(PathStat { name: "hosts".into(), size: 3, mode: 0o644, modified: 0, link_target: String::new() })
    }

    async fn archive_get(&self, reference: &str, path: &str) -> Result<(PathStat, ByteStream)> {
        Ok((self.archive_stat(reference, path).await?, bytes("a tar")))
    }

    async fn archive_put(&self, _reference: &str, into: CopyInto, archive: ByteStream) -> Result<()> {
        let archive = all(archive).await?;
        self.call(
            "archive_put",
            &format!(
                "{} {} {} {archive}",
                into.path.display(),
                into.no_overwrite_dir_non_dir,
                into.copy_uid_gid
            ),
        )
    }

    async fn resize(&self, reference: &str, rows: u16, columns: u16) -> Result<()> {
        self.call("resize", &format!("{reference} {rows} {columns}"))
    }

    async fn attach(&self, reference: &str, options: AttachOptions, stream: ClientStream) -> Handed {
        match self
            .call("attach", &format!("{reference} stdin={} keys={:?}", options.stdin, options.detach_keys))
        {
            Ok(()) => {
                Self::echo(stream);
                Ok(())
            }
            Err(error) => Err((error, Some(stream))),
        }
    }

    async fn logs(&self, _reference: &str, options: LogOptions) -> Result<ByteStream> {
        self.call("logs", &format!("{} {} {:?}", options.since, options.until, options.tail))?;
        Ok(bytes("\u{1}\0\0\0\0\0\0\u{2}hi"))
    }

    async fn logs_follow(&self, reference: &str, _options: LogOptions, stream: ClientStream) -> Handed {
        match self.call("logs_follow", reference) {
            Ok(()) => {
                Self::echo(stream);
                Ok(())
            }
            Err(error) => Err((error, Some(stream))),
        }
    }

    async fn commit(&self, reference: &str, options: CommitOptions) -> Result<String> {
        self.call("commit", &format!("{reference} {:?} pause={}", options.reference, options.pause))?;
        Ok("sha256:1".into())
    }

    async fn prune(&self, _filters: &Filters) -> Result<Pruned> {
        Ok(Pruned::default())
    }
}
