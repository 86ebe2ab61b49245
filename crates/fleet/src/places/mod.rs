//! One file for each kind of place.

pub(crate) mod local;
