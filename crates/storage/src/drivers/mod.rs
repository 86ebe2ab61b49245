//! The snapshot drivers, one folder each.

pub mod overlay;
pub mod vfs;

#[cfg(test)]
mod tests;

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
    let overlay = || -> Result<Arc<dyn SnapshotDriver>> {
        Ok(Arc::new(overlay::Overlay::open(&root.join("overlay"))?))
    };
    let vfs = || -> Result<Arc<dyn SnapshotDriver>> { Ok(Arc::new(vfs::Vfs::open(&root.join("vfs"))?)) };
    match name {
        Some("overlay2" | "overlay") => overlay(),
        Some("vfs") => vfs(),
        Some(other) => Err(StorageError::Invalid(format!(
            "unknown storage driver {other:?}: this build knows overlay2 and vfs"
        ))),
        // Data that is there decides, as with Docker.
        None if has_entries(&root.join("vfs/layers")) && !has_entries(&root.join("overlay/layers")) => vfs(),
        None => match overlay() {
            Err(StorageError::Unsupported(_)) => vfs(),
            other => other,
        },
    }
}

fn has_entries(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())
}
