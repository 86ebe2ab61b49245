//! `docker volume`.

pub(super) mod copies;
pub(super) mod create;
pub(super) mod list;
pub(super) mod remove;
