//! Automations: what is done with a container again and again.

mod runner;
mod schedule;

pub use schedule::Schedule;

use crate::ashore::{DeployRequest, StandbyRequest};
use crate::controllers::autoscale::Policy;
use crate::controllers::backup::BackupRequest;
use crate::controllers::update::UpdateRequest;
use sampan_state::Record;
use serde::{Deserialize, Serialize};

/// One automation. A container has at most one of each kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Name of the container.
    pub container: String,
    /// What is done.
    pub work: Work,
    /// When.
    pub schedule: Schedule,
    /// It is not done for now.
    #[serde(default)]
    pub paused: bool,
    /// Nanoseconds since 1970.
    pub created: i64,
    /// How it went the last time.
    #[serde(default)]
    pub last: Option<JobRun>,
}

/// What a job does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// A rolling update to the newest image.
    Update(UpdateRequest),
    /// As many replicas as the load needs.
    Scale(Policy),
    /// A backup.
    Backup(BackupRequest),
    /// It is kept at a target as it is here.
    Deploy(DeployRequest),
    /// A copy at a target is kept up to date.
    Move(StandbyRequest),
}

/// One time that a job was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobRun {
    /// Nanoseconds since 1970 of its begin.
    pub at: i64,
    /// Nanoseconds that it took.
    pub took: i64,
    /// What came of it, as a sentence.
    pub outcome: String,
    /// Why it failed; empty when it did not.
    pub error: String,
}

impl Work {
    /// The kind's name.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Update(_) => "update",
            Self::Scale(_) => "scale",
            Self::Backup(_) => "backup",
            Self::Deploy(_) => "deploy",
            Self::Move(_) => "move",
        }
    }
}

impl Job {
    /// What users call it: `web.update`.
    #[must_use]
    pub fn id(&self) -> String {
        format!("{}.{}", self.container, self.work.kind())
    }

    /// When it is due next, nanoseconds since 1970; `None` while it is paused. One that was missed is due at once.
    #[must_use]
    pub fn next(&self) -> Option<i64> {
        if self.paused {
            return None;
        }
        let begin = self.last.as_ref().map_or(self.created, |last| last.at);
        // The first time of an interval is now: that is what whoever asked waits for.
        if self.last.is_none() && matches!(self.schedule, Schedule::Every { .. }) {
            return Some(self.created);
        }
        self.schedule.after(begin)
    }
}

impl Record for Job {
    const COLLECTION: &'static str = "job";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.id()
    }
}
