//! Handlers of plain requests: parse, call, convert.

use super::backend::Backend;
use super::{convert, wire};
use crate::http::{Call, Outcome, Version, filters, reply};
use hyper::{HeaderMap, StatusCode, header};
use sampan_error::{Error, Result};

/// All images with their shared sizes, for the disk's use.
pub(crate) async fn summaries<E: Backend>(engine: &E, version: Version) -> Result<Vec<wire::Summary>> {
    let images = engine.images_with_shared_sizes().await?;
    Ok(images.iter().map(|image| convert::summary(image, 0, version)).collect())
}

/// `GET /images/json`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let mut filters = filters::parse(&call.query)?;
    // The word of before 1.25.
    if let Some(name) = call.query.text("filter").filter(|_| call.version < Version(41)) {
        filters.entry("reference".into()).or_default().push(name.to_owned());
    }
    let mut images = call.engine.images(call.query.flag("all"), &filters).await?;
    if call.version >= Version(42) && call.query.flag("shared-size") {
        let shared = call.engine.images_with_shared_sizes().await?;
        for image in &mut images {
            let found = shared.iter().find(|other| other.image.id == image.image.id);
            image.shared_size = found.map_or(-1, |other| other.shared_size);
        }
    }
    let users = |id: &str| match call.version {
        version if version < Version(51) => -1,
        _ => i64::try_from(call.engine.image_users(id)).unwrap_or(i64::MAX),
    };
    let rows: Vec<wire::Summary> =
        images.iter().map(|image| convert::summary(image, users(&image.image.id), call.version)).collect();
    Ok(reply::ok(&rows)?.into())
}

/// `GET /images/{name}/json`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let details = call.engine.image(&call.parameter("name")).await?;
    Ok(reply::ok(&convert::inspect(&details, call.version, is_old_compose(&call.headers)))?.into())
}

/// Compose 1 asks with the newest version, and ends in a `KeyError` when it recreates a container of an image that has
/// no `ContainerConfig`, as since API 1.45 none has.
fn is_old_compose(headers: &HeaderMap) -> bool {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.is_some_and(|agent| agent.starts_with("docker-compose/1."))
}

/// `GET /images/{name}/history`
pub(super) async fn history<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let rows = call.engine.image_history(&call.parameter("name")).await?;
    let rows: Vec<wire::HistoryRow> = rows.into_iter().map(convert::history).collect();
    Ok(reply::ok(&rows)?.into())
}

/// `POST /images/{name}/tag`
pub(super) async fn tag<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let Some(repository) = call.query.text("repo") else {
        return Err(Error::invalid("invalid reference format: the repository's name is empty"));
    };
    let name = match call.query.text("tag") {
        Some(tag) => format!("{repository}:{tag}"),
        None => repository.to_owned(),
    };
    call.engine.tag_image(&call.parameter("name"), &name).await?;
    Ok(reply::empty(StatusCode::CREATED).into())
}

/// `DELETE /images/{name}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (force, prune) = (call.query.flag("force"), !call.query.flag("noprune"));
    let removed = call.engine.remove_image(&call.parameter("name"), force, prune).await?;
    Ok(reply::ok(&convert::removals(removed))?.into())
}

/// `POST /images/prune`
pub(super) async fn prune<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let filters = filters::parse(&call.query)?;
    filters::only(&filters, &["dangling", "until", "label", "label!"])?;
    let (removed, reclaimed) = call.engine.prune_images(&filters).await?;
    let answer = wire::Prune { images_deleted: convert::removals(removed), space_reclaimed: reclaimed };
    Ok(reply::ok(&answer)?.into())
}
