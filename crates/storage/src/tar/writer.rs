//! The writer: ustar headers, with PAX records where ustar has no room.

use super::{BLOCK, Entry, EntryKind};
use crate::error::{Result, StorageError};
use std::io::Write;

/// Largest number in eleven octal digits.
const OCTAL_11: u64 = 0o77_777_777_777;
/// Largest number in seven octal digits.
const OCTAL_7: u64 = 0o7_777_777;

/// Writes a tar stream in constant memory.
pub struct Writer<'a> {
    out: &'a mut dyn Write,
    /// Contents of the current entry still to come.
    remaining: u64,
    padding: usize,
}

impl<'a> Writer<'a> {
    /// Writes to `out`.
    pub fn new(out: &'a mut dyn Write) -> Self {
        Self { out, remaining: 0, padding: 0 }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| StorageError::io("writing the archive", error))
    }

    /// Writes an entry's headers. For a regular file `entry.size` bytes must follow by [`Writer::data`].
    ///
    /// # Errors
    /// What the receiver said.
    pub fn entry(&mut self, entry: &Entry) -> Result<()> {
        self.end_entry()?;
        let mut records = Vec::new();
        let path = named(entry);
        if path.len() > 100 {
            record(&mut records, b"path", &path);
        }
        if entry.link.len() > 100 {
            record(&mut records, b"linkpath", &entry.link);
        }
        let size = if entry.kind == EntryKind::Regular { entry.size } else { 0 };
        if size > OCTAL_11 {
            record(&mut records, b"size", size.to_string().as_bytes());
        }
        if u64::from(entry.uid) > OCTAL_7 {
            record(&mut records, b"uid", entry.uid.to_string().as_bytes());
        }
        if u64::from(entry.gid) > OCTAL_7 {
            record(&mut records, b"gid", entry.gid.to_string().as_bytes());
        }
        if let Some(time) = time_record(entry) {
            record(&mut records, b"mtime", time.as_bytes());
        }
        for (name, value) in &entry.xattrs {
            record(&mut records, &[b"SCHILY.xattr.", name.as_slice()].concat(), value);
        }
        if !records.is_empty() {
            let mut extended = Entry::new(EntryKind::Other(b'x'), pax_name(&path));
            extended.mtime.seconds = entry.mtime.seconds.max(0);
            self.put(&header(&extended, b"", records.len() as u64))?;
            self.put(&records)?;
            self.put(&[0; BLOCK][..records.len().wrapping_neg() % BLOCK])?;
        }
        self.put(&header(entry, &path, size))?;
        self.remaining = size;
        self.padding = (size.wrapping_neg() % BLOCK as u64) as usize;
        Ok(())
    }

    /// Writes contents of the current entry.
    ///
    /// # Errors
    /// `Internal` when more is written than was announced; what the receiver said.
    pub fn data(&mut self, bytes: &[u8]) -> Result<()> {
        self.remaining = self.remaining.checked_sub(bytes.len() as u64).ok_or_else(|| {
            StorageError::io("writing the archive", std::io::Error::other("a file grew meanwhile"))
        })?;
        self.put(bytes)
    }

    /// Contents still missing in the current entry.
    #[must_use]
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    fn end_entry(&mut self) -> Result<()> {
        if self.remaining > 0 {
            return Err(StorageError::io(
                "writing the archive",
                std::io::Error::other("a file shrank meanwhile"),
            ));
        }
        let padding = std::mem::take(&mut self.padding);
        self.put(&[0; BLOCK][..padding])
    }

    /// Ends the archive with two blocks of zeros.
    ///
    /// # Errors
    /// What the receiver said.
    pub fn finish(mut self) -> Result<()> {
        self.end_entry()?;
        self.put(&[0; 2 * BLOCK])?;
        self.out.flush().map_err(|error| StorageError::io("writing the archive", error))
    }
}

/// The name as it is written: directories end in a slash.
fn named(entry: &Entry) -> Vec<u8> {
    let mut path = entry.path.clone();
    if entry.kind == EntryKind::Directory && !path.ends_with(b"/") {
        path.push(b'/');
    }
    path
}

/// Name of an extended header, in the form that POSIX proposes: `dir/PaxHeaders.0/name`.
fn pax_name(path: &[u8]) -> Vec<u8> {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    let (directory, name) = match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..=slash], &path[slash + 1..]),
        None => (&b""[..], path),
    };
    let mut full = [directory, b"PaxHeaders.0/", name].concat();
    full.truncate(100);
    full
}

/// A time that the twelve octal bytes of ustar cannot hold.
fn time_record(entry: &Entry) -> Option<String> {
    let time = entry.mtime;
    if time.nanoseconds == 0 {
        let fits = u64::try_from(time.seconds).is_ok_and(|seconds| seconds <= OCTAL_11);
        return (!fits).then(|| time.seconds.to_string());
    }
    let text = if time.seconds >= 0 {
        format!("{}.{:09}", time.seconds, time.nanoseconds)
    } else {
        // -1.25 is kept as -2 seconds and 0.75: back to sign and magnitude.
        let whole = -(time.seconds + 1);
        format!("-{}.{:09}", whole, 1_000_000_000 - time.nanoseconds)
    };
    Some(text.trim_end_matches('0').to_owned())
}

/// Adds `length key=value\n`, where the length counts its own digits.
fn record(into: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    into.extend_from_slice(length.to_string().as_bytes());
    into.push(b' ');
    into.extend_from_slice(key);
    into.push(b'=');
    into.extend_from_slice(value);
    into.push(b'\n');
}

fn octal(field: &mut [u8], value: u64) {
    let width = field.len() - 1;
    let text = format!("{value:0width$o}");
    // Too large a number stands in a PAX record; here it is zero then.
    let text = if text.len() > width { "0".repeat(width) } else { text };
    field[..width].copy_from_slice(text.as_bytes());
}

fn copy(field: &mut [u8], bytes: &[u8]) {
    let length = bytes.len().min(field.len());
    field[..length].copy_from_slice(&bytes[..length]);
}

/// One header block. `path` overrides the entry's own name when it is not empty.
fn header(entry: &Entry, path: &[u8], size: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    copy(&mut block[..100], if path.is_empty() { &entry.path } else { path });
    octal(&mut block[100..108], u64::from(entry.mode & 0o7777));
    octal(&mut block[108..116], u64::from(entry.uid));
    octal(&mut block[116..124], u64::from(entry.gid));
    octal(&mut block[124..136], size);
    octal(&mut block[136..148], u64::try_from(entry.mtime.seconds).unwrap_or(0));
    block[148..156].fill(b' ');
    block[156] = match entry.kind {
        EntryKind::Regular => b'0',
        EntryKind::HardLink => b'1',
        EntryKind::Symlink => b'2',
        EntryKind::CharDevice => b'3',
        EntryKind::BlockDevice => b'4',
        EntryKind::Directory => b'5',
        EntryKind::Fifo => b'6',
        EntryKind::Other(flag) => flag,
    };
    copy(&mut block[157..257], &entry.link);
    block[257..265].copy_from_slice(b"ustar\x0000");
    octal(&mut block[329..337], u64::from(entry.device.0));
    octal(&mut block[337..345], u64::from(entry.device.1));
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::super::{Reader, Timestamp};
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut long = Entry::new(EntryKind::Regular, "d/".repeat(150) + "name");
        long.size = 700;
        long.stored = 700;
        long.uid = u32::MAX;
        long.mtime = Timestamp { seconds: -2, nanoseconds: 750_000_000 };
        long.xattrs =
            vec![(b"user.a".to_vec(), b"x\n=\0".to_vec()), (b"security.capability".to_vec(), vec![0; 99])];
        let mut link = Entry::new(EntryKind::Symlink, "link");
        link.link = b"t".repeat(200);
        link.mtime = Timestamp { seconds: 5, nanoseconds: 1 };
        let mut device = Entry::new(EntryKind::CharDevice, "null");
        device.device = (1, 3);
        device.mode = 0o4755;
        let entries =
            [long, link, device, Entry::new(EntryKind::Directory, "dir/"), Entry::new(EntryKind::Fifo, "f")];
        let mut bytes = Vec::new();
        let mut writer = Writer::new(&mut bytes);
        for entry in &entries {
            writer.entry(entry).unwrap();
            writer.data(&vec![7; entry.size as usize]).unwrap();
        }
        writer.finish().unwrap();
        assert_eq!(bytes.len() % BLOCK, 0);
        let mut input = bytes.as_slice();
        let mut reader = Reader::new(&mut input);
        for entry in &entries {
            assert_eq!(reader.next_entry().unwrap().as_ref(), Some(entry));
        }
        assert!(reader.next_entry().unwrap().is_none());
    }
}
