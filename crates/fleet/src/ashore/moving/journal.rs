//! What the store keeps of a move: where it stands while it is under way, and where the container lives afterwards.

use sampan_engine::containers::ContainerRecord;
use sampan_provider::Address;
use sampan_state::Record;
use serde::{Deserialize, Serialize};

/// A move that is under way. Whoever finds it after a kill finishes it or takes it back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Voyage {
    /// The container's name.
    pub name: String,
    /// The target away from here: where it goes, or comes from.
    pub target: String,
    /// It comes back here.
    pub home: bool,
    /// How far it is.
    pub phase: Phase,
    /// There was one of the name at the target before.
    pub existed: bool,
    /// It has volumes, so only one of both may run.
    pub stateful: bool,
    /// The container that holds and passes on connections.
    pub relay: Option<String>,
    /// Where it is reached at the target, once that is known.
    pub addresses: Vec<Address>,
    /// The new container here, on the way home.
    pub landed: Option<String>,
    /// Nanoseconds since 1970 since which connections wait; 0 when they do not.
    pub held: i64,
    /// No relay stays behind.
    pub without_relay: bool,
}

/// How far a move is. Until [`Phase::Ready`] it is taken back when it fails, from then on it is finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Image and volumes are on their way; it runs where it was.
    #[default]
    Begun,
    /// New connections wait.
    Holding,
    /// It is stopped where it was.
    Stopped,
    /// It is being started at the other place.
    Starting,
    /// It answers at the other place.
    Ready,
    /// Connections go to the other place.
    Switched,
}

/// A container that lives elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Moved {
    /// Its name, there and here.
    pub name: String,
    /// Where it lives.
    pub target: String,
    /// What it was here, to bring it back or to update it there. Holds its environment, as a container's own record does.
    pub record: ContainerRecord,
    /// How many of it.
    pub replicas: u32,
    /// The container here that passes connections on.
    pub relay: Option<String>,
    /// Nanoseconds since 1970.
    pub at: i64,
}

impl Phase {
    /// What it is called.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Begun => "bringing it over",
            Self::Holding => "holding connections",
            Self::Stopped => "bringing the rest over",
            Self::Starting => "starting it there",
            Self::Ready => "switching",
            Self::Switched => "clearing up",
        }
    }
}

impl Record for Voyage {
    const COLLECTION: &'static str = "voyage";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.name.clone()
    }
}

impl Record for Moved {
    const COLLECTION: &'static str = "moved";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.name.clone()
    }
}
