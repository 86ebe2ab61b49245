//! Networks: `/networks`.

pub(crate) mod backend;
mod engine;
mod handlers;
mod wire;

use crate::http::{Route, delete, get, post};

/// All routes of networks.
pub(crate) fn routes<E: crate::backend::Backend>() -> Vec<Route<E>> {
    vec![
        get("/networks", |call| Box::pin(handlers::list(call))),
        get("/networks/{id}", |call| Box::pin(handlers::inspect(call))),
        post("/networks/create", |call| Box::pin(handlers::create(call))),
        post("/networks/prune", |call| Box::pin(handlers::prune(call))).since(25),
        post("/networks/{id}/connect", |call| Box::pin(handlers::connect(call))),
        post("/networks/{id}/disconnect", |call| Box::pin(handlers::disconnect(call))),
        delete("/networks/{id}", |call| Box::pin(handlers::remove(call))),
    ]
}
