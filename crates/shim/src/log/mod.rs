//! A container's local log: Docker's json-file format, written by the shim and read by anybody.
//!
//! One entry is one line of JSON: `{"log":"text\n","stream":"stdout","attrs":{…},"time":"RFC3339Nano"}`.
//! The current file has the given path; rotated ones have `.1` (newest), `.2` and so on appended. A file is
//! only ever appended to, and rotated by rename, so that a reader which holds a descriptor misses nothing.

mod encode;
mod entry;
mod reader;
mod splitter;
mod tail;
mod writer;

pub use entry::Parts;
pub use reader::{Framing, LogReader, Progress, Selection};
pub use writer::LogWriter;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Which of a program's two outputs something came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output; also everything of a terminal.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// The stream's number in Docker's multiplexed framing: 1 or 2.
    pub fn number(self) -> u8 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
        }
    }
}

/// Where the shim keeps the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogDriver {
    /// Docker's json-file.
    #[default]
    JsonFile,
    /// Docker's `local`: another name for a bounded log; the same format on disk.
    Local,
    /// Nothing is kept.
    None,
}

/// How the shim keeps a container's output.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogOptions {
    /// The driver.
    pub driver: LogDriver,
    /// The current file. Its directory exists.
    pub path: PathBuf,
    /// Size in bytes at which the file is rotated before the next entry; 0 is never.
    pub max_size: u64,
    /// How many files are kept, the current one included; 0 counts as 1.
    pub max_files: u32,
    /// `attrs` of every entry: the chosen labels, environment variables and the tag.
    pub attributes: BTreeMap<String, String>,
}

/// The path of the rotated file number `index`; 0 is the current one.
pub fn rotated_path(path: &Path, index: u32) -> PathBuf {
    if index == 0 {
        return path.to_owned();
    }
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{index}"));
    PathBuf::from(name)
}

/// Removes a log with all its rotated files. A file that is not there is not an error.
///
/// # Errors
/// The first file that could not be removed, as unlink(2).
pub fn remove(path: &Path) -> std::io::Result<()> {
    for index in 0.. {
        match std::fs::remove_file(rotated_path(path, index)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if index > 0 {
                    break;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
