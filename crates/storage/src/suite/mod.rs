//! The suite that every snapshot driver passes: real files, real tars, real mounts. Needs root.
//!
//! Each case takes an open driver whose directory is empty, and panics where the contract of
//! [`SnapshotDriver`](crate::SnapshotDriver) is broken. [`CASES`] lists them.

mod hostile;
mod layers;
mod trees;
mod writables;

use crate::SnapshotDriver;

/// One case: name and body.
pub type Case = (&'static str, fn(&dyn SnapshotDriver));

/// All cases.
pub const CASES: &[Case] = &[
    ("tars of many programs are rebuilt bit for bit", layers::rebuilt),
    ("a file written twice in one tar is rebuilt too", layers::written_twice),
    ("layers lie on each other with removals", layers::stacked),
    ("owners, modes, times, attributes, devices and holes are right", layers::attributes),
    ("directories that no entry names look as below", layers::implied),
    ("a hard link may lead to the layer below", layers::link_below),
    ("layers in use stay, ids are checked", layers::in_use),
    ("a layer committed by many threads is kept once", layers::many_threads),
    ("127 layers can be mounted", layers::many_layers),
    ("changes are those of docker diff", writables::changes),
    ("the changes as a layer give the same tree", writables::diff_round_trip),
    ("a writable layer becomes a layer without copies", writables::taken),
    ("mount points are no changes", writables::mount_points),
    ("records stay beside the data", writables::records),
    ("removed while removed files are large and deep", writables::removal),
    ("hostile archives change nothing outside", hostile::contained),
    ("broken and hostile archives are refused", hostile::refused),
    ("links in a layer lead inside it", hostile::links_inside),
];
