//! COPY and ADD: files from a root into a layer, and what they are as a number.

use crate::files;
use rustix::fs::FileType;
use sampan_error::{Context as _, Error, Result};
use sampan_ignore::Ignore;
use sampan_storage::archive;
use sampan_storage::tar::{Entry, EntryKind, Reader, Writer};
use std::io::{BufWriter, Read, Write};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::Arc;

/// Bytes that go into a pipe at once, a fraction of what it holds: both ends are to work at the same time.
const BUFFER: usize = 16 << 10;

/// One thing to copy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its path below the root.
    pub(crate) path: String,
    /// Where its contents are, when it is a link to a file.
    pub(crate) real: String,
    /// Its path below the folder that `--parents` counts from.
    pub(crate) below: String,
    pub(crate) is_directory: bool,
}

/// How it is copied.
#[derive(Debug, Clone, Default)]
pub(crate) struct Manner {
    /// Owner; `None` keeps what it has.
    pub(crate) owner: Option<(u32, u32)>,
    /// Permission bits of everything.
    pub(crate) mode: Option<u32>,
    /// Archives are unpacked (ADD).
    pub(crate) unpack: bool,
    /// What is left out, by paths below each source.
    pub(crate) exclude: Arc<Ignore>,
    /// The folders above each source come along.
    pub(crate) parents: bool,
    /// There are several sources, so the destination is a folder.
    pub(crate) several: bool,
}

impl Manner {
    /// Whether a file among the sources is left out altogether.
    pub(crate) fn leaves_out(&self, source: &Source) -> bool {
        let name = source.path.rsplit('/').next().unwrap_or_default();
        !source.is_directory && self.exclude.excludes(name)
    }
}

/// Finds what the sources of an instruction stand for. With `parents`, `**` stands for any number of folders, and `/./`
/// says where the folders that come along begin.
///
/// # Errors
/// One of them stands for nothing.
pub(crate) fn sources(root: BorrowedFd<'_>, wanted: &[String], parents: bool) -> Result<Vec<Source>> {
    let mut found = Vec::new();
    for source in wanted {
        let above = source.rfind("/./").filter(|_| parents).map(|at| files::clean(&source[..at]));
        for path in files::matching(root, source, parents)? {
            let is_directory = files::kind(root, &path) == Some(FileType::Directory);
            let link = archive::stat(root, Path::new(&path)).map(|stat| stat.link_target).unwrap_or_default();
            let real = if link.is_empty() || is_directory { path.clone() } else { link };
            let below = above.as_deref().and_then(|above| path.strip_prefix(above)).unwrap_or(&path);
            let below = below.trim_start_matches('/').to_owned();
            found.push(Source { path, real, below, is_directory });
        }
    }
    Ok(found)
}

/// Runs `take` on the files of a source as a tar stream.
fn streamed<T: Send>(
    root: BorrowedFd<'_>,
    source: &Source,
    take: impl FnOnce(&mut dyn Read) -> Result<T> + Send,
) -> Result<T> {
    let (mut input, mut output) = std::io::pipe().context("cannot make a pipe")?;
    // Of a directory its contents are copied, of a link what it leads to when it is one.
    let path = if source.is_directory { format!("{}/.", source.path) } else { source.real.clone() };
    std::thread::scope(|scope| {
        let producer = scope.spawn(move || {
            // Headers and small files one by one would be a hand-over between threads each.
            let mut buffered = BufWriter::with_capacity(BUFFER, &mut output);
            let read = archive::read(root, Path::new(&path), &mut buffered).map_err(Error::from);
            read.and_then(|()| Ok(buffered.flush()?))
        });
        let taken = take(&mut input);
        drop(input);
        let produced = producer.join().map_err(|_| Error::internal("reading files failed"))?;
        // What the receiver says explains a broken pipe.
        let taken = taken?;
        produced?;
        Ok(taken)
    })
}

/// Copies sources into a layer. `destination` is absolute; a slash at its end makes it a directory.
///
/// # Errors
/// What is in the way; no space.
pub(crate) fn copy(
    root: BorrowedFd<'_>,
    sources: &[Source],
    layer: BorrowedFd<'_>,
    destination: &str,
    manner: &Manner,
) -> Result<()> {
    let path = files::clean(destination);
    let is_there = files::kind(layer, &path);
    let into_directory = destination.ends_with('/')
        || destination.ends_with("/.")
        || manner.several
        || sources.len() > 1
        || is_there == Some(FileType::Directory);
    for source in sources.iter().filter(|source| !manner.leaves_out(source)) {
        if manner.parents {
            let target = files::clean(&format!("{path}/{}", source.below));
            one(root, source, layer, &target, manner)?;
            continue;
        }
        if manner.unpack && !source.is_directory && unpack(root, source, layer, &path)? {
            continue;
        }
        let target = match source.is_directory {
            true => path.clone(),
            false if into_directory => {
                let name = source.path.rsplit('/').next().unwrap_or_default();
                files::clean(&format!("{path}/{name}"))
            }
            // A link to a file is written through.
            false => match is_there {
                Some(_) => archive::stat(layer, Path::new(&path))
                    .map(|stat| stat.link_target)
                    .ok()
                    .filter(|target| !target.is_empty())
                    .unwrap_or_else(|| path.clone()),
                None => path.clone(),
            },
        };
        if source.is_directory && is_there.is_some_and(|kind| kind != FileType::Directory) {
            return Err(Error::invalid(format!("cannot copy to non-directory: {path}")));
        }
        one(root, source, layer, &target, manner)?;
    }
    Ok(())
}

/// Whether an entry of a source is left out.
fn leaves_out(manner: &Manner, path: &[u8]) -> bool {
    let path = path.strip_prefix(b"./").unwrap_or(path);
    !manner.exclude.is_empty() && manner.exclude.excludes(String::from_utf8_lossy(path).trim_end_matches('/'))
}

/// Copies one source to this very path.
fn one(
    root: BorrowedFd<'_>,
    source: &Source,
    layer: BorrowedFd<'_>,
    target: &str,
    manner: &Manner,
) -> Result<()> {
    let target_exists = files::kind(layer, target).is_some();
    let inside = target.trim_start_matches('/').to_owned();
    streamed(root, source, move |input| {
        let (mut written, mut writing) = std::io::pipe().context("cannot make a pipe")?;
        std::thread::scope(|scope| {
            let receiver = scope.spawn(move || {
                let options =
                    archive::WriteOptions { copy_uid_gid: true, ..archive::WriteOptions::default() };
                archive::write(layer, Path::new("/"), &mut written, &options)
            });
            let sent = (|| {
                let mut buffered = BufWriter::with_capacity(BUFFER, &mut writing);
                let mut writer = Writer::new(&mut buffered);
                for folder in missing_parents(layer, &inside) {
                    writer.entry(&folder_entry(&folder, manner))?;
                }
                rename(input, &mut writer, source, &inside, target_exists, manner)?;
                writer.finish()?;
                Ok::<_, Error>(buffered.flush()?)
            })();
            drop(writing);
            let received = receiver.join().map_err(|_| Error::internal("writing files failed"))?;
            received?;
            sent
        })
    })
}

/// Passes entries on under their new names.
fn rename(
    input: &mut dyn Read,
    writer: &mut Writer<'_>,
    source: &Source,
    inside: &str,
    target_exists: bool,
    manner: &Manner,
) -> Result<()> {
    let name = |path: &[u8]| -> Vec<u8> {
        let rest = path.strip_prefix(b".").unwrap_or(path);
        let rest = if source.is_directory { rest } else { b"" };
        let rest = rest.strip_prefix(b"/").unwrap_or(rest);
        let parts = [inside.as_bytes(), rest];
        parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&b'/')
    };
    let mut reader = Reader::new(input);
    while let Some(mut entry) = reader.next_entry()? {
        if source.is_directory && leaves_out(manner, &entry.path) {
            continue;
        }
        let is_top = source.is_directory && matches!(&entry.path[..], b"./" | b"." | b"/");
        if is_top && (target_exists || inside.is_empty()) {
            continue;
        }
        if is_top {
            // The contents are copied, not the directory: what holds them is new.
            let new = folder_entry(inside, manner);
            entry = Entry { mode: manner.mode.unwrap_or(new.mode), ..new };
            writer.entry(&entry)?;
            continue;
        }
        entry.path = name(&entry.path);
        if entry.kind == EntryKind::HardLink {
            entry.link = name(&entry.link);
        }
        if let Some((uid, gid)) = manner.owner {
            (entry.uid, entry.gid) = (uid, gid);
        }
        if let Some(mode) = manner.mode.filter(|_| entry.kind != EntryKind::Symlink) {
            entry.mode = mode;
        }
        writer.entry(&entry)?;
        while let Some(chunk) = reader.chunk(u64::MAX)? {
            writer.data(chunk)?;
        }
    }
    reader.drain()?;
    Ok(())
}

fn folder_entry(path: &str, manner: &Manner) -> Entry {
    let mut entry = Entry::new(EntryKind::Directory, path.as_bytes());
    if let Some((uid, gid)) = manner.owner {
        (entry.uid, entry.gid) = (uid, gid);
    }
    entry
}

/// The folders above a path that are not there yet, outermost first.
pub(crate) fn missing_parents(layer: BorrowedFd<'_>, path: &str) -> Vec<String> {
    let cuts = path.match_indices('/').map(|(at, _)| &path[..at]);
    cuts.filter(|folder| files::kind(layer, folder).is_none()).map(str::to_owned).collect()
}

/// Makes a folder with all above it, as WORKDIR does.
///
/// # Errors
/// Something else is in the way.
pub(crate) fn make_folder(layer: BorrowedFd<'_>, path: &str, owner: (u32, u32)) -> Result<()> {
    let inside = path.trim_start_matches('/');
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for folder in missing_parents(layer, inside).into_iter().chain([inside.to_owned()]) {
        let manner = Manner { owner: Some(owner), ..Manner::default() };
        writer.entry(&folder_entry(&folder, &manner))?;
    }
    writer.finish()?;
    let options = archive::WriteOptions { copy_uid_gid: true, ..archive::WriteOptions::default() };
    Ok(archive::write(layer, Path::new("/"), &mut &bytes[..], &options)?)
}

/// Unpacks a file that is an archive below the destination; false when it is none.
fn unpack(root: BorrowedFd<'_>, source: &Source, layer: BorrowedFd<'_>, destination: &str) -> Result<bool> {
    const BLOCK: usize = 512;
    let mut file = std::fs::File::from(files::open(root, &source.path).context("a file cannot be opened")?);
    let Ok(mut unpacked) = sampan_image::decompressed(Box::new(&mut file)) else {
        return Ok(false);
    };
    let mut head = [0; BLOCK];
    // A damaged stream is a file like any other.
    let count = fill(&mut *unpacked, &mut head).unwrap_or(0);
    if head.get(257..262) != Some(b"ustar") {
        return Ok(false);
    }
    if files::kind(layer, destination).is_none() {
        make_folder(layer, destination, (0, 0))?;
    }
    let mut input = std::io::Cursor::new(head[..count].to_vec()).chain(unpacked);
    let options = archive::WriteOptions { copy_uid_gid: true, ..archive::WriteOptions::default() };
    archive::write(layer, Path::new(destination), &mut input, &options)?;
    Ok(true)
}

fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match input.read(&mut buffer[count..]).context("a file cannot be read")? {
            0 => break,
            read => count += read,
        }
    }
    Ok(count)
}

/// The owner that `--chown` names where there are no files to know names.
///
/// # Errors
/// It is no number.
pub(crate) fn numbers(text: &str) -> Result<(u32, u32)> {
    let number = |text: &str| {
        text.parse().map_err(|_| {
            Error::invalid(format!(
                "unable to convert user {text:?} to an id: there is nothing in scratch to know it"
            ))
        })
    };
    match text.split_once(':') {
        Some((user, group)) => Ok((number(user)?, number(group)?)),
        None => number(text).map(|id| (id, id)),
    }
}

/// The owner that `--chown` names: numbers, or names of the image's own files.
///
/// # Errors
/// A name that the image does not know.
pub(crate) fn owner(image: BorrowedFd<'_>, text: &str) -> Result<(u32, u32)> {
    let (user, group) = text.split_once(':').map_or((text, None), |(user, group)| (user, Some(group)));
    let find = |file: &str, name: &str, what: &str| -> Result<(u32, u32)> {
        if let Ok(number) = name.parse() {
            return Ok((number, number));
        }
        let text = files::open(image, file).ok().and_then(|file| {
            let mut text = String::new();
            std::fs::File::from(file).read_to_string(&mut text).ok().map(|_| text)
        });
        let text = text.unwrap_or_default();
        let line = text.lines().find(|line| line.split(':').next() == Some(name));
        let fields: Vec<&str> = line.map(|line| line.split(':').collect()).unwrap_or_default();
        let number = |index: usize| fields.get(index).and_then(|field: &&str| field.parse().ok());
        number(2).map(|id| (id, number(3).unwrap_or(id))).ok_or_else(|| {
            Error::invalid(format!("unable to convert {what} {name:?} to an id: {file} does not know it"))
        })
    };
    let (user_id, own_group) = find("/etc/passwd", user, "user")?;
    let group_id = match group {
        Some(group) => find("/etc/group", group, "group")?.0,
        None => own_group,
    };
    Ok((user_id, group_id))
}
