//! Images: `/images`.

pub(crate) mod backend;
mod collect;
mod convert;
mod create;
mod engine;
mod handlers;
mod load;
mod manifests;
pub(crate) mod progress;
mod routes;
pub(crate) mod transfer;
pub(crate) mod wire;

pub(crate) use handlers::summaries;
pub(crate) use routes::routes;
