//! The table of routes.

use super::{absent, early, handlers, usage};
use crate::backend::Backend;
use crate::http::{Route, get, post};
use hyper::Method;

/// All routes of the engine itself.
pub(crate) fn routes<E: Backend>() -> Vec<Route<E>> {
    let mut routes = vec![
        crate::http::early(Method::GET, "/_ping", |call| Box::pin(early::ping(call))),
        crate::http::early(Method::HEAD, "/_ping", |call| Box::pin(early::ping_head(call))),
        crate::http::early(Method::GET, "/version", |call| Box::pin(early::version(call))),
        get("/info", |call| Box::pin(handlers::info(call))),
        post("/auth", |call| Box::pin(handlers::auth(call))),
        get("/system/df", |call| Box::pin(usage::disk_usage(call))).since(25),
    ];
    routes.extend(absent::routes());
    routes
}
