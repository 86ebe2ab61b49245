//! What lives at a target.

use super::backend::Backend;
use super::wire::{self, AutoscaleServiceBody, ScaleServiceBody};
use crate::http::{Call, Outcome, environment, reply};
use futures_util::stream;
use sampan_error::{Error, Result};
use sampan_provider::{Failure, LogRequest, Provider, Target};
use std::sync::Arc;
use tokio::sync::mpsc::channel;

fn provider<E: Backend>(call: &Call<E>) -> Result<(Target, Arc<dyn Provider>, String)> {
    let (target, provider) = call.engine.provider(&call.parameter("target"), &environment(call)?)?;
    Ok((target, provider, call.parameter("name")))
}

/// `GET /sampan/targets/{target}/services`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (target, provider, _) = provider(&call)?;
    let all = provider.list().await?;
    Ok(reply::ok(&all.iter().map(|one| wire::service(one, &target)).collect::<Vec<_>>())?.into())
}

/// `GET …/services/{name}`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (target, provider, name) = provider(&call)?;
    Ok(reply::ok(&wire::service(&provider.describe(&name).await?, &target))?.into())
}

/// `DELETE …/services/{name}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (target, provider, name) = provider(&call)?;
    let lived_there = call.engine.moved(&name).is_some_and(|moved| moved.target == target.name);
    match provider.describe(&name).await {
        // Somebody removed it there already: what is left of it here goes.
        Err(Failure::NotFound(_)) if lived_there => {}
        other => drop(other?),
    }
    provider.remove(&name, call.query.get("v") == "1").await?;
    if lived_there {
        call.engine.end_moved(&name).await?;
    }
    Ok(reply::no_content().into())
}

/// `GET …/instances`
pub(super) async fn instances<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (_, provider, name) = provider(&call)?;
    let all = provider.instances(&name).await?;
    Ok(reply::ok(&all.iter().map(wire::instance).collect::<Vec<_>>())?.into())
}

/// `GET …/usage`
pub(super) async fn usage<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (_, provider, name) = provider(&call)?;
    let all = provider.usage(&name).await?;
    Ok(reply::ok(&all.iter().map(wire::usage).collect::<Vec<_>>())?.into())
}

/// `GET …/logs`: one JSON object in each line.
pub(super) async fn logs<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (_, provider, name) = provider(&call)?;
    // Whether it is there is known before the first line.
    provider.describe(&name).await?;
    let nanoseconds = |field: &str| {
        let text = call.query.get(field);
        let (seconds, rest) = text.split_once('.').unwrap_or((text, ""));
        let rest: i64 = format!("{rest:0<9}").get(..9).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        seconds.parse::<i64>().ok().map(|seconds| seconds.saturating_mul(1_000_000_000) + rest)
    };
    let request = LogRequest {
        follow: call.query.get("follow") == "1",
        tail: call.query.get("tail").parse().ok(),
        since: nanoseconds("since"),
        until: nanoseconds("until"),
    };
    let (sender, receiver) = channel(256);
    let task = tokio::spawn(async move { provider.logs(&name, &request, sender).await });
    let lines = stream::unfold((receiver, Some(task)), |(mut receiver, mut task)| async move {
        if let Some(line) = receiver.recv().await {
            return Some((reply::line(&wire::line(&line), "\n"), (receiver, task)));
        }
        let failure = match task.take()?.await {
            Ok(Ok(())) => return None,
            Ok(Err(failure)) => Error::from(failure),
            Err(panic) => {
                Error::internal("the daemon met a bug while it read logs; see its log").caused_by(panic)
            }
        };
        let said = serde_json::json!({"error": failure.message()});
        Some((reply::line(&said, "\n"), (receiver, None)))
    });
    Ok(reply::stream("application/json", lines).into())
}

/// `POST …/start`
pub(super) async fn start<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (target, provider, name) = provider(&call)?;
    provider.start(&name).await?;
    if call.engine.moved(&name).is_some_and(|moved| moved.target == target.name) {
        call.engine.pause_moved(&name, false).await?;
    }
    Ok(reply::no_content().into())
}

/// `POST …/stop`
pub(super) async fn stop<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (target, provider, name) = provider(&call)?;
    if call.engine.moved(&name).is_some_and(|moved| moved.target == target.name) {
        call.engine.pause_moved(&name, true).await?;
    }
    provider.stop(&name).await?;
    Ok(reply::no_content().into())
}

/// `POST …/rollback`
pub(super) async fn roll_back<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (target, provider, name) = provider(&call)?;
    Ok(reply::ok(&wire::service(&provider.roll_back(&name).await?, &target))?.into())
}

/// `POST …/scale`
pub(super) async fn scale<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: ScaleServiceBody = call.json().await?;
    let (_, provider, name) = provider(&call)?;
    provider.scale(&name, body.replicas).await?;
    Ok(reply::no_content().into())
}

/// `POST …/autoscale`
pub(super) async fn autoscale<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: AutoscaleServiceBody = call.json().await?;
    let policy = body.policy();
    if policy.most == 0 || policy.least > policy.most {
        return Err(Error::invalid("the most replicas are at least 1, and not fewer than the least"));
    }
    let (_, provider, name) = provider(&call)?;
    provider.autoscale(&name, &policy).await?;
    Ok(reply::no_content().into())
}
