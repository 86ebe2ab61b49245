//! What a provider says of a container that lives there.

use serde::{Deserialize, Serialize};

/// A container with its replicas, at a provider.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Service {
    /// What users call it there.
    pub name: String,
    /// The provider's own id.
    pub id: String,
    /// The image as users write it.
    pub image: String,
    /// [`crate::Specification::fingerprint`] of what it was made of; empty when it is not known.
    pub fingerprint: String,
    /// Grows with each update.
    pub revision: u64,
    /// What it does.
    pub state: State,
    /// A sentence about the state; may be empty.
    pub note: String,
    /// Replicas that are wanted.
    pub wanted: u32,
    /// Replicas that answer.
    pub ready: u32,
    /// Least and most replicas, when it scales by load by itself.
    pub autoscale: Option<(u32, u32)>,
    /// Where it is reached.
    pub addresses: Vec<Address>,
    /// How its last update goes, while that can be told.
    pub rollout: Option<Rollout>,
    /// Nanoseconds since 1970; 0 when it is not known.
    pub created: i64,
}

/// What a service does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Not enough of it is ready yet.
    #[default]
    Starting,
    /// It answers.
    Running,
    /// Replicas are being replaced.
    Updating,
    /// A user stopped it.
    Stopped,
    /// It does not get ready by itself.
    Failed,
    /// It is going away.
    Removing,
}

/// Where a service is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Address {
    /// Name or IP address.
    pub host: String,
    /// The port outside.
    pub port: u16,
    /// The port inside.
    pub container_port: u16,
    /// `tcp`, `udp`, `sctp`, `http` or `https`.
    pub protocol: String,
}

/// How an update goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollout {
    /// All replicas are new.
    pub finished: bool,
    /// It failed.
    pub failed: bool,
    /// Why; may be empty.
    pub reason: String,
    /// The provider took it back.
    pub rolled_back: bool,
}

/// One running copy of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Instance {
    /// The provider's own id.
    pub id: String,
    /// A short name that tells it from its siblings.
    pub name: String,
    /// In the provider's own word: `running`, `PENDING`, ….
    pub state: String,
    /// It answers.
    pub ready: bool,
    /// [`Service::revision`] that it is of; 0 when it is not known.
    pub revision: u64,
    /// Nanoseconds since 1970; 0 when it is not known.
    pub started: i64,
}

/// What a service uses, added up or of one instance.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// The instance's name; the service's when the provider knows only all of them together.
    pub name: String,
    /// Of one CPU, in percent; of what it may have when `cpu_of_limit`.
    pub cpu_percent: Option<f64>,
    /// The percentage is of what it may have.
    pub cpu_of_limit: bool,
    /// Bytes.
    pub memory: Option<u64>,
    /// Bytes that it may have.
    pub memory_limit: Option<u64>,
    /// Of what it may have, where bytes are not known.
    pub memory_percent: Option<f64>,
    /// Bytes received and sent.
    pub network: Option<(u64, u64)>,
    /// Processes.
    pub processes: Option<u64>,
    /// Nanoseconds since 1970 of the figures.
    pub at: i64,
}

/// Something at a provider that was made for a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// The provider's own word: `ecs:service`, `container`.
    pub kind: String,
    /// The provider's own id.
    pub id: String,
    /// The service that it belongs to; empty when several share it.
    pub service: String,
}
