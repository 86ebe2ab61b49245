//! What the tests of this crate share: an engine that does as it is told, and a client of raw bytes.

mod client;
mod engine;
mod other_resources;

pub(crate) use client::{Client, Reply, Server};
pub(crate) use engine::{FakeEngine, container};
