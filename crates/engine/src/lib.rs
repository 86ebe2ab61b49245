//! The nouns: containers, exec, events, health, restart, stats.
//!
//! [`Engine`] is the one way in: the HTTP API, and later the controllers, call its methods and nothing
//! below it. It knows no wire format.

mod attach_keys;
mod backups;
mod blocking;
mod builds;
mod clock;
mod config;
pub mod containers;
mod engine;
mod error;
pub mod events;
mod exec;
mod health;
mod identity;
mod images;
mod instance;
mod logging;
mod network;
mod oci;
mod probe;
mod recovery;
mod residents;
mod signal;
pub mod spec;
mod stream;
pub mod supervisor;
mod system;
mod time_filter;
mod units;
mod volumes;
mod warm;

pub use backups::BackupParts;
pub(crate) use blocking::blocking;
pub use builds::{BUILD_LABEL, BuildLayer};
pub use clock::now;
pub use config::EngineConfig;
pub use engine::Engine;
pub use error::Error;
pub use events::Event;
pub use images::{Distribution, ImageDetails, Images, PullRequest, PushRequest, SearchRequest};
pub use network::{Network, NetworkRequest, SubnetRequest};
pub use sampan_network::Reach;
pub use sampan_registry::{Credentials, RemoteCache, Steps};
pub use stream::{ByteStream, StreamReader, reader as blocking_reader};
pub use system::{ContainerUsage, DiskUsage, SystemInfo, VolumeUsage};
pub use time_filter::duration;
pub use volumes::{Volume, VolumeRequest};
