//! Replicas and updates of containers: routes of our own. `docs/api.yaml` describes them.

pub(crate) mod backend;
mod backups;
mod engine;
mod handlers;
mod jobs;
mod wire;

pub(crate) use handlers::told;
pub(crate) use wire::StandbyBody;

use crate::http::{Route, delete, get, post};

/// All routes of the fleet.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![
        get("/sampan/groups", |call| Box::pin(handlers::groups(call))),
        get("/sampan/containers/{name}/replicas", |call| Box::pin(handlers::replicas(call))),
        post("/sampan/containers/{name}/scale", |call| Box::pin(handlers::scale(call))),
        post("/sampan/containers/{name}/update", |call| Box::pin(handlers::update(call))),
        get("/sampan/containers/{name}/autoscale", |call| Box::pin(jobs::why(call))),
        post("/sampan/autoscale/simulate", |call| Box::pin(jobs::simulate(call))),
        post("/sampan/containers/{name}/backup", |call| Box::pin(backups::take(call))),
        get("/sampan/backups", |call| Box::pin(backups::list(call))),
        post("/sampan/backups/verify", |call| Box::pin(backups::verify(call))),
        post("/sampan/backups/{id}/restore", |call| Box::pin(backups::restore(call))),
        delete("/sampan/backups/{id}", |call| Box::pin(backups::remove(call))),
        get("/sampan/jobs", |call| Box::pin(jobs::list(call))),
        post("/sampan/jobs", |call| Box::pin(jobs::create(call))),
        get("/sampan/jobs/{id}", |call| Box::pin(jobs::inspect(call))),
        delete("/sampan/jobs/{id}", |call| Box::pin(jobs::remove(call))),
        post("/sampan/jobs/{id}/run", |call| Box::pin(jobs::run(call))),
        post("/sampan/jobs/{id}/pause", |call| Box::pin(jobs::pause(call))),
        post("/sampan/jobs/{id}/resume", |call| Box::pin(jobs::resume(call))),
    ]
}
