//! The table of routes.

use super::backend::Backend;
use super::{archive, handlers, streams};
use crate::http::{Route, delete, get, head, post, put};

/// All routes of containers.
pub(crate) fn routes<E: Backend>() -> Vec<Route<E>> {
    vec![
        get("/containers/json", |call| Box::pin(handlers::list(call))),
        get("/containers/ps", |call| Box::pin(handlers::list(call))),
        post("/containers/create", |call| Box::pin(handlers::create(call))),
        post("/containers/prune", |call| Box::pin(handlers::prune(call))).since(25),
        get("/containers/{id}/json", |call| Box::pin(handlers::inspect(call))),
        post("/containers/{id}/start", |call| Box::pin(handlers::start(call))),
        post("/containers/{id}/stop", |call| Box::pin(handlers::stop(call))),
        post("/containers/{id}/restart", |call| Box::pin(handlers::restart(call))),
        post("/containers/{id}/kill", |call| Box::pin(handlers::kill(call))),
        post("/containers/{id}/pause", |call| Box::pin(handlers::pause(call))),
        post("/containers/{id}/unpause", |call| Box::pin(handlers::unpause(call))),
        post("/containers/{id}/rename", |call| Box::pin(handlers::rename(call))),
        post("/containers/{id}/update", |call| Box::pin(handlers::update(call))),
        post("/containers/{id}/resize", |call| Box::pin(handlers::resize(call))),
        delete("/containers/{id}", |call| Box::pin(handlers::remove(call))),
        get("/containers/{id}/top", |call| Box::pin(handlers::top(call))),
        get("/containers/{id}/changes", |call| Box::pin(handlers::changes(call))),
        get("/containers/{id}/export", |call| Box::pin(handlers::export(call))),
        get("/containers/{id}/logs", |call| Box::pin(streams::logs(call))),
        get("/containers/{id}/stats", |call| Box::pin(streams::stats(call))),
        post("/containers/{id}/wait", |call| Box::pin(streams::wait(call))),
        post("/containers/{id}/attach", |call| Box::pin(streams::attach(call))),
        head("/containers/{id}/archive", |call| Box::pin(archive::stat(call))),
        get("/containers/{id}/archive", |call| Box::pin(archive::read(call))),
        put("/containers/{id}/archive", |call| Box::pin(archive::write(call))),
        post("/commit", |call| Box::pin(handlers::commit(call))),
    ]
}
