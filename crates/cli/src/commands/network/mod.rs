//! `docker network`.

pub(super) mod connect;
pub(super) mod create;
pub(super) mod disconnect;
mod ipam;
pub(super) mod list;
pub(super) mod remove;
