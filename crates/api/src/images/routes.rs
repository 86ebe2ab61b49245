//! The table of routes.

use super::backend::Backend;
use super::{collect, create, handlers, load, manifests, transfer};
use crate::http::{Route, delete, get, post};

/// All routes of images.
pub(crate) fn routes<E: Backend>() -> Vec<Route<E>> {
    vec![
        get("/images/json", |call| Box::pin(handlers::list(call))),
        get("/images/get", |call| Box::pin(load::save_several(call))),
        get("/images/search", |call| Box::pin(transfer::search(call))),
        get("/distribution/{name*}/json", |call| Box::pin(transfer::distribution(call))).since(30),
        post("/images/create", |call| Box::pin(create::create(call))),
        post("/images/load", |call| Box::pin(load::load(call))),
        post("/images/prune", |call| Box::pin(handlers::prune(call))).since(25),
        get("/images/{name*}/json", |call| Box::pin(handlers::inspect(call))),
        get("/images/{name*}/history", |call| Box::pin(handlers::history(call))),
        get("/images/{name*}/get", |call| Box::pin(load::save(call))),
        post("/images/{name*}/tag", |call| Box::pin(handlers::tag(call))),
        post("/images/{name*}/push", |call| Box::pin(transfer::push(call))),
        get("/sampan/manifests/{name*}/json", |call| Box::pin(manifests::inspect(call))),
        post("/sampan/manifests/{name*}/push", |call| Box::pin(manifests::push(call))),
        get("/sampan/images/{name*}/files", |call| Box::pin(load::files(call))),
        post("/sampan/images/collect", |call| Box::pin(collect::collect(call))),
        post("/sampan/images/{name*}/pin", |call| Box::pin(collect::pin(call, true))),
        post("/sampan/images/{name*}/unpin", |call| Box::pin(collect::pin(call, false))),
        delete("/images/{name*}", |call| Box::pin(handlers::remove(call))),
    ]
}
