//! The context on its way: a folder as a tar stream, a repository that is fetched first, or what comes on stdin.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::ignore::Ignore;
use crate::failure::{Failure, Result};

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

/// A repository that was fetched, and goes with this.
pub(super) struct Repository {
    folder: PathBuf,
    /// The part of it that was asked for.
    pub(super) context: PathBuf,
}

impl Drop for Repository {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Whether a context is a repository's address: `git@…`, `git://…`, or one that ends in `.git`, with `#REF:FOLDER`.
pub(super) fn is_repository(text: &str) -> bool {
    let address = text.split('#').next().unwrap_or_default();
    text.starts_with("git@")
        || text.starts_with("git://")
        || text.starts_with("ssh://")
        || (address.contains("://") && address.ends_with(".git"))
        || text.starts_with("github.com/")
}

/// Fetches a repository with this machine's `git`, which knows its keys and proxies.
///
/// # Errors
/// There is no `git`; no such repository, reference or folder.
pub(super) fn fetch(text: &str) -> Result<Repository> {
    let (address, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (reference, below) = fragment.split_once(':').unwrap_or((fragment, ""));
    let address =
        if address.starts_with("github.com/") { format!("https://{address}") } else { address.to_owned() };
    let number = std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), text);
    let folder = std::env::temp_dir().join(format!("sampan-build-{number:016x}"));
    fs::create_dir(&folder)?;
    let repository = Repository { context: folder.clone(), folder };
    let git = |words: &[&str]| -> Result<()> {
        let mut command = Command::new("git");
        command
            .arg("-C")
            .arg(&repository.folder)
            .args(words)
            .stdin(Stdio::null())
            .env("GIT_TERMINAL_PROMPT", "0");
        let output = command
            .output()
            .map_err(|error| Failure::message(format!("unable to run git: {error}; install it")))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(Failure::message(format!("unable to prepare context: git {}: {said}", words.join(" "))))
    };
    // A reference may be a branch, a tag or a commit: servers give each of them by its name.
    let wanted = if reference.is_empty() { "HEAD" } else { reference };
    git(&["init", "--quiet"])?;
    git(&["remote", "add", "origin", &address])?;
    git(&["fetch", "--quiet", "--depth", "1", "origin", wanted])
        .or_else(|_| git(&["fetch", "--quiet", "origin", "+refs/heads/*:refs/remotes/origin/*", "--tags"]))?;
    git(&["checkout", "--quiet", "FETCH_HEAD"]).or_else(|failure| {
        if reference.is_empty() { Err(failure) } else { git(&["checkout", "--quiet", reference]) }
    })?;
    git(&["submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1"])?;
    fs::remove_dir_all(repository.folder.join(".git"))?;
    let context = repository.folder.join(below.trim_start_matches('/'));
    let inside = context.canonicalize().ok().filter(|real| {
        repository.folder.canonicalize().is_ok_and(|root| real.starts_with(root)) && real.is_dir()
    });
    let mut repository = repository;
    repository.context = inside.ok_or_else(|| {
        Failure::message(format!("unable to prepare context: the repository has no folder {below:?}"))
    })?;
    Ok(repository)
}
