//! Exec sessions: `/containers/{id}/exec` and `/exec`.

pub(crate) mod backend;
mod engine;
mod handlers;
mod routes;
mod wire;

pub(crate) use routes::routes;
