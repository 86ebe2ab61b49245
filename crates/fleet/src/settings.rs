//! How careful a group is: times in seconds, with their defaults.

use serde::{Deserialize, Serialize};

/// Times and permissions of a group. What a request does not say stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Seconds that a leaving replica's connections get before it is asked to end.
    pub drain: u64,
    /// Seconds that a replica without a health check has to run to count as ready.
    pub ready_after: u64,
    /// Seconds after which a replica that is not ready never will be.
    pub ready_timeout: u64,
    /// Seconds after an update in which a new replica that fails takes all of it back.
    pub watch: u64,
    /// Several replicas may write to the same volumes and folders of the host.
    pub share_volumes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { drain: 30, ready_after: 5, ready_timeout: 300, watch: 60, share_volumes: false }
    }
}

/// What a request changes of them; what is `None` stays as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SettingsChange {
    /// Seconds for the connections of those that leave.
    pub drain: Option<u64>,
    /// Seconds after which one without a health check counts as ready.
    pub ready_after: Option<u64>,
    /// Seconds after which one that is not ready never will be.
    pub ready_timeout: Option<u64>,
    /// Seconds in which a failure takes an update back.
    pub watch: Option<u64>,
    /// They may write to the same volumes.
    pub share_volumes: Option<bool>,
}

impl SettingsChange {
    /// The settings with the change.
    pub(crate) fn apply(&self, settings: &mut Settings) {
        settings.drain = self.drain.unwrap_or(settings.drain);
        settings.ready_after = self.ready_after.unwrap_or(settings.ready_after);
        settings.ready_timeout = self.ready_timeout.unwrap_or(settings.ready_timeout);
        settings.watch = self.watch.unwrap_or(settings.watch);
        settings.share_volumes = self.share_volumes.unwrap_or(settings.share_volumes);
    }
}
