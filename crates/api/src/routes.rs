//! All routes.

use crate::backend::Backend;
use crate::http::Router;
use crate::{ashore, build, containers, events, exec, fleet, images, networks, sampan, system, volumes};

/// The whole table.
pub(crate) fn all<E: Backend>() -> Router<E> {
    let tables = [
        system::routes(),
        build::routes(),
        containers::routes(),
        exec::routes(),
        events::routes(),
        images::routes(),
        networks::routes(),
        volumes::routes(),
        sampan::routes(),
        fleet::routes(),
        ashore::routes(),
    ];
    Router::new(tables.into_iter().flatten().collect())
}
