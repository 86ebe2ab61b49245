//! The split file of a layer whose files lie in its tree already.

use super::Pending;
use super::layer::Unpacked;
use super::name::{clean, split};
use crate::error::{Result, StorageError};
use crate::split::SplitWriter;
use crate::tar::{EntryKind, Reader, Segment};
use std::io::Read;
use std::path::Path;

/// Reads the tar stream that the tree was packed as, and writes `directory/split`. The tree is not looked at.
pub(crate) fn record_layer(directory: &Path, tar: &mut dyn Read) -> Result<Unpacked> {
    let mut reader = Reader::with_tap(tar, SplitWriter::create(&directory.join("split"))?);
    let mut size = 0;
    while let Some(entry) = reader.next_entry()? {
        let path = clean(&entry.path)?;
        if entry.kind != EntryKind::Regular || split(&path).1.starts_with(b".wh.") {
            continue;
        }
        size += entry.size;
        let whole = [Segment { offset: 0, length: entry.size }];
        for segment in entry.sparse.as_deref().unwrap_or(&whole) {
            let mut left = segment.length;
            if left > 0 {
                reader.tap().stretch(&path, segment.offset, left)?;
            }
            while left > 0 {
                let Some(chunk) = reader.chunk(left)? else {
                    return Err(StorageError::InvalidTar("unexpected EOF in a file's contents".into()));
                };
                left -= chunk.len() as u64;
            }
        }
    }
    reader.drain()?;
    let entries = reader.entries();
    let tar_size = reader.into_tap().finish()?;
    Ok(Unpacked { size, tar_size, entries, pending: Pending::default() })
}
