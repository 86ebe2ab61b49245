//! What happens in a build, as BuildKit tells it: vertices that start and complete, and their logs.

use bollard_buildkit_proto::google::protobuf::Timestamp;
use bollard_buildkit_proto::moby::buildkit::v1::{
    StatusResponse, Vertex, VertexLog, VertexStatus, VertexWarning,
};
use bollard_buildkit_proto::pb::{Position, Range};
use futures_util::Stream;
use futures_util::future::BoxFuture;
use sampan_build::{Event, What};
use sampan_dockerfile::Warning;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Bytes of a step's output that are kept and shown, as at BuildKit.
const LOG: usize = 2 << 20;
/// What reading the Dockerfile is called; what is wrong with it is said there.
pub(crate) const DEFINITION: &str = "[internal] load build definition from Dockerfile";

/// Everything that happened so far, for those who ask now and those who ask later.
#[derive(Debug)]
pub(crate) struct Progress {
    told: Mutex<Told>,
    /// How much was told; the highest number when nothing will follow.
    changed: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Told {
    responses: Vec<StatusResponse>,
    vertices: HashMap<usize, Vertex>,
    /// Bytes of output that were kept of each step.
    kept: HashMap<usize, usize>,
    /// Which stages have steps, to know whether their names are worth showing.
    stages: usize,
    secret: String,
}

impl Progress {
    /// Of a build with this reference; `stages` is how many its Dockerfile has.
    pub(crate) fn new(reference: &str) -> Self {
        let told = Told { secret: reference.to_owned(), ..Told::default() };
        Self { told: Mutex::new(told), changed: watch::Sender::new(0) }
    }

    /// How many stages there are.
    pub(crate) fn set_stages(&self, count: usize) {
        self.lock().stages = count;
    }

    /// Nothing more happens.
    pub(crate) fn end(&self) {
        self.changed.send_replace(usize::MAX);
    }

    /// Does something that is no step of the Dockerfile, and shows it under this name.
    pub(crate) async fn task<T, E: std::fmt::Display>(
        &self,
        name: &str,
        work: BoxFuture<'_, Result<T, E>>,
    ) -> Result<T, E> {
        let mut vertex = Vertex {
            digest: self.digest(name),
            name: name.to_owned(),
            started: Some(now()),
            ..Vertex::default()
        };
        self.say(vertex.clone());
        let result = work.await;
        vertex.completed = Some(now());
        if let Err(error) = &result {
            vertex.error = error.to_string();
        }
        self.say(vertex);
        result
    }

    /// Says something that belongs to no step.
    pub(crate) fn note(&self, text: &str) {
        self.say(Vertex {
            digest: self.digest(text),
            name: text.to_owned(),
            started: Some(now()),
            completed: Some(now()),
            ..Vertex::default()
        });
    }

    /// Tells how much came from the client for a task.
    pub(crate) fn transferred(&self, task: &str, bytes: u64) {
        let status = VertexStatus {
            id: "transferring context:".to_owned(),
            vertex: self.digest(task),
            current: i64::try_from(bytes).unwrap_or(i64::MAX),
            timestamp: Some(now()),
            started: Some(now()),
            completed: Some(now()),
            ..VertexStatus::default()
        };
        self.push(StatusResponse { statuses: vec![status], ..StatusResponse::default() });
    }

    /// Tells an event of the builder.
    pub(crate) fn event(&self, event: Event) {
        let Event { step, what } = event;
        match what {
            What::Begin(begin) => {
                let Some((place, of)) = begin.place else { return };
                let stages = self.lock().stages;
                let stage = if stages > 1 { format!("{} ", begin.stage) } else { String::new() };
                let digest = self.digest(&format!("step {step}"));
                let name = format!("[{stage}{place}/{of}] {}", begin.text);
                let vertex = Vertex { digest, name, started: Some(now()), ..Vertex::default() };
                self.lock().vertices.insert(step, vertex.clone());
                self.say(vertex);
            }
            What::Cached => self.change(step, |vertex| vertex.cached = true),
            What::End => self.change(step, |vertex| vertex.completed = Some(now())),
            What::Failed(message) => self.change(step, |vertex| {
                vertex.completed = Some(now());
                vertex.error = message;
            }),
            What::Output(output) => self.output(step, output.bytes),
            What::Note(text) if step == 0 => self.note(&text),
            What::Note(text) => self.log(step, format!("{text}\n").into_bytes()),
            What::Warning(warning) => self.warn(&warning),
            What::Running(_) | What::Image(_) => {}
        }
    }

    fn warn(&self, warning: &Warning) {
        let at = Position { line: i32::try_from(warning.line).unwrap_or_default(), character: 0 };
        let warning = VertexWarning {
            vertex: self.digest(DEFINITION),
            level: 1,
            short: format!("{}: {} (line {})", warning.rule, warning.message, warning.line).into_bytes(),
            url: warning.url(),
            ranges: vec![Range { start: Some(at), end: Some(at) }],
            ..VertexWarning::default()
        };
        self.push(StatusResponse { warnings: vec![warning], ..StatusResponse::default() });
    }

    fn change(&self, step: usize, change: impl FnOnce(&mut Vertex)) {
        let vertex = {
            let mut told = self.lock();
            let Some(vertex) = told.vertices.get_mut(&step) else { return };
            change(vertex);
            vertex.clone()
        };
        self.say(vertex);
    }

    /// What a program writes, up to what is kept for those who ask later.
    fn output(&self, step: usize, bytes: Vec<u8>) {
        let before = {
            let mut told = self.lock();
            let kept = told.kept.entry(step).or_default();
            let before = *kept;
            *kept += bytes.len();
            before
        };
        if before < LOG {
            self.log(step, bytes);
            if self.lock().kept.get(&step).is_some_and(|kept| *kept >= LOG) {
                self.log(
                    step,
                    format!("[output clipped, log limit {} MiB reached]\n", LOG >> 20).into_bytes(),
                );
            }
        }
    }

    fn log(&self, step: usize, msg: Vec<u8>) {
        let Some(vertex) = self.lock().vertices.get(&step).map(|vertex| vertex.digest.clone()) else {
            return;
        };
        let log = VertexLog { vertex, timestamp: Some(now()), stream: 1, msg };
        self.push(StatusResponse { logs: vec![log], ..StatusResponse::default() });
    }

    fn say(&self, vertex: Vertex) {
        self.push(StatusResponse { vertexes: vec![vertex], ..StatusResponse::default() });
    }

    fn push(&self, response: StatusResponse) {
        self.lock().responses.push(response);
        self.changed.send_modify(|count| *count = count.saturating_add(1));
    }

    /// Vertices are told apart by numbers that look like digests.
    fn digest(&self, of: &str) -> String {
        let secret = self.lock().secret.clone();
        format!("sha256:{}", hex::encode(Sha256::digest(format!("{secret} {of}"))))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything from the beginning, until the end.
    pub(crate) fn follow(self: Arc<Self>) -> impl Stream<Item = StatusResponse> + Send + 'static {
        let changed = self.changed.subscribe();
        futures_util::stream::unfold((self, changed, 0), |(progress, mut changed, given)| async move {
            loop {
                let is_over = *changed.borrow_and_update() == usize::MAX;
                let next = progress.lock().responses.get(given).cloned();
                if let Some(next) = next {
                    return Some((next, (progress, changed, given + 1)));
                }
                if is_over {
                    return None;
                }
                changed.changed().await.ok()?;
            }
        })
    }
}

fn now() -> Timestamp {
    let now = jiff::Timestamp::now();
    Timestamp { seconds: now.as_second(), nanos: now.subsec_nanosecond() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::StreamExt;
    use sampan_build::{Begin, Output};

    #[tokio::test]
    async fn too_much_output_is_cut_off() {
        let progress = Arc::new(Progress::new("x"));
        let begin = Begin {
            number: 1,
            total: 1,
            text: "RUN x".into(),
            stage: "a".into(),
            index: 0,
            place: Some((1, 1)),
        };
        progress.event(Event { step: 1, what: What::Begin(begin) });
        for _ in 0..300 {
            progress.event(Event { step: 1, what: What::Output(Output::new(vec![b'x'; 16 << 10])) });
        }
        progress.end();
        let logs = Arc::clone(&progress).follow().flat_map(|it| futures_util::stream::iter(it.logs));
        let all: Vec<u8> = logs.map(|log| log.msg).concat().await;
        assert!(all.len() < LOG + (32 << 10) && all.ends_with(b"log limit 2 MiB reached]\n"));
    }

    #[tokio::test]
    async fn all_is_told_to_those_who_come_late() {
        let progress = Arc::new(Progress::new("x"));
        progress.set_stages(2);
        let begin = |step, place| Event {
            step,
            what: What::Begin(Begin {
                number: step,
                total: 2,
                text: "RUN x".into(),
                stage: "one".into(),
                index: 0,
                place,
            }),
        };
        progress.event(begin(1, Some((1, 1))));
        progress.event(Event { step: 1, what: What::Output(Output::new(b"hi".to_vec())) });
        progress.event(Event { step: 1, what: What::End });
        // A step without files has no vertex, and neither has what it says.
        progress.event(begin(2, None));
        progress.event(Event { step: 2, what: What::Note("no".into()) });
        progress.end();
        let told: Vec<_> = Arc::clone(&progress).follow().collect().await;
        assert_eq!(told.len(), 3);
        assert_eq!(told[0].vertexes[0].name, "[one 1/1] RUN x");
        assert_eq!(told[1].logs[0].msg, b"hi");
        assert!(told[2].vertexes[0].completed.is_some());
    }
}
