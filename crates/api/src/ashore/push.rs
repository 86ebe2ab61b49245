//! `POST /sampan/containers/{name}/push`: a container to a target.

use super::backend::Backend;
use super::wire::{self, PushBody};
use crate::fleet::told;
use crate::http::{Call, Outcome, environment, reply};
use sampan_error::Result;

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
            let host =
                if address.host.contains(':') { format!("[{}]", address.host) } else { address.host.clone() };
            report.say(format!(
                "{name}@{}: {host}:{} -> {}/{}",
                body.target, address.port, address.container_port, address.protocol
            ));
        }
        Ok(())
    })
    .await
}
