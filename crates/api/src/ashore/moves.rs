//! Containers that move, and where those that moved live.

use super::backend::Backend;
use super::push::shown;
use super::wire::{self, LeaseBody, MoveBody, UpdateServiceBody};
use crate::fleet::{StandbyBody, told};
use crate::http::{Call, Outcome, environment, reply};
use sampan_error::{Error, Result};
use sampan_fleet::{HERE, StandbyRequest};
use sampan_provider::Lease;
use serde_json::Value;

/// `POST /sampan/containers/{name}/move`
pub(super) async fn start<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: MoveBody = call.json().await?;
    let environment = environment(&call)?;
    let (engine, name, options) = (call.engine.clone(), call.parameter("name"), body.options());
    if body.target.is_empty() {
        return Err(Error::invalid("say where to: the name of a target, or \"local\" for back here"));
    }
    if body.dry_run {
        let plan = engine.plan_move(&name, &body.target, &options, &environment).await?;
        return Ok(reply::ok(&wire::plan(&plan))?.into());
    }
    told(|report| async move {
        let arrival = engine.move_container(&name, &body.target, &options, &environment, &report).await?;
        if arrival.target != HERE {
            for address in &arrival.addresses {
                report.say(shown(&name, &arrival.target, address));
            }
        }
        if arrival.relayed {
            report.say(format!("{name}: what comes here is passed on there"));
        }
        report.say(match arrival.waited {
            0 => format!("{name} lives at {}; downtime: none", arrival.target),
            waited => format!(
                "{name} lives at {}; downtime: {waited} ms, in which connections waited",
                arrival.target
            ),
        });
        Ok(())
    })
    .await
}

/// `POST /sampan/containers/{name}/standby`: a copy at a target is brought up to date.
pub(super) async fn standby<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: StandbyBody = call.json().await?;
    let environment = environment(&call)?;
    let (engine, name) = (call.engine.clone(), call.parameter("name"));
    let request = StandbyRequest { target: body.target, failover: body.failover };
    told(|report| async move {
        let outcome = engine.keep_warm(&name, &request, &environment, &report).await?;
        report.say(format!("{name}: {outcome}"));
        Ok(())
    })
    .await
}

/// `POST /sampan/leases/{name}`: another engine asks for the lease of a container that is kept ready here.
pub(super) async fn lease<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: LeaseBody = call.json().await?;
    let lease = Lease { name: call.parameter("name"), holder: body.holder, epoch: 0, seconds: body.seconds };
    Ok(reply::ok(&wire::lease(&call.engine.grant(lease).await?))?.into())
}

/// `GET /sampan/containers/{name}/place`: where one lives that was moved away.
pub(super) async fn place<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let name = call.parameter("name");
    let moved =
        call.engine.moved(&name).ok_or_else(|| Error::not_found(format!("No such container: {name}")))?;
    Ok(reply::ok(&wire::moved(&moved))?.into())
}

/// `GET /sampan/moved`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    Ok(reply::ok(&call.engine.all_moved().iter().map(wire::moved).collect::<Vec<Value>>())?.into())
}

/// `POST …/services/{name}/update`: one that was moved there is brought up to date.
pub(super) async fn update<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: UpdateServiceBody = call.optional_json().await?;
    let environment = environment(&call)?;
    let (engine, name, target) = (call.engine.clone(), call.parameter("name"), call.parameter("target"));
    if engine.moved(&name).is_none_or(|moved| moved.target != target) {
        return Err(Error::conflict(format!(
            "{name} was not moved to {target}: update it here, and `sampan container push -a {target} {name}` brings it there"
        )));
    }
    told(|report| async move {
        let outcome = engine.update_moved(&name, &body.image, body.force, &environment, &report).await?;
        report.say(format!("{name}@{target}: {outcome}"));
        Ok(())
    })
    .await
}
