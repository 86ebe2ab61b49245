//! One file for each kind of place.

pub(crate) mod backups;
pub(crate) mod local;
