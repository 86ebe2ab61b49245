//! What happened, in order, for everyone who wants to know.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the stream, growing; survives restarts.
    pub sequence: u64,
    /// Nanoseconds since 1970.
    pub time: i64,
    /// `container`, `image`, `network`, `volume`, `daemon`, …
    pub kind: String,
    /// `create`, `start`, `die`, `exec_start: sh`, …
    pub action: String,
    /// Id of the actor.
    pub actor: String,
    /// Its attributes: labels, name, image, exit code.
    pub attributes: BTreeMap<String, String>,
}
