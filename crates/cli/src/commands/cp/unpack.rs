//! A tar stream from a container as files here. The container's owner may be hostile: nothing is written
//! outside the destination, whatever names and links the stream has.

use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tar::{Archive, Entry, EntryType};

use super::path::{self, Destination, Source, system_failure};
use crate::failure::{Failure, Result};

/// How many links are followed to find the destination.
const LINK_LIMIT: usize = 10;

/// Writes the stream of `source` to `target`.
///
/// # Errors
/// A destination that does not fit, a stream that breaks, a full disk.
pub(super) fn to(stream: impl Read, source: &Source, target: &str) -> Result<()> {
    let destination = destination(target)?;
    let (folder, name) = path::place(source, &destination)?;
    let (_, own_name) = path::split_entry(&source.path);
    let folder = PathBuf::from(folder);
    let mut archive = Archive::new(stream);
    let mut folders: Vec<(PathBuf, u64)> = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let renamed = rename(&entry.path()?, &own_name, &name);
        let Some(place) = inside(&folder, &renamed) else { continue };
        refuse_change_of_kind(&place, &entry)?;
        if let Some((path, modified)) = write(&mut entry, &folder, &place, &own_name, &name)? {
            folders.push((path, modified));
        }
    }
    // Last, because files written into a folder change its time.
    for (path, modified) in folders.into_iter().rev() {
        if let Ok(file) = File::open(&path) {
            let _ = file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified));
        }
    }
    Ok(())
}

/// The destination with its links followed.
fn destination(target: &str) -> Result<Destination> {
    let mut path = target.to_owned();
    for _ in 0..LINK_LIMIT {
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = std::fs::read_link(&path)?;
                path = path::link_target(&path, &link.to_string_lossy());
            }
            Ok(metadata) => return Ok(Destination { path, exists: true, is_directory: metadata.is_dir() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let (folder, _) = path::split_entry(&path);
                let metadata =
                    std::fs::metadata(&folder).map_err(|error| system_failure("stat", &folder, &error))?;
                if !metadata.is_dir() {
                    return Err("not a directory".into());
                }
                return Ok(Destination { path, exists: false, is_directory: false });
            }
            Err(error) => return Err(system_failure("lstat", &path, &error)),
        }
    }
    Err(Failure::message(format!("too many symlinks in {target}")))
}

/// The entry's name with its first part replaced.
fn rename(path: &Path, old: &str, new: &str) -> PathBuf {
    if old == new {
        return path.to_owned();
    }
    match path.strip_prefix(if old == "/" { "" } else { old }) {
        Ok(rest) => Path::new(new).join(rest),
        // An entry that is not under the copied one is left as it is.
        Err(_) => path.to_owned(),
    }
}

/// The place of an entry under the folder; nothing for the folder itself.
fn inside(folder: &Path, name: &Path) -> Option<PathBuf> {
    let mut place = folder.to_owned();
    let mut any = false;
    for component in name.components() {
        match component {
            Component::Normal(part) => {
                place.push(part);
                any = true;
            }
            Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            Component::ParentDir => return None,
        }
    }
    any.then_some(place)
}

fn refuse_change_of_kind(place: &Path, entry: &Entry<'_, impl Read>) -> Result<()> {
    let Ok(metadata) = place.symlink_metadata() else { return Ok(()) };
    let (is, becomes) = (metadata.is_dir(), entry.header().entry_type().is_dir());
    let (from, to) = match (is, becomes) {
        (true, false) => ("directory", "non-directory"),
        (false, true) => ("non-directory", "directory"),
        _ => return Ok(()),
    };
    let shown = crate::flags::quote(&place.to_string_lossy());
    Err(Failure::message(format!("cannot overwrite {from} {shown} with {to} {shown}")))
}

/// Writes one entry; a folder is returned with its time, in seconds.
fn write(
    entry: &mut Entry<'_, impl Read>,
    folder: &Path,
    place: &Path,
    own_name: &str,
    name: &str,
) -> Result<Option<(PathBuf, u64)>> {
    let header = entry.header();
    let kind = header.entry_type();
    let mode = header.mode().unwrap_or(0o644);
    let modified = header.mtime().unwrap_or(0);
    let parent = place.parent().unwrap_or(folder);
    std::fs::create_dir_all(parent)?;
    within(parent, folder)?;
    match kind {
        EntryType::Directory => {
            if !place.is_dir() {
                std::fs::create_dir(place)?;
            }
            set_mode(place, mode)?;
            return Ok(Some((place.to_owned(), modified)));
        }
        EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
            remove(place)?;
            entry.set_preserve_permissions(true);
            entry.set_preserve_mtime(true);
            entry.unpack(place)?;
            set_mode(place, mode)?;
        }
        EntryType::Symlink => {
            remove(place)?;
            let target = entry.link_name()?.unwrap_or_default().into_owned();
            std::os::unix::fs::symlink(target, place)?;
        }
        EntryType::Link => {
            let target = entry.link_name()?.unwrap_or_default().into_owned();
            let Some(first) = inside(folder, &rename(&target, own_name, name)) else { return Ok(None) };
            within(first.parent().unwrap_or(folder), folder)?;
            if first.symlink_metadata()?.is_symlink() {
                return Err(Failure::message(format!(
                    "invalid hardlink {} -> {}",
                    place.display(),
                    first.display()
                )));
            }
            remove(place)?;
            std::fs::hard_link(first, place)?;
        }
        EntryType::Char | EntryType::Block | EntryType::Fifo => {
            remove(place)?;
            let (major, minor) = (header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0));
            let file_type = match kind {
                EntryType::Char => FileType::CharacterDevice,
                EntryType::Block => FileType::BlockDevice,
                _ => FileType::Fifo,
            };
            let device = rustix::fs::makedev(major, minor);
            mknodat(CWD, place, file_type, Mode::from_raw_mode(mode & 0o7777), device)
                .map_err(std::io::Error::from)?;
        }
        _ => {}
    }
    Ok(None)
}

/// A file of the same name makes room.
fn remove(place: &Path) -> Result<()> {
    match std::fs::remove_file(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

/// Refuses a folder that an earlier entry's link leads out of the destination.
fn within(parent: &Path, folder: &Path) -> Result<()> {
    let (parent, folder) = (parent.canonicalize()?, folder.canonicalize()?);
    if parent.starts_with(&folder) {
        return Ok(());
    }
    Err(Failure::message(format!(
        "{} is outside {}: the archive leads out of the destination",
        parent.display(),
        folder.display()
    )))
}

fn set_mode(place: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(place, std::fs::Permissions::from_mode(mode & 0o7777))?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tar::{Builder, EntryType, Header};

    use super::to;
    use crate::commands::cp::path::Source;

    fn entry(builder: &mut Builder<Vec<u8>>, name: &str, kind: EntryType, link: &str, content: &[u8]) {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(1);
        // Written by hand: the library refuses to make such names.
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.as_gnu_mut().unwrap().linkname[..link.len()].copy_from_slice(link.as_bytes());
        header.set_cksum();
        builder.append(&header, content).unwrap();
    }

    fn source() -> Source {
        Source { path: String::from("/a"), is_directory: true, rebase: String::new() }
    }

    #[test]
    fn a_hostile_archive_stays_inside() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("target");
        std::fs::create_dir(&target).unwrap();
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).unwrap();
        let mut builder = Builder::new(Vec::new());
        entry(&mut builder, "a/../../outside/one", EntryType::Regular, "", b"x");
        entry(&mut builder, "a/out", EntryType::Symlink, &outside.to_string_lossy(), b"");
        entry(&mut builder, "a/out/two", EntryType::Regular, "", b"x");
        let stream = builder.into_inner().unwrap();
        let failure = to(&stream[..], &source(), &target.to_string_lossy()).unwrap_err();
        assert!(failure.to_string().contains("leads out of the destination"), "{failure}");
        assert_eq!(outside.read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_new_name_for_the_copy() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("renamed");
        let mut builder = Builder::new(Vec::new());
        entry(&mut builder, "a/", EntryType::Directory, "", b"");
        entry(&mut builder, "a/a", EntryType::Regular, "", b"content");
        entry(&mut builder, "a/b", EntryType::Link, "a/a", b"");
        let stream = builder.into_inner().unwrap();
        to(&stream[..], &source(), &target.to_string_lossy()).unwrap();
        assert_eq!(std::fs::read(target.join("a")).unwrap(), b"content");
        assert_eq!(std::fs::read(target.join("b")).unwrap(), b"content");
        assert!(Path::new(&target).is_dir());
    }
}
