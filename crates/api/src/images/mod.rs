//! Images: `/images`.

pub(crate) mod backend;
mod collect;
mod convert;
mod create;
mod engine;
mod handlers;
mod load;
mod manifests;
mod progress;
mod routes;
mod transfer;
pub(crate) mod wire;

pub(crate) use handlers::summaries;
pub(crate) use routes::routes;
