//! Layers on their way: the compressed bytes that have come so far.
//!
//! The bytes may come in any order and from several connections; whoever unpacks reads them in order, waiting for
//! those that are not there yet. What has come survives the process: a later pull fetches only the rest. Nothing is
//! flushed: after a power cut the file may hold other bytes than it says, which the digest at the end finds out.

mod reader;
mod stretches;

use crate::error::{Doing, ImageError, Result};
use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use stretches::Stretches;

pub use reader::PartialReader;

/// A layer of no more bytes than this never becomes a file.
const SMALL: u64 = 1 << 20;
/// Longest stretch that [`Partial::missing`] names.
const CHUNK: u64 = 8 << 20;
/// Files that nobody touched for so long are removed when the store is opened.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The folder of partial files, and which of them are in use.
#[derive(Debug)]
pub(crate) struct Partials {
    folder: PathBuf,
    in_use: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Partials {
    /// Opens the folder, and removes what was given up long ago.
    pub(crate) fn open(folder: PathBuf) -> Result<Self> {
        fs::create_dir_all(&folder).doing(|| format!("creating {}", folder.display()))?;
        let partials = Self { folder, in_use: Arc::default() };
        partials.remove_older_than(KEPT)?;
        Ok(partials)
    }

    /// Removes files that nobody uses and that were last touched so long ago. Returns the bytes that were freed.
    pub(crate) fn remove_older_than(&self, age: Duration) -> Result<u64> {
        let in_use = lock(&self.in_use);
        let mut freed = 0;
        let entries = fs::read_dir(&self.folder).doing(|| format!("reading {}", self.folder.display()))?;
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let old = metadata.modified().ok().and_then(|time| SystemTime::now().duration_since(time).ok());
            if old.is_some_and(|old| old >= age) && !in_use.contains(&entry.path().with_extension("")) {
                freed += metadata.len();
                let _ = fs::remove_file(entry.path());
            }
        }
        Ok(freed)
    }

    /// Takes up a layer of `size` bytes where a former pull left it, or begins it. One holder at a time: the caller
    /// sees to it.
    pub(crate) fn begin(&self, digest: &str, size: u64) -> Result<Partial> {
        if size <= SMALL {
            let capacity = usize::try_from(size).unwrap_or_default();
            return Ok(Partial::new(
                digest,
                size,
                Backing::Memory(Mutex::new(vec![0; capacity])),
                Stretches::default(),
                None,
            ));
        }
        let path = self.folder.join(format!("{}-{size}", digest.replace(':', "-")));
        let doing = || format!("writing {}", path.display());
        let open =
            |path: &Path| OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let file = open(&path).doing(doing)?;
        let notes = path.with_extension("stretches");
        let known =
            Stretches::parse(&fs::read(&notes).unwrap_or_default(), file.metadata().doing(doing)?.len());
        let mut record = open(&notes).doing(doing)?;
        // Written anew, so that a torn end does not shift what follows.
        record.set_len(0).doing(doing)?;
        record.write_all(&known.encode()).doing(doing)?;
        lock(&self.in_use).insert(path.clone());
        let guard = InUse { path: path.clone(), set: Arc::clone(&self.in_use) };
        Ok(Partial::new(
            digest,
            size,
            Backing::File { file, record: Mutex::new(record), path, notes },
            known,
            Some(guard),
        ))
    }
}

/// Marks a file as being in use.
#[derive(Debug)]
struct InUse {
    path: PathBuf,
    set: Arc<Mutex<HashSet<PathBuf>>>,
}

impl Drop for InUse {
    fn drop(&mut self) {
        lock(&self.set).remove(&self.path);
    }
}

/// One layer on its way. Clones are the same layer.
#[derive(Debug, Clone)]
pub struct Partial {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    digest: String,
    size: u64,
    backing: Backing,
    resumed: bool,
    state: Mutex<State>,
    changed: Condvar,
    _in_use: Option<InUse>,
}

#[derive(Debug)]
enum Backing {
    Memory(Mutex<Vec<u8>>),
    File { file: File, record: Mutex<File>, path: PathBuf, notes: PathBuf },
}

#[derive(Debug)]
struct State {
    have: Stretches,
    failed: Option<(io::ErrorKind, String)>,
}

impl Partial {
    fn new(digest: &str, size: u64, backing: Backing, have: Stretches, in_use: Option<InUse>) -> Self {
        let shared = Shared {
            digest: digest.to_owned(),
            size,
            backing,
            resumed: !have.is_empty(),
            state: Mutex::new(State { have, failed: None }),
            changed: Condvar::new(),
            _in_use: in_use,
        };
        Self { shared: Arc::new(shared) }
    }

    /// Length of the whole layer, in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.shared.size
    }

    /// Whether some of it was there from a former pull.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        self.shared.resumed
    }

    /// What has not come yet, in order, in stretches of at most 8 MiB.
    #[must_use]
    pub fn missing(&self) -> Vec<Range<u64>> {
        self.state().have.gaps(self.shared.size, CHUNK)
    }

    /// Bytes that have come, from `offset` on.
    ///
    /// # Errors
    /// `Exhausted` when the disk is full (what was there stays), or what else the kernel said.
    pub fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        let end = offset + bytes.len() as u64;
        if end > self.shared.size {
            return Err(ImageError::Invalid(format!(
                "layer {} is longer than the {} bytes that its manifest names",
                self.shared.digest, self.shared.size
            )));
        }
        self.shared.backing.write_at(offset, bytes)?;
        self.state().have.add(offset..end);
        self.shared.changed.notify_all();
        Ok(())
    }

    /// A reader of the whole layer, from its first byte.
    #[must_use]
    pub fn reader(&self) -> PartialReader {
        PartialReader::new(self.clone())
    }

    /// Nothing more will come: readers get this error where the bytes end.
    pub fn fail(&self, error: &io::Error) {
        let mut state = self.state();
        if state.failed.is_none() {
            state.failed = Some((error.kind(), error.to_string()));
        }
        self.shared.changed.notify_all();
    }

    /// Removes what has come: it is unpacked, or was not what it should be.
    ///
    /// # Errors
    /// What the kernel said.
    pub fn discard(&self) -> Result<()> {
        let Backing::File { path, notes, .. } = &self.shared.backing else { return Ok(()) };
        for path in [notes, path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).doing(|| format!("removing {}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives the whole layer another place: nothing is left here.
    pub(crate) fn move_to(&self, target: &Path) -> Result<()> {
        let doing = || format!("writing {}", target.display());
        match &self.shared.backing {
            Backing::Memory(bytes) => {
                let new = target.with_extension("new");
                fs::write(&new, &*lock(bytes)).and_then(|()| fs::rename(&new, target)).doing(doing)
            }
            Backing::File { path, .. } => {
                fs::rename(path, target).doing(doing)?;
                self.discard()
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }
}

impl Backing {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<()> {
        match self {
            Self::Memory(memory) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                if let Some(place) = lock(memory).get_mut(start..start + bytes.len()) {
                    place.copy_from_slice(bytes);
                }
                Ok(())
            }
            Self::File { file, record, path, .. } => {
                let doing = || format!("writing {}", path.display());
                file.write_all_at(bytes, offset).doing(doing)?;
                let entry = stretches::entry(offset..offset + bytes.len() as u64);
                lock(record).write_all(&entry).doing(doing)
            }
        }
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Memory(memory) => {
                let memory = lock(memory);
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let there = memory.get(start..).unwrap_or_default();
                let length = buffer.len().min(there.len());
                buffer[..length].copy_from_slice(&there[..length]);
                Ok(length)
            }
            Self::File { file, .. } => file.read_at(buffer, offset),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these locks is whole between any two statements.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    const SIZE: u64 = 20 << 20;

    fn partials(folder: &Path) -> Partials {
        Partials::open(folder.to_path_buf()).unwrap()
    }

    #[test]
    fn what_came_before_a_kill_need_not_come_again() {
        let folder = tempfile::tempdir().unwrap();
        let partial = partials(folder.path()).begin("sha256:aa", SIZE).unwrap();
        partial.write_at(0, &[1; 1 << 20]).unwrap();
        partial.write_at(16 << 20, &[2; 4 << 20]).unwrap();
        drop(partial);
        // A record that was half written counts for nothing.
        let notes = folder.path().join(format!("sha256-aa-{SIZE}.stretches"));
        let mut torn = fs::read(&notes).unwrap();
        torn.extend([0, 0, 0]);
        fs::write(&notes, torn).unwrap();
        let partial = partials(folder.path()).begin("sha256:aa", SIZE).unwrap();
        assert!(partial.is_resumed());
        assert_eq!(partial.missing(), [1 << 20..9 << 20, 9 << 20..16 << 20]);
        partial.discard().unwrap();
        let fresh = partials(folder.path()).begin("sha256:aa", SIZE).unwrap();
        assert_eq!(fresh.missing()[0], 0..8 << 20);
    }

    #[test]
    fn a_reader_waits_for_bytes_that_come_in_any_order() {
        for size in [SMALL, SIZE] {
            let folder = tempfile::tempdir().unwrap();
            let partial = partials(folder.path()).begin("sha256:bb", size).unwrap();
            let mut reader = partial.reader();
            let reading = std::thread::spawn(move || {
                let mut all = Vec::new();
                reader.read_to_end(&mut all).map(|_| all)
            });
            let half = usize::try_from(size / 2).unwrap();
            partial.write_at(size / 2, &vec![2; half]).unwrap();
            partial.write_at(0, &vec![1; half]).unwrap();
            let all = reading.join().unwrap().unwrap();
            assert_eq!((all.len() as u64, all[0], all[half]), (size, 1, 2));
        }
    }

    #[test]
    fn a_reader_hears_that_nothing_more_comes() {
        let folder = tempfile::tempdir().unwrap();
        let partial = partials(folder.path()).begin("sha256:cc", SIZE).unwrap();
        partial.write_at(0, b"some").unwrap();
        let mut reader = partial.reader();
        partial.fail(&io::Error::other("the line is dead"));
        let mut all = Vec::new();
        assert_eq!(reader.read_to_end(&mut all).unwrap_err().to_string(), "the line is dead");
        assert_eq!(all, b"some");
        assert!(partial.write_at(SIZE - 1, b"too long").is_err());
    }
}
