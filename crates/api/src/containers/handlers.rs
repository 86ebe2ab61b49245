//! Handlers of plain requests: parse, call, convert.

use super::backend::Backend;
use super::{convert, wire};
use crate::http::{Call, Outcome, Version, filters, reply, time};
use hyper::StatusCode;
use sampan_engine::containers::{
    ChangeKind, CommitOptions, ContainerRecord, ListQuery, RemoveOptions, StopOptions,
};
use sampan_error::{Error, Kind, Result};

/// `GET /containers/json`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let limit = call.query.number("limit")?.and_then(|limit| usize::try_from(limit).ok());
    let query = ListQuery {
        all: call.query.flag("all"),
        limit: limit.filter(|limit| *limit > 0),
        filters: filters::parse(&call.query)?,
    };
    let records = call.engine.list(&query).await?;
    let with_sizes = call.query.flag("size");
    let now = time::now();
    let mut rows = Vec::with_capacity(records.len());
    for record in &records {
        let sizes = match sizes(&call.engine, record, with_sizes).await {
            Ok(sizes) => sizes,
            // Removed meanwhile: the list goes on without it.
            Err(error) if error.kind() == Kind::NotFound => continue,
            Err(error) => return Err(error),
        };
        rows.push(convert::summary(record, sizes, now));
    }
    Ok(reply::ok(&rows)?.into())
}

async fn sizes<E: Backend>(engine: &E, record: &ContainerRecord, wanted: bool) -> Result<Option<(u64, u64)>> {
    if wanted { engine.sizes(record).await.map(Some) } else { Ok(None) }
}

/// `GET /containers/{id}/json`
pub(super) async fn inspect<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let record = call.engine.inspect(&call.parameter("id")).await?;
    let sizes = sizes(&call.engine, &record, call.query.flag("size")).await?;
    Ok(reply::ok(&convert::inspect(&record, sizes, call.version))?.into())
}

/// `POST /containers/create`
pub(super) async fn create<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::CreateBody = call.json().await?;
    let platform = call.query.text("platform").map(str::to_owned);
    let (spec, warnings) = convert::spec(body, platform, call.version)?;
    let name = call.query.text("name").map(str::to_owned);
    let mut created = call.engine.create(name, spec).await?;
    created.warnings.extend(warnings);
    let answer = wire::CreateReply { id: created.id, warnings: created.warnings };
    Ok(reply::json(StatusCode::CREATED, &answer)?.into())
}

/// `POST /containers/{id}/start`
pub(super) async fn start<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    // Before 1.24 a body could change the host's part; `{}` and `null` still come from old libraries.
    if call.bytes().await?.len() > 7 {
        return Err(Error::invalid(
            "starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24",
        ));
    }
    if call.query.text("checkpoint").is_some() {
        return Err(Error::not_implemented("checkpoint is not supported: start the container without it"));
    }
    call.engine.start(&call.parameter("id")).await?;
    Ok(reply::no_content().into())
}

/// The options of stop and restart.
fn stop_options<E>(call: &Call<E>) -> Result<StopOptions> {
    let signal = call.query.text("signal").filter(|_| call.version >= Version(42));
    Ok(StopOptions { signal: signal.map(str::to_owned), timeout: call.query.number("t")? })
}

/// `POST /containers/{id}/stop`
pub(super) async fn stop<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.stop(&call.parameter("id"), stop_options(&call)?).await?;
    Ok(reply::no_content().into())
}

/// `POST /containers/{id}/restart`
pub(super) async fn restart<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.restart(&call.parameter("id"), stop_options(&call)?).await?;
    Ok(reply::no_content().into())
}

/// `POST /containers/{id}/kill`
pub(super) async fn kill<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.kill(&call.parameter("id"), call.query.text("signal")).await?;
    Ok(reply::no_content().into())
}

/// `POST /containers/{id}/pause`
pub(super) async fn pause<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.pause(&call.parameter("id")).await?;
    Ok(reply::no_content().into())
}

/// `POST /containers/{id}/unpause`
pub(super) async fn unpause<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.unpause(&call.parameter("id")).await?;
    Ok(reply::no_content().into())
}

/// `POST /containers/{id}/rename`
pub(super) async fn rename<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let Some(name) = call.query.text("name") else {
        return Err(Error::invalid("Neither old nor new names may be empty"));
    };
    call.engine.rename(&call.parameter("id"), name).await?;
    Ok(reply::no_content().into())
}

/// `POST /containers/{id}/update`
pub(super) async fn update<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::UpdateBody = call.json().await?;
    let request = convert::update(body, call.version)?;
    let warnings = call.engine.update(&call.parameter("id"), request).await?;
    Ok(reply::ok(&wire::UpdateReply { warnings })?.into())
}

/// `POST /containers/{id}/resize`
pub(super) async fn resize<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (rows, columns) = terminal_size(&call)?;
    call.engine.resize(&call.parameter("id"), rows, columns).await?;
    Ok(reply::empty(StatusCode::OK).into())
}

/// `h` and `w` of a query.
pub(crate) fn terminal_size<E>(call: &Call<E>) -> Result<(u16, u16)> {
    let side = |name: &str| {
        let number = call.query.number(name)?.unwrap_or_default();
        u16::try_from(number)
            .map_err(|_| Error::invalid(format!("invalid resize parameter {name}: {number} is out of range")))
    };
    Ok((side("h")?, side("w")?))
}

/// `DELETE /containers/{id}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let options = RemoveOptions {
        force: call.query.flag("force"),
        volumes: call.query.flag("v"),
        link: call.query.flag("link"),
    };
    call.engine.remove(&call.parameter("id"), options).await?;
    Ok(reply::no_content().into())
}

/// `GET /containers/{id}/top`
pub(super) async fn top<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let arguments = call.query.text("ps_args").unwrap_or("-ef");
    let table = call.engine.top(&call.parameter("id"), arguments).await?;
    Ok(reply::ok(&wire::Top { titles: table.titles, processes: table.processes })?.into())
}

/// `GET /containers/{id}/changes`
pub(super) async fn changes<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let changes = call.engine.changes(&call.parameter("id")).await?;
    let rows: Vec<wire::Change> = changes
        .into_iter()
        .map(|change| wire::Change {
            path: change.path,
            kind: match change.kind {
                ChangeKind::Modified => 0,
                ChangeKind::Added => 1,
                ChangeKind::Deleted => 2,
            },
        })
        .collect();
    Ok(reply::ok(&rows)?.into())
}

/// `GET /containers/{id}/export`
pub(super) async fn export<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let archive = call.engine.export(&call.parameter("id")).await?;
    Ok(reply::stream("application/octet-stream", archive).into())
}

/// `POST /containers/prune`
pub(super) async fn prune<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let filters = filters::parse(&call.query)?;
    filters::only(&filters, &["until", "label", "label!"])?;
    let pruned = call.engine.prune(&filters).await?;
    let answer = wire::Prune { containers_deleted: pruned.removed, space_reclaimed: pruned.reclaimed };
    Ok(reply::ok(&answer)?.into())
}

/// `POST /commit`
pub(super) async fn commit<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let bytes = call.bytes().await?;
    let has_body = !bytes.iter().all(u8::is_ascii_whitespace) && bytes.as_ref() != b"null";
    let overrides = if has_body {
        let config: wire::Config = crate::http::json::decode(&bytes)?;
        Some(convert::process(config)?)
    } else {
        None
    };
    let reference = call.query.text("repo").map(|repo| match call.query.text("tag") {
        Some(tag) => format!("{repo}:{tag}"),
        None => repo.to_owned(),
    });
    let options = CommitOptions {
        reference,
        author: call.query.get("author").to_owned(),
        message: call.query.get("comment").to_owned(),
        pause: call.query.flag_or("pause", true),
        changes: call.query.all("changes").flat_map(str::lines).map(str::to_owned).collect(),
        overrides,
    };
    let id = call.engine.commit(call.query.get("container"), options).await?;
    Ok(reply::json(StatusCode::CREATED, &wire::CommitReply { id })?.into())
}
