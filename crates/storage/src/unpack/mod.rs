//! Unpacking archives into a directory, by descriptor, so that nothing lands outside of it.

mod contents;
mod layer;
mod metadata;
mod name;
mod pending;
mod record;
mod tree;

pub(crate) use contents::write_contents;
pub(crate) use layer::{Style, unpack_layer};
pub(crate) use metadata::{apply_node, apply_open, copy_attributes, list_xattrs, read_attributes, set_mtime};
pub(crate) use name::{clean, join, split};
pub(crate) use pending::finish;
pub(crate) use record::record_layer;
pub(crate) use tree::{Missing, Tree, proc_path};

use crate::split::Shadow;

/// What is known only after unpacking, and finished when the parent is known. All paths are relative to
/// the layer's root, raw bytes.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Directories that no entry named; they take the attributes of the parent's.
    pub(crate) implied: Vec<Vec<u8>>,
    /// Paths that the layer removes (only in [`Style::Listed`]).
    pub(crate) whiteouts: Vec<Vec<u8>>,
    /// Directories that hide what lies below (only in [`Style::Listed`]).
    pub(crate) opaque: Vec<Vec<u8>>,
    /// Hard links to files that are not in this layer: name, target.
    pub(crate) links: Vec<(Vec<u8>, Vec<u8>)>,
    /// What was put aside for the split file.
    pub(crate) shadows: Vec<Shadow>,
}
