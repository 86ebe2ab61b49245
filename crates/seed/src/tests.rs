//! Two ends over a pair of sockets, with real files.

use crate::{Receiver, Role, Round, Sender, serve};
use std::fs;
use std::io::{BufReader, BufWriter};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

struct Pair {
    sender: Sender,
    from: BufReader<UnixStream>,
    to: BufWriter<UnixStream>,
    other: JoinHandle<std::io::Result<()>>,
}

impl Pair {
    fn new(from: &Path, to: &Path) -> Self {
        let (near, far) = UnixStream::pair().unwrap();
        let roots = vec![to.to_owned()];
        let other = std::thread::spawn(move || {
            let (mut read, mut write) = (BufReader::new(far.try_clone().unwrap()), BufWriter::new(far));
            serve(Role::Receive, &roots, &mut read, &mut write)
        });
        Self {
            sender: Sender::new(&[from.to_owned()]).unwrap(),
            from: BufReader::new(near.try_clone().unwrap()),
            to: BufWriter::new(near),
            other,
        }
    }

    fn round(&mut self) -> Round {
        self.sender.round(true, &mut self.from, &mut self.to).unwrap()
    }

    fn end(self) {
        drop((self.from, self.to));
        self.other.join().unwrap().unwrap();
    }
}

/// Everything about a tree that tar(1) would keep, by the standard library and not by this crate.
fn listing(root: &Path) -> Vec<String> {
    fn walk(root: &Path, path: &Path, lines: &mut Vec<String>) {
        let found = fs::symlink_metadata(path).unwrap();
        let content = if found.is_file() {
            format!("{:?}", fs::read(path).unwrap())
        } else if found.is_symlink() {
            format!("{:?}", fs::read_link(path).unwrap())
        } else {
            String::new()
        };
        lines.push(format!(
            "{:?} {:o} {}:{} {}.{} links {} {content}",
            path.strip_prefix(root).unwrap(),
            found.mode(),
            found.uid(),
            found.gid(),
            found.mtime(),
            found.mtime_nsec(),
            if found.is_dir() { 0 } else { found.nlink() },
        ));
        if found.is_dir() {
            let mut below: Vec<PathBuf> =
                fs::read_dir(path).unwrap().map(|one| one.unwrap().path()).collect();
            below.sort();
            below.iter().for_each(|one| walk(root, one, lines));
        }
    }
    let mut lines = Vec::new();
    walk(root, root, &mut lines);
    lines
}

fn folders() -> (tempfile::TempDir, PathBuf, PathBuf) {
    let all = tempfile::tempdir().unwrap();
    let (here, there) = (all.path().join("here"), all.path().join("there"));
    fs::create_dir(&here).unwrap();
    fs::create_dir(&there).unwrap();
    (all, here, there)
}

#[test]
fn a_tree_arrives_as_it_is_and_changes_follow() {
    let (_all, here, there) = folders();
    fs::create_dir_all(here.join("a/b")).unwrap();
    fs::write(here.join("a/b/text"), "some text").unwrap();
    fs::write(here.join("a/empty"), "").unwrap();
    fs::write(here.join("zeros"), vec![0; 100_000]).unwrap();
    fs::write(here.join("large"), (0..300_000_u32).flat_map(u32::to_le_bytes).collect::<Vec<_>>()).unwrap();
    fs::set_permissions(here.join("a/b/text"), fs::Permissions::from_mode(0o4751)).unwrap();
    std::os::unix::fs::chown(here.join("a/empty"), Some(70), Some(71)).unwrap();
    symlink("/etc/passwd", here.join("a/link")).unwrap();
    fs::hard_link(here.join("a/b/text"), here.join("same")).unwrap();
    // What is in the way at the other place.
    symlink("/tmp", there.join("a")).unwrap();
    fs::create_dir_all(there.join("zeros/x/y")).unwrap();
    fs::write(there.join("stale"), "x").unwrap();
    let mut pair = Pair::new(&here, &there);
    let first = pair.round();
    assert_eq!(listing(&here), listing(&there));
    assert_eq!((first.changed, first.sent), (2, 9 + 1_200_000), "zeros need not go");
    let second = pair.round();
    assert_eq!((second.changed, second.sent, second.digest), (0, 0, first.digest));

    let mut file = fs::OpenOptions::new().write(true).open(here.join("large")).unwrap();
    std::io::Write::write_all(&mut file, b"other").unwrap();
    file.set_len(1_000_001).unwrap();
    drop(file);
    fs::remove_file(here.join("a/b/text")).unwrap();
    fs::remove_dir(here.join("a/b")).unwrap();
    fs::write(here.join("a/b"), "a file now").unwrap();
    fs::remove_file(here.join("zeros")).unwrap();
    fs::create_dir(here.join("zeros")).unwrap();
    fs::write(here.join("zeros/new"), "new").unwrap();
    let third = pair.round();
    assert_eq!(listing(&here), listing(&there));
    assert!(third.sent < 80_000, "{third:?}: the first block, the last, and what is new");
    pair.end();
}

#[test]
fn files_that_parted_are_apart_at_the_other_place() {
    let (_all, here, there) = folders();
    fs::write(here.join("one"), "both").unwrap();
    fs::hard_link(here.join("one"), here.join("two")).unwrap();
    let mut pair = Pair::new(&here, &there);
    pair.round();
    fs::write(here.join("new"), "one alone").unwrap();
    fs::rename(here.join("new"), here.join("one")).unwrap();
    pair.round();
    assert_eq!(listing(&here), listing(&there));
    fs::remove_file(here.join("one")).unwrap();
    fs::hard_link(here.join("two"), here.join("one")).unwrap();
    pair.round();
    assert_eq!(listing(&here), listing(&there));
    pair.end();
}

#[test]
fn a_new_sender_asks_what_is_there_already() {
    let (_all, here, there) = folders();
    fs::write(here.join("large"), vec![7; 1_000_000]).unwrap();
    let mut pair = Pair::new(&here, &there);
    assert_eq!(pair.round().sent, 1_000_000);
    pair.end();
    let mut pair = Pair::new(&here, &there);
    assert_eq!(pair.round().sent, 0);
    pair.end();
}

#[test]
fn what_is_far_can_be_fetched() {
    let (_all, here, there) = folders();
    fs::write(there.join("far"), "away").unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let roots = vec![there.clone()];
    let other = std::thread::spawn(move || {
        let (mut read, mut write) = (BufReader::new(far.try_clone().unwrap()), BufWriter::new(far));
        serve(Role::Send, &roots, &mut read, &mut write)
    });
    let mut receiver = Receiver::new(std::slice::from_ref(&here)).unwrap();
    let (mut read, mut write) = (BufReader::new(near.try_clone().unwrap()), BufWriter::new(near));
    assert_eq!(receiver.fetch(true, &mut read, &mut write).unwrap().sent, 4);
    fs::write(there.join("more"), "x").unwrap();
    assert_eq!(receiver.fetch(false, &mut read, &mut write).unwrap().sent, 1);
    assert_eq!(listing(&here), listing(&there));
    drop((read, write));
    other.join().unwrap().unwrap();
}

#[test]
fn a_receiver_writes_nothing_outside_and_says_why_it_ends() {
    use crate::Message;
    let (all, here, there) = folders();
    fs::write(all.path().join("outside"), "safe").unwrap();
    symlink(all.path(), there.join("out")).unwrap();
    let (near, far) = UnixStream::pair().unwrap();
    let roots = vec![there.clone()];
    let other = std::thread::spawn(move || {
        let (mut read, mut write) = (far.try_clone().unwrap(), far);
        serve(Role::Receive, &roots, &mut read, &mut write)
    });
    let (mut read, mut write) = (near.try_clone().unwrap(), near);
    Message::Write(0, b"out/outside".to_vec(), 0, crate::Data(b"evil".to_vec())).write(&mut write).unwrap();
    Message::Write(0, b"../outside".to_vec(), 0, crate::Data(b"evil".to_vec())).write(&mut write).unwrap();
    let Message::Failed(reason) = Message::read(&mut read).unwrap() else { panic!("it took that") };
    assert!(!reason.is_empty());
    assert!(other.join().unwrap().is_err());
    assert_eq!(fs::read(all.path().join("outside")).unwrap(), b"safe");
    drop(here);
}
