//! What is left of a layer's tar stream when the contents of its files are taken out.
//!
//! A layer is kept once, unpacked. Beside it lies the `split` file: the raw bytes of the stream (headers,
//! padding, contents of entries that made no file) and, in between, references to stretches of the
//! unpacked files. Put together again they are the stream, bit for bit, whatever program wrote it.
//!
//! Format: a zstd stream of records. `0 length bytes` is raw; `1 path-length path offset length` is a
//! stretch of a file; `2` ends it. Numbers are LEB128. A file that a later entry of the same archive
//! replaced is not in the tree any more: it was renamed to `shadow/<number>`, and the layer's own
//! record lists `(position, path)` of each; a reference written at an earlier position to that path, or
//! to one below it, is read there.

mod rebuild;
mod writer;

pub(crate) use rebuild::rebuild;
pub(crate) use writer::SplitWriter;

use serde::{Deserialize, Serialize};

/// Something that was moved out of the tree because a later entry took its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shadow {
    /// Number of stretches written before it happened.
    pub(crate) position: u64,
    /// Its path in the tree, in hexadecimal (names are bytes).
    pub(crate) path: String,
}

impl Shadow {
    pub(crate) fn new(position: u64, path: &[u8]) -> Self {
        use std::fmt::Write;
        let mut text = String::with_capacity(path.len() * 2);
        for byte in path {
            let _ = write!(text, "{byte:02x}");
        }
        Self { position, path: text }
    }

    /// The path as bytes.
    pub(crate) fn path(&self) -> Vec<u8> {
        (0..self.path.len() / 2)
            .filter_map(|index| u8::from_str_radix(self.path.get(index * 2..index * 2 + 2)?, 16).ok())
            .collect()
    }
}

const RAW: u8 = 0;
const STRETCH: u8 = 1;
const END: u8 = 2;
