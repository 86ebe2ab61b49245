//! The maps of sparse files, in GNU tar's four formats.

use super::header::parse_number;
use super::pax::{Records, decimal};
use super::{BLOCK, Segment};
use crate::error::{Result, StorageError};

/// Most segments that a map may have: a file of a terabyte with a hole in each megabyte.
pub(super) const SEGMENTS: usize = 1 << 20;

fn bad(what: &str) -> StorageError {
    StorageError::InvalidTar(format!("a sparse file's map {what}"))
}

/// Reads the segments in a header block or an extension block of the old format. False when the list
/// ended in this block.
pub(super) fn old_segments(block: &[u8; BLOCK], extension: bool, into: &mut Vec<Segment>) -> Result<bool> {
    let (start, count, more) = if extension { (0, 21, 504) } else { (386, 4, 482) };
    for index in 0..count {
        let field = &block[start + index * 24..start + index * 24 + 24];
        if field[0] == 0 {
            return Ok(false);
        }
        let offset = parse_number(&field[..12]).ok_or_else(|| bad("has a bad number"))?;
        let length = parse_number(&field[12..]).ok_or_else(|| bad("has a bad number"))?;
        let offset = u64::try_from(offset).map_err(|_| bad("has a negative number"))?;
        let length = u64::try_from(length).map_err(|_| bad("has a negative number"))?;
        into.push(Segment { offset, length });
        if into.len() > SEGMENTS {
            return Err(StorageError::TooLarge(format!("more than {SEGMENTS} pieces in one sparse file")));
        }
    }
    Ok(block[more] != 0)
}

/// Real size in an old-format header.
pub(super) fn old_size(block: &[u8; BLOCK]) -> Result<u64> {
    parse_number(&block[483..495])
        .and_then(|size| u64::try_from(size).ok())
        .ok_or_else(|| bad("has a bad size"))
}

/// The map in PAX records (formats 0.0 and 0.1), if there is one.
pub(super) fn from_records(records: &Records) -> Result<Option<Vec<Segment>>> {
    let mut numbers: Vec<u64> = Vec::new();
    if let Some(map) = records.sparse_value(b"map") {
        for text in map.split(|byte| *byte == b',').filter(|text| !text.is_empty()) {
            numbers.push(decimal(text).ok_or_else(|| bad("has a bad number"))?);
        }
    } else {
        for (key, value) in &records.sparse {
            if key == b"offset" || key == b"numbytes" {
                numbers.push(decimal(value).ok_or_else(|| bad("has a bad number"))?);
            }
        }
        if numbers.is_empty() && records.sparse_value(b"numblocks").is_none() {
            return Ok(None);
        }
    }
    if !numbers.len().is_multiple_of(2) {
        return Err(bad("has an offset without a length"));
    }
    Ok(Some(numbers.chunks(2).map(|pair| Segment { offset: pair[0], length: pair[1] }).collect()))
}

/// Checks that the segments are in order, do not overlap, lie within the file, and hold just the
/// stored bytes.
pub(super) fn check(segments: &[Segment], size: u64, stored: u64) -> Result<()> {
    let mut end = 0u64;
    let mut total = 0u64;
    for segment in segments {
        if segment.offset < end {
            return Err(bad("is out of order"));
        }
        end = segment.offset.checked_add(segment.length).ok_or_else(|| bad("has a bad number"))?;
        total += segment.length;
    }
    if end > size || total != stored {
        return Err(bad("does not fit the file"));
    }
    Ok(())
}
