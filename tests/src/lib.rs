//! What end-to-end tests are written with. Each test is a machine of its own, made of namespaces: a
//! [`Host`] has its own network, mounts, processes and data root, and runs a daemon that is driven from
//! outside, by the stock `docker` command line and by ours. Tests can run side by side and leave nothing.
//!
//! The engine under test is `sampan`, or a real `dockerd` when `SAMPAN_TEST_ENGINE=docker` is set: a test
//! that fails there is wrong itself. All settings are listed in docs/testing.md.

pub mod build;
mod campaign;
pub mod compose;
mod engine;
mod host;
mod http;
mod images;
mod leaks;
pub mod names;
mod outcome;
pub mod reach;
pub mod registry;
mod script;
mod settings;
mod terminal;
mod wait;

pub use campaign::Campaign;
pub use engine::{Engine, docker_only, sampan_only};
pub use host::{Host, Options, enter};
pub use http::{Answer, get};
pub use images::{BUSYBOX, DEBIAN, SERVICES, tar_of};
pub use leaks::Objects;
pub use outcome::{Outcome, Running};
pub use settings::{engine_under_test, repository, sampan_binary};
pub use terminal::Terminal;
pub use wait::{eventually, until};
