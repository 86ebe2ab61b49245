//! `POST /sampan/containers/{name}/push`: a container to a target.

use super::backend::Backend;
use super::wire::{self, PushBody};
use crate::fleet::told;
use crate::http::{Call, Outcome, environment, reply};
use sampan_error::Result;
use sampan_provider::Address;

pub(super) async fn push<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: PushBody = call.json().await?;
    let environment = environment(&call)?;
    let (engine, name, options) = (call.engine.clone(), call.parameter("name"), body.options());
    if body.dry_run {
        let plan = engine.plan_push(&name, &body.target, &options, &environment).await?;
        return Ok(reply::ok(&wire::plan(&plan))?.into());
    }
    told(|report| async move {
        let pushed = engine.push_container(&name, &body.target, &options, &environment, &report).await?;
        let service = pushed.service.unwrap_or_default();
        for address in &service.addresses {
            report.say(shown(&name, &body.target, address));
        }
        Ok(())
    })
    .await
}

/// Where something is reached, as a line.
pub(super) fn shown(name: &str, target: &str, address: &Address) -> String {
    let host = if address.host.contains(':') { format!("[{}]", address.host) } else { address.host.clone() };
    format!("{name}@{target}: {host}:{} -> {}/{}", address.port, address.container_port, address.protocol)
}
