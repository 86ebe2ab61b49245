//! A replica as it is seen.

use crate::settings::Settings;
use serde::{Deserialize, Serialize};

/// What a container's health check says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It has none.
    #[default]
    None,
    /// It has not decided yet.
    Starting,
    /// It answers.
    Healthy,
    /// It does not.
    Unhealthy,
}

/// A container of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Member {
    /// The place's own id of it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Which replica it is, from 1.
    pub number: u32,
    /// The generation that it was made of.
    pub generation: u64,
    /// Its program runs.
    pub running: bool,
    /// It ended and is about to be started again.
    pub restarting: bool,
    /// A user stopped it.
    pub stopped: bool,
    /// Its health.
    pub health: Health,
    /// Whether connections may come, by a probe of its own.
    pub probed_ready: Option<bool>,
    /// Nanoseconds since 1970 of its last start.
    pub started: i64,
    /// Nanoseconds since 1970 of its last end.
    pub finished: i64,
}

impl Member {
    /// Whether connections may go to it: it runs, and its health check says so or, without one, it has run for a while.
    #[must_use]
    pub fn is_ready(&self, settings: &Settings, now: i64) -> bool {
        let window = i64::try_from(settings.ready_after).unwrap_or(i64::MAX).saturating_mul(1_000_000_000);
        self.running
            && match self.health {
                _ if self.probed_ready.is_some() => self.probed_ready == Some(true),
                Health::None => now.saturating_sub(self.started) >= window,
                Health::Healthy => true,
                Health::Starting | Health::Unhealthy => false,
            }
    }

    /// Whether it will not get ready by itself.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.health == Health::Unhealthy || (!self.running && self.started != 0)
    }
}
