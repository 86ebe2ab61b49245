//! Handlers: parse, call, convert.

use super::backend::Backend;
use super::wire::{GroupBody, PlanBody, ScaleBody, UpdateBody};
use crate::http::{Call, Outcome, reply};
use crate::images::progress;
use crate::images::wire::Progress;
use sampan_error::{Error, Result};
use sampan_fleet::Report;
use std::future::Future;
use tokio::sync::mpsc::unbounded_channel;

/// `GET /sampan/groups`
pub(super) async fn groups<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let groups = call.engine.groups().await?;
    Ok(reply::ok(&groups.into_iter().map(GroupBody::from).collect::<Vec<_>>())?.into())
}

/// `GET /sampan/containers/{name}/replicas`
pub(super) async fn replicas<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let group = call.engine.replicas(&call.parameter("name")).await?;
    Ok(reply::ok(&GroupBody::from(group))?.into())
}

/// `POST /sampan/containers/{name}/scale`
pub(super) async fn scale<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: ScaleBody = call.json().await?;
    let (engine, name, request) = (call.engine.clone(), call.parameter("name"), body.request());
    if body.dry_run {
        return Ok(reply::ok(&PlanBody::from(engine.plan_scale(&name, &request).await?))?.into());
    }
    told(|report| async move { engine.scale(&name, &request, &report).await.map(drop) }).await
}

/// `POST /sampan/containers/{name}/update`
pub(super) async fn update<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: UpdateBody = call.json().await?;
    let (engine, name, request) = (call.engine.clone(), call.parameter("name"), body.request());
    if body.dry_run {
        return Ok(reply::ok(&PlanBody::from(engine.plan_update(&name, &request).await?))?.into());
    }
    told(|report| async move { engine.roll(&name, &request, &report).await.map(drop) }).await
}

/// Does it, telling its steps. A client that goes away ends the telling, not the work.
pub(crate) async fn told<F>(work: impl FnOnce(Report) -> F) -> Result<Outcome>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (lines, steps) = unbounded_channel();
    let task = tokio::spawn(work(Report::new(lines)));
    let waiting = async move {
        task.await.unwrap_or_else(|panic| {
            Err(Error::internal("the daemon met a bug while it changed replicas; see its log")
                .caused_by(panic))
        })
    };
    let show = |line: String| Some(Progress { stream: Some(line + "\n"), ..Progress::default() });
    progress::run(waiting, steps, show).await
}
