//! Health checks.

use serde::{Deserialize, Serialize};

/// What to run to know whether a container is well, and how often.
///
/// Durations are nanoseconds as in Docker's API; zero takes the default (interval 30 s, timeout 30 s,
/// start period 0 s, start interval 5 s, three retries).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Healthcheck {
    /// The probe.
    pub test: HealthTest,
    /// Nanoseconds between two probes.
    pub interval: i64,
    /// Nanoseconds after which a probe has failed.
    pub timeout: i64,
    /// Nanoseconds after the start in which failures do not count.
    pub start_period: i64,
    /// Nanoseconds between two probes within the start period.
    pub start_interval: i64,
    /// Failures in a row that make the container unhealthy.
    pub retries: i64,
}

/// The probe of a health check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HealthTest {
    /// The image's own (`[]`).
    #[default]
    Inherit,
    /// No health check (`["NONE"]`).
    None,
    /// A program with arguments (`["CMD", …]`).
    Command(Vec<String>),
    /// One line for the shell (`["CMD-SHELL", line]`).
    Shell(String),
    /// A request to a port, which forks nothing (`["HTTP", ":8080/path"]`; ours).
    Http {
        /// The container's port.
        port: u16,
        /// Path and query.
        path: String,
    },
    /// A connection to a port (`["TCP", ":5432"]`; ours).
    Tcp {
        /// The container's port.
        port: u16,
    },
}
