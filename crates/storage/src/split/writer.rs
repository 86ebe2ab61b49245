//! Writing the split file while a layer is unpacked.

use super::{END, RAW, STRETCH};
use crate::error::{Doing, Result};
use crate::tar::Tap;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// Raw bytes are gathered up to this many before a record is written.
const GATHER: usize = 256 << 10;

/// Receives the stream's raw bytes and the references between them.
pub(crate) struct SplitWriter {
    out: zstd::stream::write::Encoder<'static, File>,
    raw: Vec<u8>,
    position: u64,
    total: u64,
}

impl SplitWriter {
    /// Writes a new file.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = File::create_new(path).doing(|| format!("creating {}", path.display()))?;
        let out = zstd::stream::write::Encoder::new(file, 1).doing(|| "starting zstd".into())?;
        Ok(Self { out, raw: Vec::with_capacity(64 << 10), position: 0, total: 0 })
    }

    /// Number of stretches written so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Refers to `length` bytes at `offset` of the file at `path` in the tree.
    pub(crate) fn stretch(&mut self, path: &[u8], offset: u64, length: u64) -> Result<()> {
        self.flush_raw()?;
        let mut record = vec![STRETCH];
        number(&mut record, path.len() as u64);
        record.extend_from_slice(path);
        number(&mut record, offset);
        number(&mut record, length);
        self.position += 1;
        self.total += length;
        self.out.write_all(&record).doing(|| "writing a layer's split file".into())
    }

    fn flush_raw(&mut self) -> Result<()> {
        if self.raw.is_empty() {
            return Ok(());
        }
        let mut head = vec![RAW];
        number(&mut head, self.raw.len() as u64);
        self.out
            .write_all(&head)
            .and_then(|()| self.out.write_all(&self.raw))
            .doing(|| "writing a layer's split file".into())?;
        self.raw.clear();
        Ok(())
    }

    /// Ends the file. Returns the length of the whole stream.
    pub(crate) fn finish(mut self) -> Result<u64> {
        self.flush_raw()?;
        self.out.write_all(&[END]).doing(|| "writing a layer's split file".into())?;
        self.out.finish().doing(|| "writing a layer's split file".into())?;
        Ok(self.total)
    }
}

impl Tap for SplitWriter {
    fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        self.total += bytes.len() as u64;
        self.raw.extend_from_slice(bytes);
        if self.raw.len() >= GATHER { self.flush_raw() } else { Ok(()) }
    }
}

fn number(into: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        into.push((value as u8 & 0x7f) | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}
