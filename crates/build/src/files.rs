//! Files below a root, found without ever leaving it: by path and by pattern.

use globset::GlobBuilder;
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use sampan_error::{Error, Result};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};

/// Opens a file or directory for reading, links followed inside the root (openat2(2), `RESOLVE_IN_ROOT`).
pub(crate) fn open(root: BorrowedFd<'_>, path: &str) -> io::Result<OwnedFd> {
    open_with(root, path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK)
}

fn open_with(root: BorrowedFd<'_>, path: &str, flags: OFlags) -> io::Result<OwnedFd> {
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "." } else { path };
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    Ok(rustix::fs::openat2(root, path, flags, Mode::empty(), resolve)?)
}

/// What a path leads to; `None` when there is nothing.
pub(crate) fn kind(root: BorrowedFd<'_>, path: &str) -> Option<FileType> {
    let found = open_with(root, path, OFlags::PATH | OFlags::CLOEXEC).ok()?;
    rustix::fs::fstat(&found).ok().map(|stat| FileType::from_raw_mode(stat.st_mode))
}

/// Removes a folder if it is empty; anything else stays.
pub(crate) fn remove_empty(root: BorrowedFd<'_>, path: &str) {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    if let Ok(folder) = open(root, above) {
        let removed = rustix::fs::unlinkat(&folder, name, rustix::fs::AtFlags::REMOVEDIR);
        // A file was mounted over an empty one.
        if removed == Err(rustix::io::Errno::NOTDIR)
            && rustix::fs::statat(&folder, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)
                .is_ok_and(|stat| stat.st_size == 0)
        {
            let _ = rustix::fs::unlinkat(&folder, name, rustix::fs::AtFlags::empty());
        }
    }
}

/// A path without `.`, `..` and double slashes, beginning with a slash. It cannot rise above the root.
pub(crate) fn clean(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

/// The paths that a source stands for, in order: itself, or what its pattern matches (Go's `filepath.Match`: `*`, `?`,
/// `[…]`, none of which matches a slash), which may be nothing. With `any_depth`, `**` stands for any number of
/// folders.
///
/// # Errors
/// Nothing has the path.
pub(crate) fn matching(root: BorrowedFd<'_>, source: &str, any_depth: bool) -> Result<Vec<String>> {
    let missing = || {
        Error::invalid(format!("failed to calculate checksum: {source:?}: not found in the build context"))
    };
    let path = clean(source);
    if !path.contains(['*', '?', '[']) {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let is_there =
            path == "/" || entries(root, folder).is_ok_and(|names| names.iter().any(|it| it == name));
        return if is_there { Ok(vec![path]) } else { Err(missing()) };
    }
    let mut found = vec![String::new()];
    for part in path.split('/').skip(1) {
        let mut next = Vec::new();
        if any_depth && part == "**" {
            found.into_iter().for_each(|folder| folders(root, folder, &mut next));
            found = next;
            continue;
        }
        if !part.contains(['*', '?', '[', '\\']) {
            next.extend(found.into_iter().map(|folder| format!("{folder}/{part}")));
            found = next.into_iter().filter(|path| kind(root, path).is_some()).collect();
            continue;
        }
        let glob = GlobBuilder::new(part).literal_separator(true).backslash_escape(true).build();
        let glob =
            glob.map_err(|error| Error::invalid(format!("the pattern {source:?} is wrong: {error}")))?;
        let matcher = glob.compile_matcher();
        for folder in found {
            let names = entries(root, &folder).unwrap_or_default();
            next.extend(
                names.iter().filter(|name| matcher.is_match(name)).map(|name| format!("{folder}/{name}")),
            );
        }
        found = next;
    }
    Ok(found)
}

/// A folder and all folders below it; links are not followed.
fn folders(root: BorrowedFd<'_>, folder: String, found: &mut Vec<String>) {
    let names = entries(root, &folder).unwrap_or_default();
    found.push(folder.clone());
    for name in names {
        let path = format!("{folder}/{name}");
        let stat = open_with(root, &folder, OFlags::PATH | OFlags::CLOEXEC).and_then(|at| {
            Ok(rustix::fs::statat(&at, name.as_str(), rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?)
        });
        if stat.is_ok_and(|stat| FileType::from_raw_mode(stat.st_mode) == FileType::Directory) {
            folders(root, path, found);
        }
    }
}

/// Names in a directory, sorted.
fn entries(root: BorrowedFd<'_>, path: &str) -> io::Result<Vec<String>> {
    let folder = open(root, path)?;
    let mut names: Vec<String> = std::fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd()))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn nothing_outside_the_root_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        std::fs::create_dir_all(root.join("sub")).unwrap();
        for name in ["a.txt", "b.txt", "c.md", "sub/d.txt"] {
            std::fs::write(root.join(name), name).unwrap();
        }
        std::fs::write(folder.path().join("secret"), "x").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", root.join("absolute")).unwrap();
        std::os::unix::fs::symlink("../secret", root.join("up")).unwrap();
        let root = std::fs::File::open(root).unwrap();
        let matching = |source: &str| matching(root.as_fd(), source, false);
        assert_eq!(matching("*.txt").unwrap(), ["/a.txt", "/b.txt"]);
        assert_eq!(matching("s*/*.txt").unwrap(), ["/sub/d.txt"]);
        assert_eq!(matching("../../a.txt").unwrap(), ["/a.txt"]);
        assert_eq!(matching(".").unwrap(), ["/"]);
        assert!(matching("x*").unwrap().is_empty() && matching("../secret").is_err());
        assert!(open(root.as_fd(), "absolute").is_err() && open(root.as_fd(), "up").is_err());
        assert_eq!(kind(root.as_fd(), "/sub"), Some(FileType::Directory));
    }
}
