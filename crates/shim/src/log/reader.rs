//! The reading side of a container's log: `docker logs` with all its options.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{decode, details};
use super::tail::start_of_last;
use super::{Stream, rotated_path};
use crate::timestamp::Timestamp;

/// Bytes read from a file at once.
const BLOCK: usize = 64 * 1024;

/// How the selected entries are put on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Framing {
    /// The text alone, as for a terminal.
    Raw,
    /// Each entry behind Docker's eight bytes: stream number, three zeros, length (big-endian).
    #[default]
    Multiplexed,
}

/// Which entries are wanted, and how they look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Entries of standard output.
    pub stdout: bool,
    /// Entries of standard error.
    pub stderr: bool,
    /// Only entries of this moment or later.
    pub since: Option<Timestamp>,
    /// Only entries of this moment or earlier.
    pub until: Option<Timestamp>,
    /// Only the last so many entries (counted before the other choices, as Docker does).
    pub tail: Option<u64>,
    /// The time (nine digits of fraction) and a space before each entry.
    pub timestamps: bool,
    /// The attributes and a space before each entry.
    pub details: bool,
    /// Raw or multiplexed.
    pub framing: Framing,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            stdout: true,
            stderr: true,
            since: None,
            until: None,
            tail: None,
            timestamps: false,
            details: false,
            framing: Framing::default(),
        }
    }
}

/// What [`LogReader::read`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// There may be more right away.
    More,
    /// All that is written so far has been read; call again when the file has grown.
    AtEnd,
    /// An entry after `until` was met: nothing more will come.
    Finished,
}

/// Reads a log from its oldest kept entry, across rotations, while it is being written.
#[derive(Debug)]
pub struct LogReader {
    path: PathBuf,
    selection: Selection,
    /// Oldest first; the front is the one being read. Never empty while `path` exists.
    files: VecDeque<File>,
    buffer: Vec<u8>,
    /// The part of the buffer that is not yet consumed.
    pending: std::ops::Range<usize>,
    /// Bytes that are still to be read from the files, when only what is there now is wanted.
    left: Option<u64>,
    finished: bool,
}

impl LogReader {
    /// Opens the log whose current file is `path`. A file that does not exist yet is an empty log.
    ///
    /// # Errors
    /// As open(2) and read(2).
    pub fn open(path: &Path, selection: Selection) -> io::Result<Self> {
        let mut files = newer_files(path, None)?;
        if let Some(wanted) = selection.tail {
            skip_to_tail(&mut files, wanted)?;
        }
        let buffer = Vec::new();
        Ok(Self {
            path: path.to_owned(),
            selection,
            files,
            buffer,
            pending: 0..0,
            left: None,
            finished: false,
        })
    }

    /// Stops at what is the log's end now, whatever is written later.
    ///
    /// # Errors
    /// As fstat(2).
    pub fn stop_at_present_end(&mut self) -> io::Result<()> {
        let mut left = 0;
        for file in &mut self.files {
            left += file.metadata()?.len().saturating_sub(file.stream_position()?);
        }
        self.left = Some(left);
        Ok(())
    }

    /// Appends formatted entries to `out` until about `limit` bytes were added or the end was reached.
    ///
    /// # Errors
    /// As read(2).
    pub fn read(&mut self, out: &mut Vec<u8>, limit: usize) -> io::Result<Progress> {
        let goal = out.len() + limit;
        while !self.finished {
            self.format_pending(out, goal);
            if self.finished {
                break;
            }
            if out.len() >= goal {
                return Ok(Progress::More);
            }
            if !self.fill()? && !self.advance()? {
                // Most of a follower's life is waiting: the memory goes back.
                if self.pending.is_empty() {
                    self.buffer = Vec::new();
                    self.pending = 0..0;
                }
                return Ok(Progress::AtEnd);
            }
        }
        Ok(Progress::Finished)
    }

    /// Formats whole lines of the buffer.
    fn format_pending(&mut self, out: &mut Vec<u8>, goal: usize) {
        while out.len() < goal {
            let rest = &self.buffer[self.pending.clone()];
            let Some(end) = memchr::memchr(b'\n', rest) else { return };
            if !format(&rest[..end], &self.selection, out) {
                self.finished = true;
                return;
            }
            self.pending.start += end + 1;
        }
    }

    /// Reads the next block behind what is pending; false at the end of the current file.
    fn fill(&mut self) -> io::Result<bool> {
        let Some(file) = self.files.front_mut() else { return Ok(false) };
        if self.pending.start > 0 {
            self.buffer.copy_within(self.pending.clone(), 0);
            self.pending = 0..self.pending.len();
        }
        // An entry longer than a block makes the buffer grow.
        if self.buffer.len() < self.pending.end + BLOCK {
            self.buffer.resize(self.pending.end + BLOCK, 0);
        }
        let end = self.left.map_or(self.buffer.len(), |left| {
            let left = usize::try_from(left).unwrap_or(usize::MAX);
            self.buffer.len().min(self.pending.end.saturating_add(left))
        });
        let count = loop {
            match file.read(&mut self.buffer[self.pending.end..end]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.pending.end += count;
        self.left = self.left.map(|left| left - count as u64);
        if count == 0 && self.files.len() == 1 && self.left.is_none() {
            return self.rewind_if_truncated();
        }
        Ok(count > 0)
    }

    /// Somebody emptied the file by hand (`truncate -s 0`): begin again at its start.
    fn rewind_if_truncated(&mut self) -> io::Result<bool> {
        let Some(file) = self.files.front_mut() else { return Ok(false) };
        let truncated = file.stream_position()? > file.metadata()?.len();
        if truncated {
            file.seek(SeekFrom::Start(0))?;
            self.pending = 0..0;
        }
        Ok(truncated)
    }

    /// Goes on to the next file, if the log was rotated; false when there is none.
    fn advance(&mut self) -> io::Result<bool> {
        if self.left == Some(0) || (self.left.is_some() && self.files.len() <= 1) {
            return Ok(false);
        }
        if self.files.len() <= 1 {
            let current = self.files.front().map(File::metadata).transpose()?;
            let identity = current.map(|metadata| (metadata.dev(), metadata.ino()));
            let newer = newer_files(&self.path, identity)?;
            if newer.is_empty() {
                return Ok(false);
            }
            self.files.extend(newer);
            // The writer may have added to the current file before it was renamed.
            if self.files.len() > 1 && self.fill()? {
                return Ok(true);
            }
            if identity.is_none() {
                return Ok(true);
            }
        }
        self.files.pop_front();
        // What is left of the old file is a broken last line.
        self.pending = 0..0;
        Ok(!self.files.is_empty())
    }
}

/// Opens the files of the log that are newer than the one with this device and inode, oldest first; all files
/// when that one is not among them any more.
fn newer_files(path: &Path, than: Option<(u64, u64)>) -> io::Result<VecDeque<File>> {
    let mut files = VecDeque::new();
    let mut newest = None;
    for index in 0.. {
        let file = match File::open(rotated_path(path, index)) {
            Ok(file) => file,
            // In the moment of a rotation the current name is missing, and the others exist.
            Err(error) if error.kind() == io::ErrorKind::NotFound && index == 0 => continue,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        let identity = (metadata.dev(), metadata.ino());
        if Some(identity) == than {
            break;
        }
        // A rotation while we look moves a file we have already opened one up.
        if newest != Some(identity) {
            files.push_front(file);
        }
        newest = Some(identity);
    }
    Ok(files)
}

/// Drops what lies before the last `wanted` entries.
fn skip_to_tail(files: &mut VecDeque<File>, wanted: u64) -> io::Result<()> {
    let mut left = wanted;
    for index in (0..files.len()).rev() {
        let (start, lines) = start_of_last(&files[index], left)?;
        left -= lines;
        if left == 0 {
            files[index].seek(SeekFrom::Start(start))?;
            files.drain(..index);
            return Ok(());
        }
    }
    Ok(())
}

/// Appends one line's entry if it is wanted. False when it lies after `until`.
fn format(line: &[u8], selection: &Selection, out: &mut Vec<u8>) -> bool {
    let start = out.len();
    if selection.framing == Framing::Multiplexed {
        out.extend_from_slice(&[0; 8]);
    }
    let text_start = out.len();
    let Some(parts) = decode(line, out) else {
        out.truncate(start);
        return true;
    };
    let moment = if selection.since.is_some() || selection.until.is_some() || selection.timestamps {
        Timestamp::parse(parts.time)
    } else {
        None
    };
    if let (Some(until), Some(moment)) = (selection.until, moment)
        && moment > until
    {
        out.truncate(start);
        return false;
    }
    let early = matches!((selection.since, moment), (Some(since), Some(moment)) if moment < since);
    let chosen = match parts.stream {
        Stream::Stdout => selection.stdout,
        Stream::Stderr => selection.stderr,
    };
    if early || !chosen {
        out.truncate(start);
        return true;
    }
    if selection.timestamps || selection.details {
        let mut prefix = Vec::with_capacity(64);
        if selection.timestamps {
            match moment {
                Some(moment) => moment.write_fixed(&mut prefix),
                None => prefix.extend_from_slice(parts.time),
            }
            prefix.push(b' ');
        }
        if selection.details {
            details(parts.attributes, &mut prefix);
            prefix.push(b' ');
        }
        out.splice(text_start..text_start, prefix);
    }
    if selection.framing == Framing::Multiplexed {
        let length = u32::try_from(out.len() - text_start).unwrap_or(u32::MAX);
        out[start] = parts.stream.number();
        out[start + 4..start + 8].copy_from_slice(&length.to_be_bytes());
    }
    true
}

#[cfg(test)]
mod tests;
