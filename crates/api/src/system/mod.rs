//! The engine itself: `/_ping`, `/version`, `/info`, `/auth`, `/system/df`.

mod absent;
pub(crate) mod backend;
mod early;
mod engine;
mod handlers;
mod info;
mod registries;
mod routes;
mod usage;

pub(crate) use routes::routes;
