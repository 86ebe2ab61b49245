//! Several folders as one tree.

use rustic_core::repofile::{Metadata, Node, NodeType};
use rustic_core::{
    Excludes, LocalSource, LocalSourceFilterOptions, LocalSourceSaveOptions, ReadSource, ReadSourceEntry,
    RusticResult,
};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A folder or file of the host, and what it is called in a snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it is.
    pub from: PathBuf,
    /// Its path in the snapshot, from its root.
    pub to: PathBuf,
}

/// All parts of a snapshot.
pub(crate) struct Parts {
    /// In the order of their names in the snapshot, as its trees are.
    sources: Vec<(Part, LocalSource)>,
}

type Entry = RusticResult<ReadSourceEntry<<LocalSource as ReadSource>::Open>>;

impl Parts {
    pub(crate) fn new(parts: &[Part]) -> RusticResult<Self> {
        let mut parts = parts.to_vec();
        parts.sort_by(|one, other| one.to.cmp(&other.to));
        let sources = parts.into_iter().map(|part| {
            let source = LocalSource::new(
                LocalSourceSaveOptions::default(),
                &Excludes::default(),
                &LocalSourceFilterOptions::default(),
                std::slice::from_ref(&part.from),
            )?;
            Ok((part, source))
        });
        Ok(Self { sources: sources.collect::<RusticResult<_>>()? })
    }
}

impl ReadSource for Parts {
    type Open = <LocalSource as ReadSource>::Open;
    type Iter = Box<dyn Iterator<Item = Entry> + Send>;

    fn size(&self) -> RusticResult<Option<u64>> {
        Ok(None)
    }

    fn entries(&self) -> Self::Iter {
        let walks: Vec<_> =
            self.sources.iter().map(|(part, source)| (part.clone(), source.entries())).collect();
        Box::new(walks.into_iter().flat_map(|(part, walk)| {
            // The library's walk leaves out the folder that it begins with, and what that is like.
            let top = top(&part).map(Ok);
            top.into_iter().chain(walk.map(move |entry| Ok(renamed(entry?, &part))))
        }))
    }
}

/// The folder at the top of a part, with its owner and mode. Modes are Go's (`os.FileMode`).
fn top<O>(part: &Part) -> Option<ReadSourceEntry<O>> {
    const SPECIAL: [(u32, u32); 3] = [(1 << 23, 0o4000), (1 << 22, 0o2000), (1 << 20, 0o1000)];
    const FOLDER: u32 = 1 << 31;
    let found = std::fs::symlink_metadata(&part.from).ok().filter(std::fs::Metadata::is_dir)?;
    let special =
        SPECIAL.iter().filter(|(_, unix)| found.mode() & unix != 0).fold(0, |bits, (go, _)| bits | go);
    let meta = Metadata {
        mode: Some(FOLDER | special | (found.mode() & 0o777)),
        uid: Some(found.uid()),
        gid: Some(found.gid()),
        ..Metadata::default()
    };
    let node = Node::new_node(part.to.file_name()?, NodeType::Dir, meta);
    Some(ReadSourceEntry { path: part.to.clone(), node, open: None })
}

/// An entry under its name in the snapshot.
fn renamed<O>(mut entry: ReadSourceEntry<O>, part: &Part) -> ReadSourceEntry<O> {
    let rest = entry.path.strip_prefix(&part.from).unwrap_or(Path::new(""));
    let path = if rest.as_os_str().is_empty() { part.to.clone() } else { part.to.join(rest) };
    if rest.as_os_str().is_empty() {
        let name = path.file_name().unwrap_or_default();
        entry.node = Node::new_node(name, entry.node.node_type, entry.node.meta);
    }
    entry.path = path;
    entry
}
