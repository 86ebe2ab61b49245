//! Everything that the routes need of an engine, in one name.

use crate::{ashore, build, containers, events, exec, fleet, images, networks, sampan, system, volumes};

/// An engine that serves all resources.
pub(crate) trait Backend:
    build::backend::Backend
    + containers::backend::Backend
    + events::backend::Backend
    + exec::backend::Backend
    + fleet::backend::Backend
    + ashore::backend::Backend
    + images::backend::Backend
    + networks::backend::Backend
    + sampan::backend::Backend
    + system::backend::Backend
    + volumes::backend::Backend
{
}

impl<E> Backend for E where
    E: build::backend::Backend
        + containers::backend::Backend
        + events::backend::Backend
        + exec::backend::Backend
        + fleet::backend::Backend
        + ashore::backend::Backend
        + images::backend::Backend
        + networks::backend::Backend
        + sampan::backend::Backend
        + system::backend::Backend
        + volumes::backend::Backend
{
}
