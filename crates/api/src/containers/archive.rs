//! Copying files out of and into a container.

use super::backend::{Backend, byte_stream};
use super::wire;
use crate::http::time::rfc3339;
use crate::http::{Call, Outcome, reply};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use sampan_engine::containers::{CopyInto, PathStat};
use sampan_error::{Error, Result};

/// The header that says what a path is, as base64 of JSON.
const STAT: HeaderName = HeaderName::from_static("x-docker-container-path-stat");

/// The path of a query.
fn path<E>(call: &Call<E>) -> Result<String> {
    match call.query.text("path") {
        Some(path) => Ok(path.to_owned()),
        None => Err(Error::invalid("bad parameter: 'path' cannot be empty")),
    }
}

fn stat_header(stat: PathStat) -> Result<HeaderValue> {
    let stat = wire::PathStat {
        name: stat.name,
        size: stat.size,
        mode: stat.mode,
        mtime: rfc3339(stat.modified),
        link_target: stat.link_target,
    };
    let json = serde_json::to_vec(&stat).unwrap_or_default();
    HeaderValue::from_str(&BASE64_STANDARD.encode(json))
        .map_err(|error| Error::internal("the state of a path cannot be sent").caused_by(error))
}

/// `HEAD /containers/{id}/archive`
pub(super) async fn stat<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let stat = call.engine.archive_stat(&call.parameter("id"), &path(&call)?).await?;
    let mut response = reply::empty(StatusCode::OK);
    response.headers_mut().insert(STAT, stat_header(stat)?);
    Ok(response.into())
}

/// `GET /containers/{id}/archive`
pub(super) async fn read<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let (stat, archive) = call.engine.archive_get(&call.parameter("id"), &path(&call)?).await?;
    let mut response = reply::stream("application/x-tar", archive);
    response.headers_mut().insert(STAT, stat_header(stat)?);
    Ok(response.into())
}

/// `PUT /containers/{id}/archive`
pub(super) async fn write<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let into = CopyInto {
        path: path(&call)?.into(),
        no_overwrite_dir_non_dir: call.query.flag("noOverwriteDirNonDir"),
        copy_uid_gid: call.query.flag("copyUIDGID"),
    };
    let (engine, id) = (call.engine.clone(), call.parameter("id"));
    engine.archive_put(&id, into, byte_stream(call.into_stream())).await?;
    Ok(reply::empty(StatusCode::OK).into())
}
