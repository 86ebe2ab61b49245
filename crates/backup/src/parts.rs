//! Several folders as one tree.

use rustic_core::repofile::Node;
use rustic_core::{
    Excludes, LocalSource, LocalSourceFilterOptions, LocalSourceSaveOptions, ReadSource, ReadSourceEntry,
    RusticResult,
};
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
        Box::new(walks.into_iter().flat_map(|(part, walk)| walk.map(move |entry| Ok(renamed(entry?, &part)))))
    }
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
