//! Snapshot drivers for image layers and container file systems, and volumes.
//!
//! [`SnapshotDriver`] is the contract; [`open_driver`] picks a driver that works where the data lies.
//! Everything is synchronous and is meant to be called from blocking threads.

pub mod archive;
mod catalogue;
mod changes;
mod detached;
mod driver;
mod drivers;
mod error;
mod mount_points;
mod probe;
mod quota;
mod remove;
mod split;
mod staging;
pub mod tar;
mod unpack;
mod usage;

pub use driver::{
    AppliedLayer, Change, ChangeKind, LayerInfo, RootMount, SnapshotDriver, StagedLayer, WritableInfo,
    WritableOptions,
};
pub use drivers::open as open_driver;
pub use drivers::overlay::Overlay;
pub use error::{Result, StorageError};
pub use probe::{Support, file_system, probe};
