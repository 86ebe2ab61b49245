//! Events: `/events`.

pub(crate) mod backend;
mod engine;
mod handlers;
mod matching;
mod stream;
mod wire;

use crate::http::{Route, get};

/// All routes of events.
pub(crate) fn routes<E: backend::Backend>() -> Vec<Route<E>> {
    vec![get("/events", |call| Box::pin(handlers::events(call)))]
}
