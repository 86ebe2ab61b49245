//! `docker cp` both ways, by name, by link, and with somebody who exchanges links meanwhile.

use super::{WriteOptions, read, stat, write, write_as};
use crate::tar::{Entry, EntryKind, Reader, Writer};
use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

fn root() -> (tempfile::TempDir, OwnedFd) {
    let directory = tempfile::tempdir().unwrap();
    let at = |path: &str| directory.path().join(path);
    fs::create_dir_all(at("etc/deep")).unwrap();
    fs::create_dir_all(at("var/run")).unwrap();
    fs::write(at("etc/hosts"), "hosts").unwrap();
    fs::write(at("etc/deep/file"), "deep").unwrap();
    symlink("/etc", at("absolute")).unwrap();
    symlink("hosts", at("etc/link")).unwrap();
    symlink("../../../../../../etc", at("var/up")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    let flags = rustix::fs::OFlags::PATH | rustix::fs::OFlags::DIRECTORY;
    let descriptor = rustix::fs::open(directory.path(), flags, rustix::fs::Mode::empty()).unwrap();
    (directory, descriptor)
}

/// Names in the archive of a path.
fn names(root: &OwnedFd, path: &str) -> Vec<String> {
    let mut bytes = Vec::new();
    read(root.as_fd(), Path::new(path), &mut bytes).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut input = &bytes[..];
    let mut reader = Reader::new(&mut input);
    let mut names = Vec::new();
    while let Some(entry) = reader.next_entry().unwrap() {
        names.push(String::from_utf8(entry.path).unwrap());
    }
    names
}

#[test]
fn archives_are_named_as_docker_names_them() {
    let (_directory, root) = root();
    assert_eq!(names(&root, "/etc"), ["etc/", "etc/deep/", "etc/deep/file", "etc/hosts", "etc/link"]);
    assert_eq!(names(&root, "etc/deep/"), ["deep/", "deep/file"]);
    assert_eq!(names(&root, "/etc/deep/."), ["./", "./file"]);
    assert_eq!(names(&root, "/etc/hosts"), ["hosts"]);
    assert_eq!(names(&root, "/absolute/hosts"), ["hosts"]);
    assert_eq!(names(&root, "/absolute"), ["absolute"]);
    assert_eq!(
        names(&root, "/absolute/"),
        ["absolute/", "absolute/deep/", "absolute/deep/file", "absolute/hosts", "absolute/link"]
    );
    assert_eq!(names(&root, "/var/up/deep"), ["deep/", "deep/file"]);
    assert_eq!(names(&root, "../../etc/deep"), ["deep/", "deep/file"]);
    assert!(names(&root, "/").contains(&"/etc/hosts".to_owned()));
    assert!(
        read(root.as_fd(), Path::new("/nowhere"), &mut Vec::new())
            .unwrap_err()
            .to_string()
            .contains("/nowhere")
    );
    assert!(read(root.as_fd(), Path::new("/etc/hosts/x"), &mut Vec::new()).is_err());
}

#[test]
fn stat_tells_what_dockers_header_tells() {
    let (_directory, root) = root();
    let of = |path: &str| stat(root.as_fd(), Path::new(path)).unwrap();
    let file = of("/etc/hosts");
    assert_eq!(
        (file.name.as_str(), file.size, file.mode, file.link_target.as_str()),
        ("hosts", 5, 0o644, "")
    );
    assert!(file.modified > 1_600_000_000_000_000_000);
    assert_eq!(of("/etc").mode, 1 << 31 | 0o755);
    let link = of("/absolute");
    assert_eq!((link.mode & (1 << 27), link.link_target.as_str()), (1 << 27, "/etc"));
    assert_eq!(of("/etc/link").link_target, "/etc/hosts");
    assert_eq!(of("/var/up").link_target, "/etc");
    assert_eq!(of("/dangling").link_target, "nowhere");
    assert_eq!(of("/absolute/").mode, 1 << 31 | 0o755);
    assert_eq!((of("/").name, of("/etc/").name, of("/etc/.").name), ("/".into(), "etc".into(), ".".into()));
    let error = stat(root.as_fd(), Path::new("/nowhere")).unwrap_err();
    assert_eq!(sampan_error::Classify::kind(&error), sampan_error::Kind::NotFound);
}

fn one(path: &str, kind: EntryKind) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let mut entry = Entry::new(kind, path);
    entry.uid = 12;
    entry.size = if kind == EntryKind::Regular { 3 } else { 0 };
    writer.entry(&entry).unwrap();
    if kind == EntryKind::Regular {
        writer.data(b"new").unwrap();
    }
    writer.finish().unwrap();
    bytes
}

#[test]
fn archives_are_unpacked_below_the_root_and_through_its_links() {
    let (directory, root) = root();
    let put = |path: &str, bytes: &[u8], options: &WriteOptions| {
        write(root.as_fd(), Path::new(path), &mut &*bytes, options)
    };
    let plain = WriteOptions::default();
    let strict = WriteOptions { no_overwrite_dir_non_dir: true, ..plain.clone() };
    put("/absolute", &one("a", EntryKind::Regular), &plain).unwrap();
    assert_eq!(fs::metadata(directory.path().join("etc/a")).unwrap().uid(), 12);
    put("/var/up/deep", &one("made/b", EntryKind::Regular), &plain).unwrap();
    assert!(directory.path().join("etc/deep/made/b").exists());
    // An absolute link on the way of an entry counts from the root and not from the target directory.
    put("/var", &one("../absolute/x", EntryKind::Regular), &plain).unwrap_err();
    put("/", &one("absolute/c", EntryKind::Regular), &plain).unwrap();
    assert!(directory.path().join("etc/c").exists());
    let said = |result: crate::Result<()>| result.unwrap_err().to_string();
    assert_eq!(
        said(put("/etc/hosts", &one("a", EntryKind::Regular), &plain)),
        "extraction point is not a directory"
    );
    assert!(said(put("/nowhere", &one("a", EntryKind::Regular), &plain)).contains("/nowhere"));
    assert_eq!(
        said(put("/", &one("etc", EntryKind::Regular), &strict)),
        "cannot overwrite directory \"etc\" with non-directory \"etc\""
    );
    assert_eq!(
        said(put("/etc", &one("hosts", EntryKind::Directory), &strict)),
        "cannot overwrite non-directory \"hosts\" with directory \"hosts\""
    );
    put("/etc", &one("hosts", EntryKind::Directory), &plain).unwrap();
    assert!(directory.path().join("etc/hosts").is_dir());
    write_as(
        root.as_fd(),
        Path::new("/etc"),
        &mut &one("owned", EntryKind::Regular)[..],
        &plain,
        Some((5, 6)),
    )
    .unwrap();
    let found = fs::metadata(directory.path().join("etc/owned")).unwrap();
    assert_eq!((found.uid(), found.gid()), (5, 6));
    // A link at the place of the file is replaced and not followed.
    let outside = tempfile::NamedTempFile::new().unwrap();
    symlink(outside.path(), directory.path().join("etc/trap")).unwrap();
    put("/etc", &one("trap", EntryKind::Regular), &plain).unwrap();
    assert_eq!(fs::read(outside.path()).unwrap(), b"");
}

/// A process in the container exchanges a directory and a link to the outside all the
/// time (CVE-2018-15664), while files are copied in and out.
#[test]
fn exchanged_links_never_lead_outside() {
    let (directory, root) = root();
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "from outside").unwrap();
    let place = directory.path().join("place");
    let other = directory.path().join("other");
    fs::create_dir(&place).unwrap();
    fs::write(place.join("secret"), "inside").unwrap();
    symlink(outside.path(), &other).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let exchange = rustix::fs::RenameFlags::EXCHANGE;
                rustix::fs::renameat_with(rustix::fs::CWD, &place, rustix::fs::CWD, &other, exchange)
                    .unwrap();
            }
        });
        for round in 0..4000 {
            let mut bytes = Vec::new();
            let _ = read(root.as_fd(), Path::new("/place/secret"), &mut bytes);
            let _ = read(root.as_fd(), Path::new("/place"), &mut bytes);
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let _ = write(
                root.as_fd(),
                Path::new("/place"),
                &mut &one("planted", EntryKind::Regular)[..],
                &WriteOptions::default(),
            );
            let _ = write(
                root.as_fd(),
                Path::new("/"),
                &mut &one("place/secret", EntryKind::Regular)[..],
                &WriteOptions::default(),
            );
            if text.contains("from outside") {
                stop.store(true, Ordering::Relaxed);
                panic!("the outside was read in round {round}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"from outside");
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
}

#[test]
fn a_volume_is_filled_with_all_that_files_have() {
    let (directory, root) = root();
    fs::hard_link(directory.path().join("etc/hosts"), directory.path().join("etc/again")).unwrap();
    fs::OpenOptions::new()
        .create_new(true)
        .write(true)
        .open(directory.path().join("etc/sparse"))
        .unwrap()
        .set_len(8 << 20)
        .unwrap();
    let volume = tempfile::tempdir().unwrap();
    let to = fs::File::open(volume.path()).unwrap();
    super::copy_contents(root.as_fd(), to.as_fd()).unwrap();
    let stat = fs::metadata(volume.path().join("etc/again")).unwrap();
    assert_eq!(
        (stat.nlink(), stat.mtime_nsec()),
        (2, fs::metadata(directory.path().join("etc/hosts")).unwrap().mtime_nsec())
    );
    let sparse = fs::metadata(volume.path().join("etc/sparse")).unwrap();
    assert_eq!((sparse.len(), sparse.blocks()), (8 << 20, 0));
    assert_eq!(fs::read_link(volume.path().join("absolute")).unwrap(), Path::new("/etc"));
}
