//! The snapshot drivers, one folder each.

pub mod overlay;

use crate::driver::SnapshotDriver;
use crate::error::{Result, StorageError};
use std::path::Path;
use std::sync::Arc;

/// Opens a driver in the data root: its files lie in `<data root>/storage/<driver>`.
///
/// `name` is `overlay2` (or `overlay`) or `vfs`; without one, overlay is taken where it works, else vfs.
///
/// # Errors
/// `InvalidArgument` for an unknown name; `NotImplemented` with the reason when overlay was asked for
/// and cannot work here.
pub fn open(name: Option<&str>, data_root: &Path) -> Result<Arc<dyn SnapshotDriver>> {
    let root = data_root.join("storage");
    match name {
        Some("overlay2" | "overlay") => Ok(Arc::new(overlay::Overlay::open(&root.join("overlay"))?)),
        Some(other) => Err(StorageError::Invalid(format!(
            "unknown storage driver {other:?}: this build knows overlay2 and vfs"
        ))),
        None => Ok(Arc::new(overlay::Overlay::open(&root.join("overlay"))?)),
    }
}
