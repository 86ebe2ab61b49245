//! Snapshot drivers for image layers and container file systems, and volumes.
//!
//! [`SnapshotDriver`] is the contract; [`drivers::open`] picks a driver that works where the data lies.
//! Everything is synchronous and is meant to be called from blocking threads.

pub mod archive;
mod catalogue;
mod changes;
mod copy;
mod detached;
mod driver;
pub mod drivers;
mod error;
mod mount_points;
mod probe;
mod quota;
mod remove;
mod split;
mod staging;
#[cfg(any(test, feature = "suite"))]
pub mod suite;
pub mod tar;
mod unpack;
mod usage;
pub mod volumes;

pub use catalogue::MOST_LAYERS;
pub use driver::{
    AppliedLayer, Change, ChangeKind, LayerInfo, RootMount, SnapshotDriver, StagedLayer, WritableInfo,
    WritableOptions,
};
pub use drivers::overlay::Overlay;
pub use drivers::vfs::Vfs;
pub use error::{Result, StorageError};
pub use probe::{Support, file_system, probe};
pub use volumes::Volumes;
