//! Containers at other places: `NAME@TARGET` in the commands that know it, and the commands that are about nothing else.

pub(super) mod cloudsim;
pub(super) mod moves;
pub(super) mod push;
mod service;
pub(super) mod target;

pub(super) use service::{Place, elsewhere, inspect, logs, ls, moved, post, remove, scale, stats, update};

use crate::client::{Body, Client, ENVIRONMENT_HEADER, Query, Response, environment_header, object_path};
use crate::failure::{Failure, Result};
use serde_json::Value;

/// A request that may need what the user's environment says of a cloud.
///
/// # Errors
/// What the engine refuses.
pub(super) fn request(
    client: &Client,
    method: &str,
    path: &str,
    query: &Query,
    body: Option<&Value>,
) -> Result<Response> {
    let environment = environment_header();
    let headers = [(ENVIRONMENT_HEADER, environment.as_str())];
    let body = match body {
        Some(body) => Body::json(body)?,
        None => Body::None,
    };
    client.request_with(method, path, query, &headers, body)
}

/// The path of a target's route.
///
/// # Errors
/// The name is none.
pub(super) fn target_path(target: &str, route: &str) -> Result<String> {
    if target.is_empty() || target.contains('/') {
        return Err(Failure::message(format!("{target:?} is no target: `sampan target ls` lists them")));
    }
    // The same escaping as for any name in a path.
    let path = object_path("target", target, route)?;
    Ok(format!("/sampan{path}"))
}
