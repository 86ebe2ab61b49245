//! `docker system`, `docker info` and `docker version`.

pub(super) mod client_information;
pub(super) mod dial_stdio;
pub(super) mod disk_usage;
pub(super) mod information;
mod server_information;
pub(super) mod version;
