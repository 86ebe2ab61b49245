//! A registry of one's own: the OCI distribution specification 1.1 over a folder.
//!
//! Blobs are files by digest, shared by all repositories; a repository sees those that were pushed or mounted into
//! it. Everything is written under another name, flushed and renamed, so that a kill at any moment leaves a registry
//! that is whole; an upload that broke off goes on where it was, also after a restart.

mod answer;
mod failure;
mod handlers;
mod names;
mod request;
mod route;
mod serve;
mod store;
mod users;

pub use serve::{Settings, serve};
pub use store::{Collected, collect};
