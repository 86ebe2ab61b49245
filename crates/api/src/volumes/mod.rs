//! Volumes: `/volumes`.

pub(crate) mod backend;
mod engine;
mod handlers;
pub(crate) mod wire;

use crate::http::{Route, delete, get, post};
pub(crate) use handlers::list_all as list;

/// All routes of volumes.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![
        get("/volumes", |call| Box::pin(handlers::list(call))),
        get("/volumes/{name}", |call| Box::pin(handlers::inspect(call))),
        post("/volumes/create", |call| Box::pin(handlers::create(call))),
        post("/volumes/prune", |call| Box::pin(handlers::prune(call))).since(25),
        post("/sampan/volumes/{name}/clone", |call| Box::pin(handlers::copy(call, false))),
        post("/sampan/volumes/{name}/snapshot", |call| Box::pin(handlers::copy(call, true))),
        post("/sampan/volumes/{name}/rename", |call| Box::pin(handlers::rename(call))),
        delete("/volumes/{name}", |call| Box::pin(handlers::remove(call))),
    ]
}
