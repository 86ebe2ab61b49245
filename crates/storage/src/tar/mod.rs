//! Reading and writing tar streams, in all the dialects that images come in.
//!
//! Our own reader, because a layer's stream must be rebuilt bit for bit (the raw headers are handed to
//! a [`Tap`]), and because its limits and refusals are part of our safety. The formats are those of
//! POSIX.1-2001 pax(1) (ustar and PAX records) and of GNU tar's manual (base-256 numbers, long names,
//! the four sparse formats).

mod header;
mod pax;
mod reader;
mod sparse;
mod writer;

pub use reader::{Limits, Reader, Tap};
pub use writer::Writer;

/// Size of a tar block in bytes.
pub const BLOCK: usize = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A regular file.
    Regular,
    /// Another name for a file of the same archive.
    HardLink,
    /// A symbolic link.
    Symlink,
    /// A character device.
    CharDevice,
    /// A block device.
    BlockDevice,
    /// A directory.
    Directory,
    /// A named pipe.
    Fifo,
    /// A type that has no meaning for a file system (a volume label, a PAX global header, …).
    Other(u8),
}

/// Seconds and nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Timestamp {
    /// Seconds; negative before 1970.
    pub seconds: i64,
    /// Nanoseconds after that second.
    pub nanoseconds: u32,
}

/// One stretch of data in a sparse file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// Where it lies in the file.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name as written in the archive, raw bytes.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Target of a symbolic or hard link, raw bytes.
    pub link: Vec<u8>,
    /// Permission bits, with setuid, setgid and sticky.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Time of the last change of the contents.
    pub mtime: Timestamp,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// Length of the file once unpacked.
    pub size: u64,
    /// Bytes of contents stored in the archive (less than `size` for a sparse file).
    pub stored: u64,
    /// Where the stored bytes belong, for a sparse file.
    pub sparse: Option<Vec<Segment>>,
    /// Extended attributes, by full name.
    pub xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// An entry of this kind and name, owned by root, with everything else empty.
    #[must_use]
    pub fn new(kind: EntryKind, path: impl Into<Vec<u8>>) -> Self {
        Self {
            path: path.into(),
            kind,
            link: Vec::new(),
            mode: if kind == EntryKind::Directory { 0o755 } else { 0o644 },
            uid: 0,
            gid: 0,
            mtime: Timestamp::default(),
            device: (0, 0),
            size: 0,
            stored: 0,
            sparse: None,
            xattrs: Vec::new(),
        }
    }

    /// The name for a message: lossy, at most 200 characters.
    #[must_use]
    pub fn display_path(&self) -> String {
        String::from_utf8_lossy(&self.path).chars().take(200).collect()
    }
}
