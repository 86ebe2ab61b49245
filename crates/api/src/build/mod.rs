//! Building images: `/build`, as clients without BuildKit ask for it.

pub(crate) mod backend;
mod engine;
mod handlers;
mod query;

use crate::http::{Route, post};

/// All routes of builds.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![
        post("/build", |call| Box::pin(handlers::build(call))),
        post("/build/prune", |call| Box::pin(handlers::prune(call))),
    ]
}
