//! Our own routes: `/sampan`.

pub(crate) mod backend;
mod engine;
mod handlers;
mod wire;

use crate::http::{Route, post};

/// All routes of our own.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![post("/sampan/run", |call| Box::pin(handlers::run(call)))]
}
