//! The table of routes.

use super::backend::Backend;
use super::handlers;
use crate::http::{Route, get, post};

/// All routes of exec sessions.
pub(crate) fn routes<E: Backend>() -> Vec<Route<E>> {
    vec![
        post("/containers/{id}/exec", |call| Box::pin(handlers::create(call))),
        post("/exec/{id}/start", |call| Box::pin(handlers::start(call))),
        post("/exec/{id}/resize", |call| Box::pin(handlers::resize(call))),
        get("/exec/{id}/json", |call| Box::pin(handlers::inspect(call))),
    ]
}
