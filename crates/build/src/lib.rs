//! The builder: a Dockerfile and its context in, an image out.
//!
//! Stages that the target does not need are left out. Every step that makes files has a number of all its inputs; what
//! it made before is taken from the cache, and of builds that go on at the same time one does it and the others wait.

mod bases;
mod build;
mod cache;
mod client;
mod context;
mod copy;
mod digest;
mod exchange;
mod files;
mod held;
mod inputs;
mod kept;
mod mounts;
mod plan;
mod remote;
mod request;
mod run;
mod secrets;
mod sources;
mod squash;
mod state;
mod steps;

pub use build::Builder;
pub use cache::{CacheEntry, Pruning};
pub use client::{Answer, Client, Given};
pub use context::Context;
pub use exchange::{CacheTarget, cache_source, cache_source_of};
pub use kept::Updating;
pub use request::{Begin, Event, NamedContext, Output, ProgramFailed, Request, What};
