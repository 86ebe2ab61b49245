//! Jobs: what is done with containers again and again.

use super::backend::Backend;
use super::handlers::told;
use super::wire::{JobBody, NewJobBody};
use crate::http::{Call, Outcome, reply};
use sampan_error::{Error, Result};
use sampan_fleet::{Policy, Trace};

/// `GET /sampan/jobs`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let jobs = call.engine.jobs();
    Ok(reply::ok(&jobs.into_iter().map(JobBody::from).collect::<Vec<_>>())?.into())
}

/// `GET /sampan/jobs/{id}`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    Ok(reply::ok(&JobBody::from(call.engine.job(&call.parameter("id"))?))?.into())
}

/// `POST /sampan/jobs`
pub(super) async fn create<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: NewJobBody = call.json().await?;
    Ok(reply::ok(&JobBody::from(call.engine.add_job(body.job()?).await?))?.into())
}

/// `POST /sampan/jobs/{id}/run`
pub(super) async fn run<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (engine, id) = (call.engine.clone(), call.parameter("id"));
    // Whether it is there is known before the first step is told.
    engine.job(&id)?;
    told(|report| async move {
        let run = engine.run_job(&id, &report).await?;
        report.say(run.outcome);
        Ok(())
    })
    .await
}

/// `POST /sampan/jobs/{id}/pause`
pub(super) async fn pause<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.pause_job(&call.parameter("id"), true).await?;
    Ok(reply::no_content().into())
}

/// `POST /sampan/jobs/{id}/resume`
pub(super) async fn resume<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.pause_job(&call.parameter("id"), false).await?;
    Ok(reply::no_content().into())
}

/// `DELETE /sampan/jobs/{id}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.remove_job(&call.parameter("id"), call.query.flag("force")).await?;
    Ok(reply::no_content().into())
}

/// `GET /sampan/containers/{name}/autoscale`: the last decision with its figures.
pub(super) async fn why<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let name = call.parameter("name");
    let decision = call.engine.last_decision(&name).ok_or_else(|| {
        Error::not_found(format!(
            "nothing was decided about {name} yet: `sampan container scale -d 3 {name}` scales it automatically"
        ))
    })?;
    Ok(reply::ok(&serde_json::json!({"Sentence": decision.to_string(), "Decision": decision}))?.into())
}

/// `POST /sampan/autoscale/simulate`: a CSV file as the body.
pub(super) async fn simulate<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let number = |name: &str, default: f64| match call.query.get(name) {
        "" => Ok(default),
        text => text.parse().map_err(|_| Error::invalid(format!("{name}: {text:?} is no number"))),
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked by the policy")]
    let whole = |value: f64| value.clamp(0.0, 1e9) as u32;
    let policy = Policy {
        least: whole(number("min", 1.0)?),
        most: whole(number("max", 20.0)?),
        targets: [("cpu".to_owned(), number("target", 60.0)?)].into(),
        down_after: u64::from(whole(number("down-after", 240.0)?)),
        lead: u64::from(whole(number("lead", 15.0)?)),
        ..Policy::default()
    };
    policy.check()?;
    let bytes = call.bytes().await?;
    let trace = Trace::parse(&String::from_utf8_lossy(&bytes))?;
    let [ours, kubernetes] = sampan_fleet::simulate(&policy, &trace);
    Ok(reply::ok(&serde_json::json!({"Sampan": ours, "Kubernetes": kubernetes}))?.into())
}
