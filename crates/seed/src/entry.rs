//! What there is in a tree of files.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Bytes of a block: what is compared and sent at once. Sixteen kilobytes are sixteen of BLAKE3's chunks, which it does at
/// the same time, and two of a database's pages.
pub(crate) const BLOCK: usize = 16 * 1024;

/// First bytes of a block's BLAKE3.
pub(crate) type Hash = [u8; 16];

/// A path below the root, as the kernel has it: bytes. The root itself is empty.
pub(crate) type Path = Vec<u8>;

/// A tree, by path.
pub(crate) type Tree = BTreeMap<Path, Entry>;

/// One file of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    /// Permissions with the set-id and sticky bits.
    pub(crate) mode: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Seconds and nanoseconds since 1970.
    pub(crate) modified: (i64, i64),
    /// Extended attributes, by name.
    pub(crate) attributes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What kind of file it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Folder,
    /// With its length in bytes and the hash of each block; the last may be shorter.
    File {
        size: u64,
        blocks: Vec<Hash>,
    },
    /// Where it leads.
    Link(Vec<u8>),
    /// The same file as the one at another path, which comes before it.
    Same(Path),
    /// FIFO, socket or device: the type bits of its mode, and the device's number.
    Special {
        form: u32,
        device: u64,
    },
}

impl Kind {
    /// Whether the one can become the other without being made anew.
    pub(crate) fn can_become(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Folder, Self::Folder) | (Self::File { .. }, Self::File { .. }) => true,
            (own, other) => own == other,
        }
    }
}

/// The hash of a block.
pub(crate) fn hash(block: &[u8]) -> Hash {
    let whole = blake3::hash(block);
    let mut first = Hash::default();
    first.copy_from_slice(&whole.as_bytes()[..16]);
    first
}

/// The digest of trees, one after the other, in hexadecimal digits.
pub(crate) fn digest(trees: &[Tree]) -> String {
    let mut hasher = blake3::Hasher::new();
    for tree in trees {
        for (path, entry) in tree {
            // Nothing in it can fail to be written down: no map with keys that are none, no float.
            let bytes = postcard::to_allocvec(&(path, entry)).unwrap_or_default();
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(&bytes);
        }
        hasher.update(b"end");
    }
    hasher.finalize().to_hex().to_string()
}
