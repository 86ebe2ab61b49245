//! Who may run a container of which there are copies at several places.

use serde::{Deserialize, Serialize};

/// A lease as its keeper gave it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// The container's name.
    pub name: String,
    /// Who may run it.
    pub holder: String,
    /// Grows whenever it goes to somebody else.
    pub epoch: u64,
    /// Seconds from when it was given, by the keeper's clock; it is given again before that.
    pub seconds: u64,
}
