//! Targets and the simulated cloud.

use super::backend::Backend;
use super::wire::{self, TargetBody};
use crate::fleet::told;
use crate::http::{Call, Outcome, environment, reply};
use sampan_error::Result;
use serde_json::Value;

/// `GET /sampan/targets`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let all: Vec<Value> = call.engine.targets().iter().map(wire::target).collect();
    Ok(reply::ok(&all)?.into())
}

/// `POST /sampan/targets`
pub(super) async fn create<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: TargetBody = call.json().await?;
    let made = call.engine.create_target(body.target()).await?;
    Ok(reply::ok(&wire::target(&made))?.into())
}

/// `GET /sampan/targets/{target}`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    Ok(reply::ok(&wire::target(&call.engine.target(&call.parameter("target"))?))?.into())
}

/// `DELETE /sampan/targets/{target}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.remove_target(&call.parameter("target")).await?;
    Ok(reply::no_content().into())
}

/// `GET /sampan/targets/{target}/check`
pub(super) async fn check<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (target, provider) = call.engine.provider(&call.parameter("target"), &environment(&call)?)?;
    let identity = provider.identify().await?;
    let able = provider.capabilities();
    let mut body = wire::identity(&identity);
    body["Simulated"] = target.simulated.into();
    body["Capabilities"] = serde_json::to_value(able).unwrap_or_default();
    Ok(reply::ok(&body)?.into())
}

/// `POST /sampan/targets/{target}/check`: tries it with a small container, telling what is found.
pub(super) async fn try_it<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (engine, target, environment) = (call.engine.clone(), call.parameter("target"), environment(&call)?);
    told(|report| async move {
        engine.try_target(&target, &environment, &report).await?;
        report.say(format!("{target}: it does everything as it should"));
        Ok(())
    })
    .await
}

/// `GET /sampan/targets/{target}/resources`
pub(super) async fn resources<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (_, provider) = call.engine.provider(&call.parameter("target"), &environment(&call)?)?;
    let mut all = provider.resources().await?;
    all.sort();
    Ok(reply::ok(&all.iter().map(wire::resource).collect::<Vec<_>>())?.into())
}

/// `GET /sampan/cloudsim`
pub(super) async fn simulation<E: Backend>(call: Call<E>) -> Result<Outcome> {
    Ok(reply::ok(&wire::simulation(call.engine.simulation().as_ref()))?.into())
}

/// `POST /sampan/cloudsim`
pub(super) async fn simulate<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let state = call.engine.simulate().await?;
    Ok(reply::ok(&wire::simulation(Some(&state)))?.into())
}

/// `DELETE /sampan/cloudsim`
pub(super) async fn end_simulation<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.end_simulation().await?;
    Ok(reply::no_content().into())
}
