//! Handlers: parse, call, convert.

use super::backend::{Backend, NewVolume, Volume};
use super::wire;
use crate::http::time::rfc3339;
use crate::http::{Call, Outcome, Version, filters, reply};
use hyper::StatusCode;
use sampan_engine::containers::Filters;
use sampan_error::{Error, Kind, Result};

fn shown(volume: Volume) -> wire::Volume {
    wire::Volume {
        created_at: rfc3339(volume.created),
        driver: volume.driver,
        labels: (!volume.labels.is_empty()).then_some(volume.labels),
        mountpoint: volume.mountpoint,
        name: volume.name,
        options: (!volume.options.is_empty()).then_some(volume.options),
        scope: "local",
        status: (!volume.snapshot_of.is_empty())
            .then(|| [("SnapshotOf".to_owned(), volume.snapshot_of)].into()),
        usage_data: None,
    }
}

/// All volumes.
pub(crate) async fn list_all<E: Backend>(engine: &E) -> Result<Vec<wire::Volume>> {
    Ok(engine.volumes(&Filters::new()).await?.into_iter().map(shown).collect())
}

/// `GET /volumes`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let filters = filters::parse(&call.query)?;
    filters::only(&filters, &["dangling", "driver", "label", "name"])?;
    let volumes = call.engine.volumes(&filters).await?.into_iter().map(shown).collect();
    Ok(reply::ok(&wire::List { volumes, warnings: Vec::new() })?.into())
}

/// `GET /volumes/{name}`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let volume = call.engine.volume(&call.parameter("name")).await?;
    Ok(reply::ok(&shown(volume))?.into())
}

/// `POST /volumes/create`
pub(super) async fn create<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::CreateBody = call.json().await?;
    if body.cluster_volume_spec.is_some() {
        return Err(Error::invalid("ClusterVolumeSpec is not supported: cluster volumes need a swarm"));
    }
    let wish =
        NewVolume { name: body.name, driver: body.driver, labels: body.labels, options: body.driver_opts };
    let volume = call.engine.create_volume(wish).await?;
    Ok(reply::json(StatusCode::CREATED, &shown(volume))?.into())
}

/// `POST /sampan/volumes/{name}/clone`, `…/snapshot`: `to` is the new name, which a snapshot may do without.
pub(super) async fn copy<E: Backend>(call: Call<E>, snapshot: bool) -> Result<Outcome> {
    let to = call.query.text("to").unwrap_or_default();
    if to.is_empty() && !snapshot {
        return Err(Error::invalid("a clone needs a name: give it as \"to\""));
    }
    let volume = call.engine.copy_volume(&call.parameter("name"), to, snapshot).await?;
    Ok(reply::json(StatusCode::CREATED, &shown(volume))?.into())
}

/// `POST /sampan/volumes/{name}/rename`: `to` is the new name.
pub(super) async fn rename<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let to = call.query.text("to").unwrap_or_default();
    let volume = call.engine.rename_volume(&call.parameter("name"), to).await?;
    Ok(reply::ok(&shown(volume))?.into())
}

/// `DELETE /volumes/{name}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let force = call.query.flag("force");
    match call.engine.remove_volume(&call.parameter("name"), force).await {
        // What is to be gone is gone.
        Err(error) if force && error.kind() == Kind::NotFound => {}
        other => other?,
    }
    Ok(reply::no_content().into())
}

/// `POST /volumes/prune`. Before 1.42 volumes with a name went too.
pub(super) async fn prune<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let mut filters = filters::parse(&call.query)?;
    filters::only(&filters, &["all", "label", "label!"])?;
    let all = filters.remove("all").unwrap_or_default();
    let all = call.version < Version(42) || all.iter().any(|value| matches!(value.as_str(), "1" | "true"));
    let pruned = call.engine.prune_volumes(&filters, all).await?;
    let answer = wire::Prune { volumes_deleted: pruned.removed, space_reclaimed: pruned.reclaimed };
    Ok(reply::ok(&answer)?.into())
}
