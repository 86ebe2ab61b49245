//! Laying an unpacked layer over a copy of the one below.

use crate::changes::{is_directory, names, open_directory, stat};
use crate::error::{Doing, Result};
use crate::remove::{remove_at, remove_children};
use crate::unpack::{Pending, apply_open, join, read_attributes, split};
use rustix::fs::renameat;
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString};
use std::os::fd::{AsFd, BorrowedFd};

/// What the layer removes and what it does not name, by directory.
struct Merge<'a> {
    removed: HashMap<&'a [u8], Vec<&'a [u8]>>,
    opaque: HashSet<&'a [u8]>,
    implied: HashSet<&'a [u8]>,
}

/// Moves everything of `layer` into `tree`, which is a copy of the layer below.
pub(super) fn merge(layer: BorrowedFd<'_>, tree: BorrowedFd<'_>, pending: &Pending) -> Result<()> {
    let mut removed: HashMap<&[u8], Vec<&[u8]>> = HashMap::new();
    for path in &pending.whiteouts {
        let (parent, name) = split(path);
        removed.entry(parent).or_default().push(name);
    }
    let merge = Merge {
        removed,
        opaque: pending.opaque.iter().map(Vec::as_slice).collect(),
        implied: pending.implied.iter().map(Vec::as_slice).collect(),
    };
    merge.directory(layer, tree, b"")
}

impl Merge<'_> {
    fn directory(&self, layer: BorrowedFd<'_>, tree: BorrowedFd<'_>, path: &[u8]) -> Result<()> {
        let doing = || format!("merging /{}", String::from_utf8_lossy(path));
        // Before anything is moved, which changes the times of both.
        let attributes = read_attributes(if self.implied.contains(path) { tree } else { layer })?;
        if self.opaque.contains(path) {
            remove_children(tree).doing(doing)?;
        }
        for name in self.removed.get(path).into_iter().flatten() {
            let name = CString::new(*name).map_err(std::io::Error::from).doing(doing)?;
            remove_at(tree, &name).doing(doing)?;
        }
        for name in names(layer)? {
            self.entry(layer, tree, path, &name)?;
        }
        apply_open(tree, &attributes)
    }

    fn entry(&self, layer: BorrowedFd<'_>, tree: BorrowedFd<'_>, path: &[u8], name: &CStr) -> Result<()> {
        let below = stat(tree, name)?;
        let above = stat(layer, name)?;
        if below.as_ref().is_some_and(is_directory) && above.as_ref().is_some_and(is_directory) {
            let (above, below) = (open_directory(layer, name)?, open_directory(tree, name)?);
            return self.directory(above.as_fd(), below.as_fd(), &join(path, name.to_bytes()));
        }
        let doing = || format!("merging /{}", String::from_utf8_lossy(&join(path, name.to_bytes())));
        if below.is_some() {
            remove_at(tree, name).doing(doing)?;
        }
        renameat(layer, name, tree, name).doing(doing)
    }
}
