//! The context on its way: a folder as a tar stream, a repository that is fetched first, or what comes on stdin.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::failure::{Failure, Result};
use sampan_ignore::Ignore;

/// A Dockerfile that is not part of the folder.
pub(super) struct Extra {
    /// What it is called in the context.
    pub(super) name: String,
    pub(super) text: Vec<u8>,
}

/// A folder as a stream, packed by a thread of its own.
///
/// # Errors
/// There is no such folder.
pub(super) fn pack(folder: &Path, ignore: Ignore, extra: Option<Extra>) -> Result<Box<dyn Read + Send>> {
    let (reader, writer) = io::pipe()?;
    let folder = folder.to_owned();
    std::thread::spawn(move || {
        let mut builder = tar::Builder::new(io::BufWriter::with_capacity(64 << 10, writer));
        builder.follow_symlinks(false);
        let packed = walk(&mut builder, &folder, "", &ignore).and_then(|()| match &extra {
            Some(extra) => {
                let mut header = tar::Header::new_gnu();
                header.set_size(extra.text.len() as u64);
                header.set_mode(0o600);
                builder.append_data(&mut header, &extra.name, &extra.text[..])
            }
            None => Ok(()),
        });
        // Without its end the engine refuses the archive, and a reader that is gone wants none.
        match packed {
            Ok(()) => drop(builder.into_inner().and_then(|mut out| out.flush())),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => eprintln!("the build context cannot be read: {error}"),
        }
    });
    Ok(Box::new(reader))
}

fn walk<W: Write>(
    builder: &mut tar::Builder<W>,
    root: &Path,
    below: &str,
    ignore: &Ignore,
) -> io::Result<()> {
    let mut entries: Vec<_> = fs::read_dir(root.join(below))?.collect::<io::Result<_>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let path = Path::new(below).join(&name);
        let shown = path.to_string_lossy().into_owned();
        let is_folder = entry.file_type()?.is_dir();
        let excluded = ignore.excludes(&shown);
        if !excluded {
            append(builder, &root.join(&path), &path)?;
        }
        if is_folder && (!excluded || ignore.has_exceptions()) {
            walk(builder, root, &shown, ignore)?;
        }
    }
    Ok(())
}

/// One entry, which is root's in the context as everything there.
fn append<W: Write>(builder: &mut tar::Builder<W>, source: &Path, path: &Path) -> io::Result<()> {
    let metadata = fs::symlink_metadata(source)?;
    let mut header = tar::Header::new_gnu();
    header.set_metadata(&metadata);
    header.set_uid(0);
    header.set_gid(0);
    if metadata.is_symlink() {
        header.set_size(0);
        builder.append_link(&mut header, path, fs::read_link(source)?)
    } else if metadata.is_file() {
        builder.append_data(&mut header, path, fs::File::open(source)?)
    } else if metadata.is_dir() {
        header.set_size(0);
        builder.append_data(&mut header, path, io::empty())
    } else {
        // Sockets and the like are of no use to a build.
        Ok(())
    }
}

/// A folder that goes with this.
pub(super) struct Folder {
    pub(super) path: PathBuf,
}

impl Folder {
    /// A new one, whose name tells what for.
    pub(super) fn new(what: &str) -> io::Result<Self> {
        let number = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), what);
        let path = std::env::temp_dir().join(format!("sampan-build-{number:016x}"));
        fs::create_dir(&path)?;
        Ok(Self { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// A repository that was fetched, and goes with this.
pub(super) struct Repository {
    _folder: Folder,
    /// The part of it that was asked for.
    pub(super) context: PathBuf,
}

/// Fetches a repository with this machine's `git`, which knows its keys and proxies.
///
/// # Errors
/// There is no `git`; no such repository, reference or folder.
pub(super) fn fetch(text: &str) -> Result<Repository> {
    let folder = Folder::new(text)?;
    let context = sampan_git::checkout(text, &folder.path, false)
        .map_err(|error| Failure::message(format!("unable to prepare context: {error}")))?;
    Ok(Repository { _folder: folder, context })
}
