//! The builder: a Dockerfile and its context in, an image out.
//!
//! Stages that the target does not need are left out. Every step that makes files has a number of all its inputs; what
//! it made before is taken from the cache, and of builds that go on at the same time one does it and the others wait.

mod build;
mod cache;
mod context;
mod copy;
pub mod dockerfile;
mod files;
mod mounts;
mod plan;
mod request;
mod run;
mod state;
mod steps;

pub use build::Builder;
pub use context::Context;
pub use request::{Event, Request};
