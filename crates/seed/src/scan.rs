//! Looking at a tree: what is there, and which files have to be read.

use crate::entry::{BLOCK, Entry, Hash, Kind, Path, Tree, hash};
use crate::fold::{Fold, Place, names};
use rustix::fs::{self, AtFlags, FileType, OFlags, Stat};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// A change within so many seconds before a file was read may be followed by another with the same time: the kernel's
/// clock for files has steps of some milliseconds, and some file systems' of two seconds (statx(2), vfat).
const SETTLES: i64 = 3;
/// `f_type` of tmpfs (statfs(2)): it does not note writes through a mapping that is dirty already, ever.
const TMPFS: i64 = 0x0102_1994;

/// What tells that a file is the same as when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Mark {
    fn of(stat: &Stat) -> Self {
        Self {
            inode: stat.st_ino,
            size: u64::try_from(stat.st_size).unwrap_or(0),
            modified: (stat.st_mtime, seconds(stat.st_mtime_nsec)),
            changed: (stat.st_ctime, seconds(stat.st_ctime_nsec)),
        }
    }
}

/// What is remembered of a tree between two looks.
#[derive(Default)]
pub(crate) struct Memory {
    files: HashMap<Path, (Mark, Vec<Hash>)>,
    /// Nobody else writes there: times need not settle.
    alone: bool,
}

impl Memory {
    /// Of a tree in which nobody else writes.
    pub(crate) fn alone() -> Self {
        Self { alone: true, ..Self::default() }
    }

    /// So that the next look reads this file.
    pub(crate) fn forget(&mut self, path: &Path) {
        self.files.remove(path);
    }

    /// Reads these blocks of a file that is known otherwise, so that the next look need not read it whole.
    pub(crate) fn renew(&mut self, fold: &Fold, path: &Path, dirty: &BTreeSet<u64>) -> io::Result<()> {
        let Some((_, mut blocks)) = self.files.remove(path) else { return Ok(()) };
        let file = File::from(fold.at(path, OFlags::RDONLY | OFlags::NONBLOCK)?);
        let mark = Mark::of(&fs::fstat(&file)?);
        let count = usize::try_from(mark.size.div_ceil(BLOCK as u64)).unwrap_or(usize::MAX);
        let old = blocks.len();
        let (first, last) = (old.saturating_sub(1).min(count), count.saturating_sub(1));
        blocks.resize(count, Hash::default());
        let edges = (first..count).chain([last]).filter(|block| *block < count);
        let numbers = dirty.iter().filter_map(|block| usize::try_from(*block).ok());
        let all: BTreeSet<usize> = numbers.chain(edges).filter(|block| *block < count).collect();
        for block in all {
            let offset = block as u64 * BLOCK as u64;
            let length = BLOCK.min(usize::try_from(mark.size - offset).unwrap_or(BLOCK));
            let mut bytes = vec![0; length];
            file.read_exact_at(&mut bytes, offset)?;
            blocks[block] = hash(&bytes);
        }
        self.files.insert(path.clone(), (mark, blocks));
        Ok(())
    }
}

/// Who gets the blocks of a file that is read: number of the block, its hash, its bytes.
pub(crate) type Reader<'a> = dyn FnMut(&Path, u64, Hash, &[u8]) -> io::Result<()> + 'a;

/// One look.
struct Look<'a, 'b> {
    fold: &'a Fold,
    memory: &'a mut Memory,
    reader: &'a mut Reader<'b>,
    tree: Tree,
    /// Files with several names: the first of them, by device and inode.
    first: HashMap<(u64, u64), Path>,
    now: i64,
    reads_all: bool,
}

/// Looks at all of a tree. Files that are not what the memory says are read, and their blocks given to the reader.
pub(crate) fn scan(fold: &Fold, memory: &mut Memory, reader: &mut Reader<'_>) -> io::Result<Tree> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let kind = fs::fstatfs(fold.root())?.f_type;
    let (tree, first) = Default::default();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut look = Look { fold, memory, reader, tree, first, now, reads_all: kind == TMPFS };
    let root = fs::fstat(fold.root())?;
    let folder = look.entry(&root, Kind::Folder, None)?;
    look.tree.insert(Path::new(), folder);
    look.folder(&Path::new())?;
    let tree = look.tree;
    memory.files.retain(|path, _| tree.contains_key(path));
    Ok(tree)
}

impl Look<'_, '_> {
    fn folder(&mut self, path: &Path) -> io::Result<()> {
        let folder = match self.fold.at(path, OFlags::DIRECTORY) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for name in names(&folder)? {
            let below: Path =
                if path.is_empty() { name.clone() } else { [path.as_slice(), b"/", &name].concat() };
            match self.one(&below) {
                // It went while we looked.
                Err(error) if error.kind() == io::ErrorKind::NotFound => drop(self.tree.remove(&below)),
                other => other?,
            }
        }
        Ok(())
    }

    fn one(&mut self, path: &Path) -> io::Result<()> {
        let place = self.fold.place(path)?;
        let stat = fs::statat(&place.folder, place.name(), AtFlags::SYMLINK_NOFOLLOW)?;
        let form = FileType::from_raw_mode(stat.st_mode);
        let several = stat.st_nlink > 1 && form != FileType::Directory;
        if several && let Some(first) = self.first.get(&(stat.st_dev, stat.st_ino)) {
            let kind = Kind::Same(first.clone());
            let entry = self.entry(&stat, kind, None)?;
            self.tree.insert(path.clone(), entry);
            return Ok(());
        }
        let kind = match form {
            FileType::Directory => Kind::Folder,
            FileType::Symlink => {
                Kind::Link(fs::readlinkat(&place.folder, place.name(), Vec::new())?.into_bytes())
            }
            FileType::RegularFile => self.file(path, &stat)?,
            _ => Kind::Special { form: stat.st_mode & 0o170_000, device: stat.st_rdev },
        };
        if several {
            self.first.insert((stat.st_dev, stat.st_ino), path.clone());
        }
        let is_folder = kind == Kind::Folder;
        let entry = self.entry(&stat, kind, Some(&place))?;
        self.tree.insert(path.clone(), entry);
        if is_folder { self.folder(path) } else { Ok(()) }
    }

    fn entry(&self, stat: &Stat, kind: Kind, place: Option<&Place>) -> io::Result<Entry> {
        let modified = match kind {
            // Its own times are those of the file that it is.
            Kind::Same(_) => (0, 0),
            _ => (stat.st_mtime, seconds(stat.st_mtime_nsec)),
        };
        Ok(Entry {
            kind,
            mode: stat.st_mode & 0o7777,
            uid: stat.st_uid,
            gid: stat.st_gid,
            modified,
            attributes: place.map(Place::attributes).transpose()?.unwrap_or_default(),
        })
    }

    fn file(&mut self, path: &Path, stat: &Stat) -> io::Result<Kind> {
        let mark = Mark::of(stat);
        if let Some((known, blocks)) = self.memory.files.get(path)
            && *known == mark
        {
            return Ok(Kind::File { size: mark.size, blocks: blocks.clone() });
        }
        let (size, blocks) = self.read(path)?;
        let unsettled = self.reads_all || self.now - mark.changed.0 < SETTLES || size != mark.size;
        if unsettled && !self.memory.alone {
            self.memory.forget(path);
        } else {
            self.memory.files.insert(path.clone(), (mark, blocks.clone()));
        }
        Ok(Kind::File { size, blocks })
    }

    /// Reads a file as it is now: what is hashed is what was given away.
    fn read(&mut self, path: &Path) -> io::Result<(u64, Vec<Hash>)> {
        let mut file = File::from(self.fold.at(path, OFlags::RDONLY | OFlags::NONBLOCK)?);
        let (mut size, mut blocks) = (0_u64, Vec::new());
        let mut buffer = vec![0; BLOCK * 16];
        loop {
            let mut filled = 0;
            while filled < buffer.len() {
                match file.read(&mut buffer[filled..])? {
                    0 => break,
                    count => filled += count,
                }
            }
            for block in buffer[..filled].chunks(BLOCK) {
                let hash = hash(block);
                (self.reader)(path, blocks.len() as u64, hash, block)?;
                blocks.push(hash);
            }
            size += filled as u64;
            if filled < buffer.len() {
                return Ok((size, blocks));
            }
        }
    }
}

/// Nanoseconds of a time, whatever type this C library has for them.
fn seconds(nanoseconds: impl TryInto<i64>) -> i64 {
    nanoseconds.try_into().unwrap_or(0)
}
