//! Archives that want out.

use super::trees::{directory, file, link, listing, path_of, tar};
use crate::SnapshotDriver;
use crate::tar::{Entry, EntryKind};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// Applies each archive; it may be refused or not, but nothing outside may change.
pub(super) fn contained(driver: &dyn SnapshotDriver) {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret");
    fs::write(&secret, "untouched").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o640)).unwrap();
    let before = listing(outside.path());
    let out = outside.path().to_str().unwrap().to_owned();
    let target = format!("{out}/secret");
    let up = format!("{}{}", "../".repeat(30), target.trim_start_matches('/'));
    let mut loose = Entry::new(EntryKind::Regular, "door/secret");
    loose.mode = 0o777;
    let mut chmod = Entry::new(EntryKind::Symlink, "link");
    chmod.link = target.clone().into_bytes();
    chmod.mode = 0o777;
    chmod.uid = 4242;
    let attempts: Vec<Vec<(Entry, &[u8])>> = vec![
        vec![file(&up, "out")],
        vec![(Entry::new(EntryKind::Regular, format!("/{up}")), b"out")],
        vec![link(EntryKind::Symlink, "door", &out), file("door/new", "out")],
        vec![link(EntryKind::Symlink, "door", &out), (loose.clone(), b"")],
        vec![link(EntryKind::Symlink, "door", &out), file("door/.wh.secret", "")],
        vec![link(EntryKind::Symlink, "door", &out), file("door/.wh..wh..opq", "")],
        vec![
            link(EntryKind::Symlink, "door", &format!("{}{out}", "../".repeat(30))),
            file("door/new", "out"),
        ],
        vec![link(EntryKind::HardLink, "hard", &up), file("hard", "out")],
        vec![link(EntryKind::HardLink, "hard", &target), file("hard", "out")],
        vec![
            link(EntryKind::Symlink, "door", &out),
            link(EntryKind::HardLink, "hard", "door/secret"),
            file("hard", "out"),
        ],
        vec![link(EntryKind::Symlink, "s", &target), link(EntryKind::HardLink, "h", "s"), file("h", "out")],
        vec![(chmod, b""), link(EntryKind::HardLink, "again", "link")],
        vec![link(EntryKind::Symlink, "link", &target), file("link", "out")],
        vec![link(EntryKind::Symlink, "a", "b"), link(EntryKind::Symlink, "b", "a"), file("a/x", "out")],
        vec![directory("d"), link(EntryKind::Symlink, "d/e", &out), directory("d/e"), file("d/e/new", "out")],
        vec![link(EntryKind::Symlink, ".wh.x", &out), file(".wh..", ""), file(".wh.", "")],
        vec![link(EntryKind::Symlink, "p", "/proc/self/root"), file(&format!("p{target}"), "out")],
        vec![
            link(EntryKind::Symlink, "p", "/proc/self/cwd/../../../../.."),
            file(&format!("p{target}"), "out"),
        ],
        vec![link(EntryKind::Symlink, ".", &out), file("x", "out")],
    ];
    for (number, attempt) in attempts.iter().enumerate() {
        let id = format!("attempt{number}");
        let _ = driver.apply_layer(&id, None, &mut &tar(attempt)[..]);
        assert_eq!(listing(outside.path()), before, "attempt {number}");
        assert_eq!(fs::metadata(&secret).unwrap().nlink(), 1, "attempt {number}");
        // The same into a running container's directory: what `docker cp` does.
        let container = format!("c{number}");
        driver.create_writable(&container, None, &Default::default()).unwrap();
        let mount = driver.mount_detached(&container).unwrap();
        let root = std::os::fd::AsFd::as_fd(&mount);
        let _ = crate::archive::write(root, "/".as_ref(), &mut &tar(attempt)[..], &Default::default());
        assert_eq!(listing(outside.path()), before, "cp of attempt {number}");
        assert_eq!(fs::metadata(&secret).unwrap().nlink(), 1, "cp of attempt {number}");
    }
}

pub(super) fn refused(driver: &dyn SnapshotDriver) {
    let good = tar(&[file("a", "contents of a file"), file("b", "more")]);
    let mut bad_sum = good.clone();
    bad_sum[0] ^= 1;
    let mut escape = Entry::new(EntryKind::Regular, "../x");
    escape.size = 0;
    let mut nul = Entry::new(EntryKind::Regular, vec![b'x'; 120]);
    nul.path[60] = 0;
    let mut huge = good.clone();
    huge[124..136].copy_from_slice(b"77777777777\0");
    fix_sum(&mut huge);
    let mut negative = good.clone();
    negative[124..136].fill(0xff);
    fix_sum(&mut negative);
    let mut bomb = Entry::new(EntryKind::Regular, "x");
    bomb.xattrs = vec![(b"user.x".to_vec(), vec![b'x'; 8 << 20])];
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("checksum", bad_sum),
        ("unexpected EOF", good[..520].to_vec()),
        ("unexpected EOF", good[..100].to_vec()),
        ("outside the root", tar(&[(escape, b"")])),
        ("NUL", tar(&[(nul, b"")])),
        ("EOF", huge),
        ("out of range", negative),
        ("several megabytes", tar(&[(bomb, b"")])),
        ("longer than 255", tar(&[(Entry::new(EntryKind::Regular, vec![b'n'; 300]), b"")])),
        ("root directory", tar(&[file("./", "x")])),
        ("not a directory", tar(&[file("a", "x"), file("a/b", "y")])),
    ];
    for (number, (reason, bytes)) in cases.iter().enumerate() {
        let Err(error) = driver.apply_layer("bad", None, &mut &bytes[..]) else {
            panic!("case {number}: {reason}")
        };
        assert!(error.to_string().contains(reason), "case {number}: {error}");
        assert_eq!(
            sampan_error::Classify::kind(&error),
            sampan_error::Kind::InvalidArgument,
            "case {number}"
        );
    }
    assert!(!driver.has_layer("bad"));
    // Any flipped byte and any cut gives an error or a layer, and never a panic.
    for position in (0..good.len()).step_by(7) {
        let mut flipped = good.clone();
        flipped[position] = flipped[position].wrapping_add(0x55);
        let _ = driver.stage_layer(&mut &flipped[..]);
        let _ = driver.stage_layer(&mut &good[..position]);
    }
}

/// Puts the right checksum into the first header.
fn fix_sum(bytes: &mut [u8]) {
    bytes[148..156].fill(b' ');
    let sum: u32 = bytes[..512].iter().map(|byte| u32::from(*byte)).sum();
    bytes[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(super) fn links_inside(driver: &dyn SnapshotDriver) {
    let bytes = tar(&[
        directory("usr/lib"),
        link(EntryKind::Symlink, "lib", "usr/lib"),
        link(EntryKind::Symlink, "absolute", "/usr/lib"),
        file("lib/one", "1"),
        file("absolute/two", "2"),
        file("lib/one", "one again"),
        link(EntryKind::HardLink, "absolute/three", "lib/one"),
    ]);
    driver.apply_layer("merged", None, &mut &bytes[..]).unwrap();
    let view = driver.layer_view("merged").unwrap();
    for name in ["one", "two", "three"] {
        assert!(path_of(&view).join("usr/lib").join(name).is_file(), "{name}");
    }
    let mut again = Vec::new();
    driver.layer_tar("merged", &mut again).unwrap();
    assert!(again == bytes);
}
