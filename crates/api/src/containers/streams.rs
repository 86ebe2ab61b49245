//! Handlers that go on: attach, logs, wait, stats.

use super::backend::Backend;
use super::{convert, wire};
use crate::http::time::unix;
use crate::http::{Body, Call, Form, Outcome, Version, hijack, reply};
use futures_util::stream;
use hyper::StatusCode;
use sampan_engine::containers::{
    AttachOptions, ContainerRecord, LogOptions, StatsSample, WaitCondition, WaitResult,
};
use sampan_error::{Error, Kind, Result};
use std::sync::Arc;
use std::time::Duration;

/// Time between two samples.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// `POST /containers/{id}/attach`
pub(super) async fn attach<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    // The body belongs to the request: what is left of it would be read as input.
    call.bytes().await?;
    let id = call.parameter("id");
    let record = call.engine.inspect(&id).await?;
    let options = attach_options(&call.query);
    let multiplexed = !record.spec.process.tty;
    let prologue = hijack::prologue(call.wants_upgrade(), call.version, multiplexed);
    let engine = call.engine;
    Ok(Outcome::hijack(move |taken| async move {
        let stream = taken.into_client_stream(prologue, multiplexed);
        if let Err((error, stream)) = engine.attach(&id, options, stream).await {
            hijack::refuse(stream, &error);
        }
    }))
}

fn attach_options(query: &Form) -> AttachOptions {
    AttachOptions {
        logs: query.flag("logs"),
        stream: query.flag("stream"),
        stdin: query.flag("stdin"),
        stdout: query.flag("stdout"),
        stderr: query.flag("stderr"),
        detach_keys: query.text("detachKeys").map(str::to_owned),
    }
}

/// `GET /containers/{id}/logs`
pub(super) async fn logs<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let options = log_options(&call.query)?;
    let id = call.parameter("id");
    let record = call.engine.inspect(&id).await?;
    let multiplexed = !record.spec.process.tty;
    let content_type = hijack::content_type(call.version, multiplexed);
    if !options.follow {
        let logs = call.engine.logs(&id, options).await?;
        return Ok(reply::stream(content_type, logs).into());
    }
    // The socket goes to the container's supervisor, so that the stream outlives us. Its end is the end of
    // the connection, which is the third way of HTTP/1.1 to frame a body.
    let prologue = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nConnection: close\r\n{}\r\n",
        crate::server::headers::text()
    );
    let engine = call.engine;
    Ok(Outcome::hijack(move |taken| async move {
        let stream = taken.into_client_stream(prologue.into_bytes(), multiplexed);
        if let Err((error, stream)) = engine.logs_follow(&id, options, stream).await {
            hijack::refuse(stream, &error);
        }
    }))
}

fn log_options(query: &Form) -> Result<LogOptions> {
    let options = LogOptions {
        follow: query.flag("follow"),
        stdout: query.flag("stdout"),
        stderr: query.flag("stderr"),
        since: time(query, "since")?,
        until: time(query, "until")?,
        // A word that is no number, such as `all`, is all of it.
        tail: query.text("tail").and_then(|tail| tail.parse().ok()),
        timestamps: query.flag("timestamps"),
        details: query.flag("details"),
    };
    if !options.stdout && !options.stderr {
        return Err(Error::invalid("Bad parameters: you must choose at least one stream"));
    }
    Ok(options)
}

fn time(query: &Form, name: &str) -> Result<i64> {
    let Some(text) = query.text(name) else { return Ok(0) };
    unix(text)
        .ok_or_else(|| Error::invalid(format!("invalid value for {name:?}: {text:?} is not a Unix time")))
}

/// `POST /containers/{id}/wait`
pub(super) async fn wait<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let before_conditions = call.version < Version(30);
    let condition = match call.query.get("condition") {
        _ if before_conditions => WaitCondition::NotRunning,
        "" | "not-running" => WaitCondition::NotRunning,
        "next-exit" => WaitCondition::NextExit,
        "removed" => WaitCondition::Removed,
        other => return Err(Error::invalid(format!("invalid condition: {other:?}"))),
    };
    let waiting = call.engine.wait(&call.parameter("id"), condition).await?;
    // A failed removal was told by an empty answer then.
    let silent = condition == WaitCondition::Removed && call.version < Version(34);
    let answer = move |result: WaitResult| {
        if silent && result.error.is_some() {
            return Ok(bytes::Bytes::new());
        }
        let error = result.error.map(|message| wire::WaitError { message });
        reply::line(&wire::Wait { status_code: result.status_code, error }, "\n")
    };
    if before_conditions {
        let body = answer(waiting.await)?;
        return Ok(reply::with(StatusCode::OK, "application/json", Body::full(body)).into());
    }
    let body = stream::once(async move { answer(waiting.await) });
    Ok(reply::stream("application/json", body).into())
}

/// `GET /containers/{id}/stats`
pub(super) async fn stats<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let streaming = call.query.flag_or("stream", true);
    let one_shot = call.version >= Version(41) && call.query.flag("one-shot");
    let record = call.engine.inspect(&call.parameter("id")).await?;
    let (engine, id) = (call.engine, record.id.clone());
    if streaming {
        let samples = Samples { engine, id, before: None, first: true };
        return Ok(reply::stream("application/json", stream::unfold(samples, Samples::next)).into());
    }
    let Some(mut sample) = sample(&engine, &id).await? else {
        return Ok(reply::ok(&convert::without_container(&record))?.into());
    };
    let mut before = None;
    if !one_shot {
        // Usage is a difference, so there are two samples.
        tokio::time::sleep(SAMPLE_INTERVAL).await;
        before = Some(sample);
        sample = match self::sample(&engine, &id).await? {
            Some(sample) => sample,
            None => return Ok(reply::ok(&convert::without_container(&record))?.into()),
        };
    }
    Ok(reply::ok(&convert::stats(&record, &sample, before.as_ref()))?.into())
}

/// One sample; `None` when the container does not run.
async fn sample<E: Backend>(engine: &E, id: &str) -> Result<Option<StatsSample>> {
    match engine.stats(id).await {
        Ok(sample) => Ok(Some(sample)),
        Err(error) if error.kind() == Kind::Conflict => Ok(None),
        Err(error) => Err(error),
    }
}

/// Samples once a second until the container is removed.
struct Samples<E> {
    engine: E,
    id: String,
    before: Option<StatsSample>,
    first: bool,
}

impl<E: Backend> Samples<E> {
    async fn next(mut self) -> Option<(Result<bytes::Bytes>, Self)> {
        if !std::mem::take(&mut self.first) {
            tokio::time::sleep(SAMPLE_INTERVAL).await;
        }
        let line = match self.line().await {
            Ok(line) => line,
            Err(error) if error.kind() == Kind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, container = self.id, "statistics end early");
                return None;
            }
        };
        Some((Ok(line), self))
    }

    async fn line(&mut self) -> Result<bytes::Bytes> {
        let record: Arc<ContainerRecord> = self.engine.inspect(&self.id).await?;
        let sample = if record.is_running() { sample(&self.engine, &self.id).await? } else { None };
        let line = match &sample {
            Some(sample) => convert::stats(&record, sample, self.before.as_ref()),
            None => convert::without_container(&record),
        };
        self.before = sample;
        reply::line(&line, "\n")
    }
}
