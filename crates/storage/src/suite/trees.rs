//! Making tars and looking at trees.

use crate::tar::{Entry, EntryKind, Writer};
use std::collections::BTreeMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// A tar of entries with contents.
pub(super) fn tar(entries: &[(Entry, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    for (entry, contents) in entries {
        let mut entry = entry.clone();
        if entry.kind == EntryKind::Regular {
            entry.size = contents.len() as u64;
        }
        writer.entry(&entry).unwrap();
        writer.data(contents).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

pub(super) fn file(path: &str, contents: &'static str) -> (Entry, &'static [u8]) {
    (Entry::new(EntryKind::Regular, path), contents.as_bytes())
}

pub(super) fn directory(path: &str) -> (Entry, &'static [u8]) {
    (Entry::new(EntryKind::Directory, path), b"")
}

pub(super) fn link(kind: EntryKind, path: &str, target: &str) -> (Entry, &'static [u8]) {
    let mut entry = Entry::new(kind, path);
    entry.link = target.as_bytes().to_vec();
    (entry, b"")
}

/// The path by which an open directory is reached.
pub(super) fn path_of(descriptor: &OwnedFd) -> PathBuf {
    // By our number and not `self`: shell scripts use it too.
    PathBuf::from(format!("/proc/{}/fd/{}", std::process::id(), descriptor.as_raw_fd()))
}

/// Everything below a directory: path and a line that describes it (type, mode, owner, size, time, link
/// target, attributes, a sum of the contents).
pub(super) fn listing(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    walk(&root.join("."), "", &mut found);
    found
}

fn walk(directory: &Path, inside: &str, found: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = format!("{inside}/{}", entry.file_name().to_string_lossy());
        let full = entry.path();
        let stat = std::fs::symlink_metadata(&full).unwrap();
        let kind = stat.file_type();
        let mut line =
            format!("{:o} {}:{} {}.{}", stat.mode(), stat.uid(), stat.gid(), stat.mtime(), stat.mtime_nsec());
        if kind.is_symlink() {
            line += &format!(" -> {}", std::fs::read_link(&full).unwrap().display());
        } else if kind.is_file() {
            let contents = std::fs::read(&full).unwrap();
            let sum =
                contents.iter().fold(7u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
            line += &format!(" {} {sum:x} links {}", contents.len(), stat.nlink());
        } else if kind.is_char_device() || kind.is_block_device() {
            line += &format!(" device {}", stat.rdev());
        }
        if !kind.is_symlink() && !kind.is_fifo() {
            for (name, value) in crate::unpack::list_xattrs(full.to_str().unwrap()).unwrap() {
                line += &format!(" {}={value:?}", String::from_utf8_lossy(&name));
            }
        }
        found.insert(path.clone(), line);
        if kind.is_dir() {
            walk(&full, &path, found);
        }
    }
}

/// Only the names of a listing.
pub(super) fn names(root: &Path) -> Vec<String> {
    listing(root).into_keys().collect()
}

/// Runs a shell script with a directory as `$1`.
pub(super) fn shell(script: &str, directory: &Path) {
    let output = std::process::Command::new("bash")
        .args(["-ec", script, "bash", directory.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
}
