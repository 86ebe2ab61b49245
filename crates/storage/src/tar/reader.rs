//! The streaming reader.

use super::header::{Dialect, Header};
use super::pax::{Records, decimal};
use super::{BLOCK, Entry, EntryKind, Segment, Timestamp, sparse};
use crate::error::{Result, StorageError};
use std::io::Read;

/// Receives the bytes of an archive that are not contents handed to the caller: headers, padding,
/// skipped contents, the end. With the contents put between, they are the whole stream.
pub trait Tap {
    /// Takes raw bytes in the order of the stream.
    ///
    /// # Errors
    /// What storing them said; it ends the reading.
    fn raw(&mut self, bytes: &[u8]) -> Result<()>;
}

impl Tap for () {
    fn raw(&mut self, _: &[u8]) -> Result<()> {
        Ok(())
    }
}

/// What an archive may ask for.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of extended headers before one entry.
    pub header_bytes: u64,
    /// Bytes of a name or a link target.
    pub path_bytes: usize,
    /// Number of entries.
    pub entries: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { header_bytes: 4 << 20, path_bytes: 64 << 10, entries: 20_000_000 }
    }
}

/// Reads entries from a plain tar stream.
pub struct Reader<'a, T: Tap = ()> {
    input: &'a mut dyn Read,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    tap: T,
    limits: Limits,
    entries: u64,
    /// Contents of the current entry that were not read yet.
    remaining: u64,
    /// Bytes that fill its last block.
    padding: u64,
    done: bool,
}

fn truncated() -> StorageError {
    StorageError::InvalidTar("unexpected EOF: the stream ends in the middle of an entry".into())
}

impl<'a> Reader<'a> {
    /// A reader without a tap.
    pub fn new(input: &'a mut dyn Read) -> Self {
        Self::with_tap(input, ())
    }
}

impl<'a, T: Tap> Reader<'a, T> {
    /// A reader that hands all but the contents to `tap`.
    pub fn with_tap(input: &'a mut dyn Read, tap: T) -> Self {
        Self {
            input,
            buffer: vec![0; 256 << 10],
            start: 0,
            end: 0,
            tap,
            limits: Limits::default(),
            entries: 0,
            remaining: 0,
            padding: 0,
            done: false,
        }
    }

    /// The tap, to put contents between the raw bytes.
    pub fn tap(&mut self) -> &mut T {
        &mut self.tap
    }

    /// Number of entries read so far.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// Gives the tap back.
    pub fn into_tap(self) -> T {
        self.tap
    }

    /// The next entry, or `None` at the end. Contents of the entry before that were not read are skipped.
    ///
    /// # Errors
    /// `InvalidArgument` for a broken archive or one beyond the limits; what the stream said.
    pub fn next_entry(&mut self) -> Result<Option<Entry>> {
        self.skip_contents()?;
        if self.done {
            return Ok(None);
        }
        let mut records = Records::default();
        let mut long_path = None;
        let mut long_link = None;
        let mut budget = self.limits.header_bytes;
        loop {
            let Some(block) = self.header_block()? else {
                return Ok(None);
            };
            let header = Header(&block);
            header.verify()?;
            match header.type_flag() {
                b'x' => records.parse(&self.header_data(&header, &mut budget)?)?,
                // A global header speaks of the archive (git writes the commit there), not of files.
                b'g' => drop(self.header_data(&header, &mut budget)?),
                b'L' => long_path = Some(until_nul(self.header_data(&header, &mut budget)?)),
                b'K' => long_link = Some(until_nul(self.header_data(&header, &mut budget)?)),
                _ => {
                    let entry = self.entry(&block, records, long_path, long_link)?;
                    return Ok(Some(entry));
                }
            }
        }
    }

    fn entry(
        &mut self,
        block: &[u8; BLOCK],
        mut records: Records,
        long_path: Option<Vec<u8>>,
        long_link: Option<Vec<u8>>,
    ) -> Result<Entry> {
        let header = Header(block);
        let kind = header.kind();
        let stored = match kind {
            // These have no contents, whatever the size field says (POSIX ustar).
            EntryKind::Regular | EntryKind::Other(_) => match records.size {
                Some(size) if size <= i64::MAX as u64 => size,
                Some(_) => return Err(StorageError::InvalidTar("an entry has a bad size".into())),
                None => header.size()?,
            },
            _ => 0,
        };
        let device = match kind {
            EntryKind::CharDevice | EntryKind::BlockDevice => header.device()?,
            _ => (0, 0),
        };
        let mut entry = Entry {
            path: records.path.take().or(long_path).unwrap_or_else(|| header.path()),
            kind,
            link: records.link.take().or(long_link).unwrap_or_else(|| header.link()),
            mode: header.mode()?,
            uid: records.uid.map_or_else(|| header.uid(), Ok)?,
            gid: records.gid.map_or_else(|| header.gid(), Ok)?,
            mtime: match records.mtime {
                Some(mtime) => mtime,
                None => Timestamp { seconds: header.mtime()?, nanoseconds: 0 },
            },
            device,
            size: stored,
            stored,
            sparse: None,
            xattrs: std::mem::take(&mut records.xattrs),
        };
        self.entries += 1;
        if self.entries > self.limits.entries {
            return Err(StorageError::TooLarge(format!("more than {} entries", self.limits.entries)));
        }
        let longest = entry.path.len().max(entry.link.len());
        if longest > self.limits.path_bytes {
            return Err(StorageError::TooLarge(format!("a name of {longest} bytes")));
        }
        self.remaining = stored;
        self.padding = stored.wrapping_neg() % BLOCK as u64;
        if kind == EntryKind::Regular {
            self.sparse_map(block, &records, &mut entry)?;
        }
        // Extended headers can write what no file can be called.
        if entry.path.contains(&0) || entry.link.contains(&0) {
            return Err(StorageError::InvalidTar("a name has a zero byte in it".into()));
        }
        Ok(entry)
    }

    /// Finds the map of a sparse file, wherever its format keeps it.
    fn sparse_map(&mut self, block: &[u8; BLOCK], records: &Records, entry: &mut Entry) -> Result<()> {
        let header = Header(block);
        let segments = if header.type_flag() == b'S' && header.dialect() == Dialect::Gnu {
            entry.size = sparse::old_size(block)?;
            self.old_sparse(block)?
        } else if records.sparse.is_empty() {
            return Ok(());
        } else {
            if let Some(name) = records.sparse_value(b"name") {
                entry.path = name.to_vec();
            }
            if let Some(size) = records.sparse_value(b"realsize").or_else(|| records.sparse_value(b"size")) {
                entry.size = decimal(size)
                    .ok_or_else(|| StorageError::InvalidTar("a sparse file has a bad size".into()))?;
            }
            if records.sparse_value(b"major") == Some(b"1") {
                self.inline_sparse()?
            } else if let Some(segments) = sparse::from_records(records)? {
                segments
            } else {
                return Ok(());
            }
        };
        entry.stored = self.remaining;
        let segments: Vec<Segment> = segments.into_iter().filter(|segment| segment.length > 0).collect();
        sparse::check(&segments, entry.size, entry.stored)?;
        if entry.size > i64::MAX as u64 {
            return Err(StorageError::InvalidTar("a sparse file has a bad size".into()));
        }
        entry.sparse = Some(segments);
        Ok(())
    }

    fn old_sparse(&mut self, block: &[u8; BLOCK]) -> Result<Vec<Segment>> {
        let mut segments = Vec::new();
        let mut more = sparse::old_segments(block, false, &mut segments)?;
        while more {
            let extension = self.raw_block()?.ok_or_else(truncated)?;
            more = sparse::old_segments(&extension, true, &mut segments)?;
        }
        Ok(segments)
    }

    /// Format 1.0: the map stands before the contents, as decimal lines, padded to a block.
    fn inline_sparse(&mut self) -> Result<Vec<Segment>> {
        let mut numbers: Vec<u64> = Vec::new();
        let mut wanted: Option<usize> = None;
        let mut line = Vec::new();
        while wanted.is_none_or(|wanted| numbers.len() < wanted) {
            if self.remaining < BLOCK as u64 {
                return Err(truncated());
            }
            let block = self.raw_block()?.ok_or_else(truncated)?;
            self.remaining -= BLOCK as u64;
            for byte in block {
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                let number: u64 = decimal(&line)
                    .ok_or_else(|| StorageError::InvalidTar("a sparse file's map has a bad number".into()))?;
                line.clear();
                if wanted.is_none() {
                    let count = usize::try_from(number).ok().filter(|count| *count <= sparse::SEGMENTS);
                    wanted = Some(
                        2 * count.ok_or_else(|| {
                            StorageError::TooLarge(format!(
                                "more than {} pieces in one sparse file",
                                sparse::SEGMENTS
                            ))
                        })?,
                    );
                } else {
                    numbers.push(number);
                }
                if wanted == Some(numbers.len()) {
                    break;
                }
            }
        }
        Ok(numbers.chunks(2).map(|pair| Segment { offset: pair[0], length: pair[1] }).collect())
    }

    /// A piece of the current entry's contents, or `None` at their end.
    ///
    /// # Errors
    /// `InvalidArgument` when the stream ends too early; what the stream said.
    pub fn chunk(&mut self, most: u64) -> Result<Option<&[u8]>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        if self.start == self.end && !self.fill()? {
            return Err(truncated());
        }
        let available = (self.end - self.start) as u64;
        let length = available.min(self.remaining).min(most) as usize;
        let start = self.start;
        self.start += length;
        self.remaining -= length as u64;
        Ok(Some(&self.buffer[start..start + length]))
    }

    /// The first bytes of the current entry's contents, without taking them: as many as there are, at most
    /// `most` (up to 64 KiB).
    ///
    /// # Errors
    /// What the stream said.
    pub fn peek(&mut self, most: usize) -> Result<&[u8]> {
        let wanted = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(most).min(64 << 10);
        while self.end - self.start < wanted {
            if !self.fill()? {
                break;
            }
        }
        let length = wanted.min(self.end - self.start);
        Ok(&self.buffer[self.start..self.start + length])
    }

    /// All of the current entry's contents, which must not be longer than `limit` bytes.
    ///
    /// # Errors
    /// `InvalidArgument` when they are longer.
    pub fn contents(&mut self, limit: u64) -> Result<Vec<u8>> {
        if self.remaining > limit {
            return Err(StorageError::TooLarge(format!(
                "an entry of {} bytes where at most {limit} are expected",
                self.remaining
            )));
        }
        let mut contents = Vec::with_capacity(self.remaining as usize);
        while let Some(chunk) = self.chunk(u64::MAX)? {
            contents.extend_from_slice(chunk);
        }
        Ok(contents)
    }

    /// Hands what is left of the current entry to the tap.
    pub fn skip_contents(&mut self) -> Result<()> {
        let mut left = self.remaining + self.padding;
        self.remaining = 0;
        self.padding = 0;
        while left > 0 {
            if self.start == self.end && !self.fill()? {
                // Some writers leave the padding of the last entry away.
                return if left < BLOCK as u64 { Ok(()) } else { Err(truncated()) };
            }
            let length = ((self.end - self.start) as u64).min(left) as usize;
            self.tap.raw(&self.buffer[self.start..self.start + length])?;
            self.start += length;
            left -= length as u64;
        }
        Ok(())
    }

    /// Reads the stream to its end, beyond the archive's end: the digest of a layer covers it too.
    ///
    /// # Errors
    /// What the stream said.
    pub fn drain(&mut self) -> Result<()> {
        self.skip_contents()?;
        self.done = true;
        loop {
            self.tap.raw(&self.buffer[self.start..self.end])?;
            self.start = self.end;
            if !self.fill()? {
                return Ok(());
            }
        }
    }

    /// The next header block; `None` after two zero blocks or at the end of the stream.
    fn header_block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        let Some(block) = self.raw_block()? else {
            self.done = true;
            return Ok(None);
        };
        if !Header(&block).is_zero() {
            return Ok(Some(block));
        }
        match self.raw_block()? {
            Some(second) if !Header(&second).is_zero() => {
                Err(StorageError::InvalidTar("a block of zeros in the middle of the archive".into()))
            }
            _ => {
                self.done = true;
                Ok(None)
            }
        }
    }

    fn header_data(&mut self, header: &Header<'_>, budget: &mut u64) -> Result<Vec<u8>> {
        let size = header.size()?;
        *budget = budget.checked_sub(size.saturating_add(BLOCK as u64)).ok_or_else(|| {
            StorageError::TooLarge("extended headers of several megabytes before one entry".into())
        })?;
        let mut data = Vec::with_capacity(size as usize);
        while (data.len() as u64) < size {
            let block = self.raw_block()?.ok_or_else(truncated)?;
            let length = (size as usize - data.len()).min(BLOCK);
            data.extend_from_slice(&block[..length]);
        }
        Ok(data)
    }

    /// One block, told to the tap. `None` at a clean end of the stream.
    fn raw_block(&mut self) -> Result<Option<[u8; BLOCK]>> {
        while self.end - self.start < BLOCK {
            if !self.fill()? {
                return if self.start == self.end { Ok(None) } else { Err(truncated()) };
            }
        }
        let mut block = [0; BLOCK];
        block.copy_from_slice(&self.buffer[self.start..self.start + BLOCK]);
        self.start += BLOCK;
        self.tap.raw(&block)?;
        Ok(Some(block))
    }

    /// Reads more into the buffer. False at the end of the stream.
    fn fill(&mut self) -> Result<bool> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(length) => {
                    self.end += length;
                    return Ok(true);
                }
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(StorageError::io("reading the archive", error)),
            }
        }
    }
}

fn until_nul(mut text: Vec<u8>) -> Vec<u8> {
    if let Some(end) = text.iter().position(|byte| *byte == 0) {
        text.truncate(end);
    }
    text
}
