//! Building images: `/build`, as clients without BuildKit ask for it.

pub(crate) mod backend;
mod buildkit;
mod engine;
mod handlers;
mod order;
mod query;

use crate::http::{Route, post};

/// All routes of builds.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![
        post("/build", |call| Box::pin(handlers::build(call))),
        post("/grpc", |call| Box::pin(buildkit::grpc(call))),
        post("/session", |call| Box::pin(buildkit::session(call))),
        post("/build/prune", |call| Box::pin(handlers::prune(call))),
    ]
}
