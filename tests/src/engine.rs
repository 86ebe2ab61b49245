//! Which engine a host runs.

use crate::settings::engine_under_test;

/// An engine that can be put under test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// Ours.
    Sampan,
    /// The newest real dockerd that Debian has (tests/lab/dockerd.sh).
    Docker,
}

/// True when the test is about something that only Sampan does, and a real dockerd is under test:
/// such a test returns at once.
pub fn sampan_only() -> bool {
    engine_under_test() != Engine::Sampan
}

/// True when Sampan is under test and the test only means something for a real dockerd.
pub fn docker_only() -> bool {
    engine_under_test() != Engine::Docker
}
