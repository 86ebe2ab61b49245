//! Containers: `/containers` and `/commit`.

mod archive;
pub(crate) mod backend;
pub(crate) mod convert;
mod engine;
mod handlers;
mod routes;
mod streams;
pub(crate) mod wire;

pub(crate) use convert::host::network_mode;
pub(crate) use handlers::terminal_size;
pub(crate) use routes::routes;
