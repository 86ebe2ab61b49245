//! The end that has the files.

use crate::entry::{BLOCK, Entry, Hash, Kind, Path, Tree, digest, hash};
use crate::fold::Fold;
use crate::message::{Data, Message, Round};
use crate::scan::{Memory, scan};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Sends trees, in rounds.
pub struct Sender {
    folds: Vec<Fold>,
    memories: Vec<Memory>,
    /// What the receiver has, once it was asked.
    known: Option<Vec<Tree>>,
}

impl Sender {
    /// Of these folders, whose receiver knows them by their order.
    ///
    /// # Errors
    /// One cannot be opened.
    pub fn new(roots: &[PathBuf]) -> io::Result<Self> {
        let folds = roots.iter().map(|root| Fold::open(root)).collect::<io::Result<Vec<_>>>()?;
        let memories = folds.iter().map(|_| Memory::default()).collect();
        Ok(Self { folds, memories, known: None })
    }

    /// Sends what the receiver does not have yet. While somebody writes (`live`), what it gets is of no one moment; a round
    /// after all writing has ended brings exactly what is there.
    ///
    /// # Errors
    /// Either side's disk; the stream; digests that differ.
    pub fn round(&mut self, live: bool, from: &mut impl Read, to: &mut impl Write) -> io::Result<Round> {
        match self.one_round(live, from, to) {
            // The other side says why it went away, if it still can.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                Err(Message::read(from).ok().and_then(reason).unwrap_or(error))
            }
            other => other,
        }
    }

    fn one_round(&mut self, live: bool, from: &mut impl Read, to: &mut impl Write) -> io::Result<Round> {
        let known = match self.known.take() {
            Some(known) => known,
            None => {
                // Blocks that a broken round did not bring have to be read again.
                self.memories.iter_mut().for_each(|memory| *memory = Memory::default());
                ask(from, to, self.folds.len())?
            }
        };
        let mut round = Round::default();
        let mut trees = Vec::new();
        for (number, fold) in self.folds.iter().enumerate() {
            if live {
                // A write through a mapping is noted when the page was clean before: now they all are.
                rustix::fs::syncfs(fold.root())?;
            }
            trees.push(one(number, fold, &mut self.memories[number], &known[number], to, &mut round)?);
        }
        Message::Finish.write(to)?;
        to.flush()?;
        round.digest = digest(&trees);
        let theirs = match answer(from)? {
            Message::Have(digest) => digest,
            _ => return Err(wrong()),
        };
        if theirs != round.digest {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "what arrived is not what was sent: the other side's disk or another program changed it",
            ));
        }
        self.known = Some(trees);
        Ok(round)
    }
}

fn wrong() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the other side does not speak as a seed does")
}

/// The next message; the other side's failure is ours.
pub(crate) fn answer(from: &mut impl Read) -> io::Result<Message> {
    match Message::read(from)? {
        Message::Failed(reason) => Err(io::Error::other(reason)),
        message => Ok(message),
    }
}

fn reason(message: Message) -> Option<io::Error> {
    if let Message::Failed(reason) = message { Some(io::Error::other(reason)) } else { None }
}

fn ask(from: &mut impl Read, to: &mut impl Write, count: usize) -> io::Result<Vec<Tree>> {
    Message::Ask.write(to)?;
    to.flush()?;
    match answer(from)? {
        Message::Tree(trees) if trees.0.len() == count => Ok(trees.0),
        _ => Err(wrong()),
    }
}

/// One tree: first what goes, then what comes with its bytes, then what a file's bytes change of its folders.
fn one(
    number: usize,
    fold: &Fold,
    memory: &mut Memory,
    known: &Tree,
    to: &mut impl Write,
    round: &mut Round,
) -> io::Result<Tree> {
    let mut writes = Writes { number, known, to, last: Path::new(), round };
    let tree = scan(fold, memory, &mut |path, block, hash, bytes| writes.block(path, block, hash, bytes))?;
    let Writes { to, .. } = writes;
    for path in known.keys().rev() {
        if !tree.contains_key(path) {
            Message::Remove(number, path.clone()).write(to)?;
        }
    }
    for (path, entry) in &tree {
        if known.get(path) != Some(entry) {
            Message::make(number, path, entry).write(to)?;
        }
    }
    round.files += tree.len() as u64;
    round.bytes += tree.values().map(size).sum::<u64>();
    Ok(tree)
}

fn size(entry: &Entry) -> u64 {
    if let Kind::File { size, .. } = &entry.kind { *size } else { 0 }
}

/// Sends blocks that differ.
struct Writes<'a, W> {
    number: usize,
    known: &'a Tree,
    to: &'a mut W,
    /// The file that the last block was of.
    last: Path,
    round: &'a mut Round,
}

impl<W: Write> Writes<'_, W> {
    fn block(&mut self, path: &Path, block: u64, hash_of: Hash, bytes: &[u8]) -> io::Result<()> {
        let there = match self.known.get(path).map(|entry| &entry.kind) {
            Some(Kind::File { blocks, .. }) => {
                usize::try_from(block).ok().and_then(|block| blocks.get(block))
            }
            _ => None,
        };
        // Where there is nothing yet, zeros need not be written: the file gets its length.
        let is_there = there.map_or_else(|| hash_of == zeros(bytes.len()), |there| *there == hash_of);
        if is_there {
            return Ok(());
        }
        if self.last != *path {
            self.last.clone_from(path);
            self.round.changed += 1;
        }
        self.round.sent += bytes.len() as u64;
        Message::Write(self.number, path.clone(), block * BLOCK as u64, Data(bytes.to_vec())).write(self.to)
    }
}

fn zeros(length: usize) -> Hash {
    static WHOLE: std::sync::OnceLock<Hash> = std::sync::OnceLock::new();
    match length {
        BLOCK => *WHOLE.get_or_init(|| hash(&[0; BLOCK])),
        shorter => hash(&vec![0; shorter]),
    }
}
