//! The end that gets the files.

use crate::entry::{BLOCK, Entry, Kind, Path, Tree, digest};
use crate::fold::Fold;
use crate::message::{Message, Round, Trees};
use crate::scan::{Memory, scan};
use rustix::fs::{self, AtFlags, FileType, Gid, Mode, OFlags, Timespec, Timestamps, Uid};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Until the owner and the permissions are set, nobody else may.
const NEW_FILE: Mode = Mode::from_raw_mode(0o600);
const NEW_FOLDER: Mode = Mode::from_raw_mode(0o700);

/// One tree of a receiver. Nobody else writes there.
struct Place {
    fold: Fold,
    memory: Memory,
    /// What is there, as far as it was told.
    has: Tree,
    /// Blocks of files that were written since the last look.
    dirty: BTreeMap<Path, BTreeSet<u64>>,
    /// The file that was written last stays open.
    open: Option<(Path, File)>,
}

/// Gets trees, in rounds.
pub struct Receiver {
    places: Vec<Place>,
}

impl Receiver {
    /// Into these folders, which the sender knows by their order. Nobody else writes there.
    ///
    /// # Errors
    /// One cannot be opened.
    pub fn new(roots: &[PathBuf]) -> io::Result<Self> {
        Ok(Self { places: roots.iter().map(|root| Place::open(root)).collect::<io::Result<Vec<_>>>()? })
    }

    /// Does what a sender says, until it says no more.
    ///
    /// # Errors
    /// The stream; this side's disk, after the sender was told.
    pub fn serve(&mut self, from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
        loop {
            match Message::read(from) {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
                message => self.answer(message?, to)?,
            }
        }
    }

    /// Asks a sender that waits to be told for one round.
    ///
    /// # Errors
    /// As [`Self::serve`], and what the sender met.
    pub fn fetch(&mut self, live: bool, from: &mut impl Read, to: &mut impl Write) -> io::Result<Round> {
        Message::Go { live }.write(to)?;
        to.flush()?;
        loop {
            match Message::read(from)? {
                Message::Went(round) => return Ok(round),
                Message::Failed(reason) => return Err(io::Error::other(reason)),
                message => self.answer(message, to)?,
            }
        }
    }

    fn answer(&mut self, message: Message, to: &mut impl Write) -> io::Result<()> {
        let answer = match carry_out(&mut self.places, message) {
            Ok(answer) => answer,
            Err(error) => {
                // Whoever is gone is told nothing.
                let _ = Message::Failed(error.to_string()).write(to).and_then(|()| to.flush());
                return Err(error);
            }
        };
        if let Some(answer) = answer {
            answer.write(to)?;
            to.flush()?;
        }
        Ok(())
    }
}

fn carry_out(places: &mut [Place], message: Message) -> io::Result<Option<Message>> {
    let odd = || io::Error::new(io::ErrorKind::InvalidData, "the other side does not speak as a seed does");
    match message {
        Message::Ask => {
            let all = places.iter_mut().map(Place::look).collect::<io::Result<Vec<_>>>()?;
            return Ok(Some(Message::Tree(Trees(all))));
        }
        Message::Finish => {
            let all = places.iter_mut().map(Place::finish).collect::<io::Result<Vec<_>>>()?;
            return Ok(Some(Message::Have(digest(&all))));
        }
        Message::Remove(tree, path) => places.get_mut(tree).ok_or_else(odd)?.remove(&path)?,
        Message::Make(tree, path, made) => places.get_mut(tree).ok_or_else(odd)?.make(&path, made.0)?,
        Message::Write(tree, path, offset, bytes) => {
            places.get_mut(tree).ok_or_else(odd)?.write(&path, offset, &bytes.0)?;
        }
        _ => return Err(odd()),
    }
    Ok(None)
}

impl Place {
    fn open(root: &std::path::Path) -> io::Result<Self> {
        let (has, dirty, open) = Default::default();
        Ok(Self { fold: Fold::open(root)?, memory: Memory::alone(), has, dirty, open })
    }

    fn look(&mut self) -> io::Result<Tree> {
        self.has = scan(&self.fold, &mut self.memory, &mut |_, _, _, _| Ok(()))?;
        Ok(self.has.clone())
    }

    /// Brings everything to the disk, and reads what was written.
    fn finish(&mut self) -> io::Result<Tree> {
        self.open = None;
        for (path, entry) in self.has.iter().rev().filter(|(_, entry)| entry.kind == Kind::Folder) {
            let folder = self.fold.at(path, OFlags::DIRECTORY)?;
            let stat = fs::fstat(&folder)?;
            if i128::from(stat.st_mtime) != i128::from(entry.modified.0)
                || i128::from(stat.st_mtime_nsec) != i128::from(entry.modified.1)
            {
                fs::futimens(&folder, &times(entry))?;
            }
        }
        fs::syncfs(self.fold.root())?;
        for (path, dirty) in std::mem::take(&mut self.dirty) {
            if matches!(self.has.get(&path), Some(Entry { kind: Kind::File { .. }, .. })) {
                self.memory.renew(&self.fold, &path, &dirty)?;
            }
        }
        self.look()
    }

    fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.open = None;
        self.fold.remove(path)?;
        self.has.remove(path);
        self.dirty.remove(path);
        self.memory.forget(path);
        Ok(())
    }

    /// Makes the folders that lead to something, where they are not.
    fn lead_to(&mut self, path: &Path) -> io::Result<()> {
        let slashes = path.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
        for end in slashes.collect::<Vec<_>>() {
            let folder: Path = path[..end].to_vec();
            if self.fold.at(&folder, OFlags::DIRECTORY).is_ok() {
                continue;
            }
            self.remove(&folder)?;
            let place = self.fold.place(&folder)?;
            fs::mkdirat(&place.folder, place.name(), NEW_FOLDER)?;
        }
        Ok(())
    }

    fn write(&mut self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.open.as_ref().is_none_or(|(open, _)| open != path) {
            let is_file = matches!(self.has.get(path), Some(Entry { kind: Kind::File { .. }, .. }));
            if !is_file && !self.dirty.contains_key(path) {
                self.lead_to(path)?;
                self.remove(path)?;
                let place = self.fold.place(path)?;
                let flags =
                    OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                fs::openat(&place.folder, place.name(), flags, NEW_FILE)?;
            }
            let file = self.fold.at(path, OFlags::WRONLY | OFlags::NONBLOCK)?;
            self.open = Some((path.clone(), file.into()));
        }
        if let Some((_, file)) = &self.open {
            file.write_all_at(bytes, offset)?;
        }
        self.dirty.entry(path.clone()).or_default().insert(offset / BLOCK as u64);
        Ok(())
    }

    fn make(&mut self, path: &Path, entry: Entry) -> io::Result<()> {
        self.open = None;
        if path.is_empty() {
            return self.finish_one(path, entry);
        }
        let was_written = self.dirty.contains_key(path);
        let stays = was_written && matches!(entry.kind, Kind::File { .. })
            || self.has.get(path).is_some_and(|has| has.kind.can_become(&entry.kind));
        self.lead_to(path)?;
        // A folder may have been made on the way to what is in it.
        let is_made = entry.kind == Kind::Folder && self.fold.at(path, OFlags::DIRECTORY).is_ok();
        if !stays && !is_made {
            self.remove(path)?;
            self.create(path, &entry.kind)?;
        }
        if let Kind::File { size, .. } = &entry.kind {
            let file = File::from(self.fold.at(path, OFlags::WRONLY | OFlags::NONBLOCK)?);
            if file.metadata()?.len() != *size {
                file.set_len(*size)?;
            }
            self.dirty.entry(path.clone()).or_default();
        }
        self.finish_one(path, entry)
    }

    fn create(&self, path: &Path, kind: &Kind) -> io::Result<()> {
        use std::os::unix::ffi::OsStrExt;
        let place = self.fold.place(path)?;
        match kind {
            Kind::Folder => fs::mkdirat(&place.folder, place.name(), NEW_FOLDER)?,
            Kind::File { .. } => {
                let flags =
                    OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
                drop(fs::openat(&place.folder, place.name(), flags, NEW_FILE)?);
            }
            Kind::Link(to) => fs::symlinkat(std::ffi::OsStr::from_bytes(to), &place.folder, place.name())?,
            Kind::Same(other) => {
                let other = self.fold.place(other)?;
                fs::linkat(&other.folder, other.name(), &place.folder, place.name(), AtFlags::empty())?;
            }
            Kind::Special { form, device } => {
                let form = FileType::from_raw_mode(*form);
                fs::mknodat(&place.folder, place.name(), form, NEW_FILE, *device)?;
            }
        }
        Ok(())
    }

    /// Owner, permissions, attributes and times, in the order in which none takes another back (chown(2) clears set-id
    /// bits and capabilities).
    fn finish_one(&mut self, path: &Path, entry: Entry) -> io::Result<()> {
        let (uid, gid) = (Some(Uid::from_raw(entry.uid)), Some(Gid::from_raw(entry.gid)));
        match entry.kind {
            _ if path.is_empty() => {
                let root = self.fold.root();
                fs::fchown(root, uid, gid)?;
                fs::fchmod(root, Mode::from_raw_mode(entry.mode))?;
            }
            Kind::Same(_) => {}
            _ => {
                let place = self.fold.place(path)?;
                fs::chownat(&place.folder, place.name(), uid, gid, AtFlags::SYMLINK_NOFOLLOW)?;
                if !matches!(entry.kind, Kind::Link(_)) {
                    let mode = Mode::from_raw_mode(entry.mode);
                    fs::chmodat(&place.folder, place.name(), mode, AtFlags::empty())?;
                }
                place.set_attributes(&entry.attributes)?;
                fs::utimensat(&place.folder, place.name(), &times(&entry), AtFlags::SYMLINK_NOFOLLOW)?;
            }
        }
        self.has.insert(path.clone(), entry);
        Ok(())
    }
}

fn times(entry: &Entry) -> Timestamps {
    let time = Timespec { tv_sec: entry.modified.0, tv_nsec: entry.modified.1 };
    Timestamps { last_access: time, last_modification: time }
}
