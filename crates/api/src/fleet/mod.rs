//! Replicas and updates of containers: routes of our own. `docs/api.yaml` describes them.

pub(crate) mod backend;
mod engine;
mod handlers;
mod wire;

use crate::http::{Route, get, post};

/// All routes of the fleet.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![
        get("/sampan/groups", |call| Box::pin(handlers::groups(call))),
        get("/sampan/containers/{name}/replicas", |call| Box::pin(handlers::replicas(call))),
        post("/sampan/containers/{name}/scale", |call| Box::pin(handlers::scale(call))),
        post("/sampan/containers/{name}/update", |call| Box::pin(handlers::update(call))),
    ]
}
