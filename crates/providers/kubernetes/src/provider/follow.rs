//! What its pods print from now on: those that are there, and those that a watch tells of.

use super::logs::{is_asked, line};
use super::{Kubernetes, number, text};
use crate::client::{Kind, Lines, with_query};
use crate::names;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use sampan_provider::{Failure, LogLine, LogRequest, Result, Sink};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

/// Before a watch that ended is begun again.
const PAUSE: Duration = Duration::from_secs(1);

/// One run of a pod's container: its name, and how often it was started again.
type Run = (String, u32);

impl Kubernetes {
    /// Until nobody takes the lines, or the service is gone.
    pub(super) async fn follow(
        &self,
        name: &str,
        mut pods: Vec<Value>,
        mut version: String,
        request: &LogRequest,
        lines: Sink<LogLine>,
    ) -> Result<()> {
        let mut runs: BTreeSet<Run> = BTreeSet::new();
        let mut reading: FuturesUnordered<BoxFuture<'_, Result<()>>> = FuturesUnordered::new();
        let mut first = true;
        loop {
            for pod in std::mem::take(&mut pods) {
                if let Some(run) = run(&pod).filter(|run| !runs.contains(run)) {
                    runs.insert(run);
                    reading.push(Box::pin(self.follow_one(pod, name, request, first, lines.clone())));
                }
            }
            first = false;
            let path = self.client.path(Kind::POD, "").await?;
            let selector = names::selector(name);
            let words = [("watch", "true"), ("labelSelector", &selector), ("resourceVersion", &version)];
            let mut watch = self.client.lines(&with_query(&path, &words)).await?;
            while let Some(pod) = next_pod(&mut watch, &mut reading, &lines).await? {
                if let Some(run) = run(&pod).filter(|run| !runs.contains(run)) {
                    runs.insert(run);
                    reading.push(Box::pin(self.follow_one(pod, name, request, false, lines.clone())));
                }
            }
            if lines.is_closed() || tokio::time::timeout(PAUSE, lines.closed()).await.is_ok() {
                return Ok(());
            }
            match self.ours(name).await {
                Err(Failure::NotFound(_)) => return Ok(()),
                other => drop(other?),
            }
            (pods, version) = self.client.list(Kind::POD, &names::selector(name)).await?;
        }
    }

    /// One run. Of one that began later all of it is told, from its start.
    async fn follow_one(
        &self,
        pod: Value,
        service: &str,
        request: &LogRequest,
        first: bool,
        lines: Sink<LogLine>,
    ) -> Result<()> {
        let started = text(&pod, "/status/containerStatuses/0/state/running/startedAt");
        let from = (!first && !started.is_empty()).then_some(started.as_str());
        let Some(mut read) = self.log(&pod, service, request, from).await? else { return Ok(()) };
        let name = text(&pod, "/metadata/name");
        while let Some(bytes) = read.next().await? {
            let line = line(&name, &bytes);
            if request.until.is_some_and(|until| line.at >= until) {
                break;
            }
            if (!first || is_asked(&line, request)) && lines.send(line).await.is_err() {
                break;
            }
        }
        Ok(())
    }
}

/// Which run of its container a pod shows; `None` while there is none.
fn run(pod: &Value) -> Option<Run> {
    let status = pod.pointer("/status/containerStatuses/0")?;
    let begun = !status["state"]["running"].is_null() || !status["state"]["terminated"].is_null();
    begun.then(|| (text(pod, "/metadata/name"), number(status, "/restartCount")))
}

/// The next pod that a watch tells of, while what is read goes on; `None` when the watch ended, or nobody takes lines.
async fn next_pod(
    watch: &mut Lines,
    reading: &mut FuturesUnordered<BoxFuture<'_, Result<()>>>,
    lines: &Sink<LogLine>,
) -> Result<Option<Value>> {
    loop {
        tokio::select! {
            event = watch.next() => {
                // A watch that breaks off is begun again.
                let Ok(Some(event)) = event else { return Ok(None) };
                let event: Value = serde_json::from_slice(&event).unwrap_or_default();
                match event["type"].as_str() {
                    Some("ADDED" | "MODIFIED") => return Ok(Some(event["object"].clone())),
                    Some("ERROR") => return Ok(None),
                    _ => {}
                }
            }
            Some(read) = reading.next() => {
                // A pod's stream that breaks off is its node's affair; the others go on.
                if let Err(failure) = read
                    && !matches!(failure, Failure::Transport(_) | Failure::Provider { .. })
                {
                    return Err(failure);
                }
            }
            () = lines.closed() => return Ok(None),
        }
    }
}
