//! Writing the contents of regular files, with holes.

use crate::error::{Doing, Result, StorageError};
use crate::tar::{Entry, Reader, Segment, Tap};
use rustix::fs::ftruncate;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Blocks of zeros of this size are left out of files: they become holes.
const PAGE: usize = 4096;

/// Writes the entry's contents to `file`, which is new and empty. `stretch` is told each stored piece
/// as offset and length in the file.
pub(crate) fn write_contents<T: Tap>(
    reader: &mut Reader<'_, T>,
    entry: &Entry,
    file: &File,
    mut stretch: impl FnMut(&mut T, u64, u64) -> Result<()>,
) -> Result<()> {
    let whole = [Segment { offset: 0, length: entry.size }];
    let segments = entry.sparse.as_deref().unwrap_or(&whole);
    let mut end = 0;
    for segment in segments {
        let mut offset = segment.offset;
        let mut left = segment.length;
        if left > 0 {
            stretch(reader.tap(), offset, left)?;
        }
        while left > 0 {
            let Some(chunk) = reader.chunk(left)? else {
                return Err(StorageError::InvalidTar("unexpected EOF in a file's contents".into()));
            };
            write_with_holes(file, chunk, offset, &mut end).doing(|| "writing a file".into())?;
            offset += chunk.len() as u64;
            left -= chunk.len() as u64;
        }
    }
    if end < entry.size {
        ftruncate(file, entry.size).doing(|| "writing a file".into())?;
    }
    Ok(())
}

/// Writes all but whole pages of zeros. `end` is the end of what is written.
fn write_with_holes(file: &File, data: &[u8], offset: u64, end: &mut u64) -> std::io::Result<()> {
    let mut start = 0;
    let mut position = 0;
    while position < data.len() {
        // Pages are those of the file, so that holes are whole blocks of the disk.
        let misaligned = (offset + position as u64) % PAGE as u64;
        let length = (PAGE - misaligned as usize).min(data.len() - position);
        let page = &data[position..position + length];
        if length == PAGE && is_zero(page) {
            write(file, &data[start..position], offset + start as u64, end)?;
            start = position + length;
        }
        position += length;
    }
    write(file, &data[start..], offset + start as u64, end)
}

fn write(file: &File, data: &[u8], offset: u64, end: &mut u64) -> std::io::Result<()> {
    if data.is_empty() {
        return Ok(());
    }
    file.write_all_at(data, offset)?;
    *end = offset + data.len() as u64;
    Ok(())
}

fn is_zero(page: &[u8]) -> bool {
    // Most pages that are not zero show it at once.
    page[0] == 0 && page[page.len() - 1] == 0 && page.iter().all(|byte| *byte == 0)
}
