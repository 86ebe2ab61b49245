//! Read-only layers.

use super::trees::{directory, file, link, listing, names, path_of, shell, tar};
use crate::SnapshotDriver;
use crate::tar::{Entry, EntryKind, Timestamp};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

fn rebuilds(driver: &dyn SnapshotDriver, id: &str, bytes: &[u8]) {
    let applied = driver.apply_layer(id, None, &mut &*bytes).unwrap_or_else(|error| panic!("{id}: {error}"));
    assert!(applied.new);
    let mut again = Vec::new();
    driver.layer_tar(id, &mut again).unwrap();
    assert!(again == bytes, "{id} differs");
    assert_eq!(driver.layer(id).unwrap().tar_size, bytes.len() as u64, "{id}");
}

pub(super) fn rebuilt(driver: &dyn SnapshotDriver) {
    let scratch = tempfile::tempdir().unwrap();
    let at = scratch.path();
    shell(
        r#"mkdir -p "$1/t/a/b" && cd "$1/t"
        echo one > a/one; ln a/one a/b/two; ln -s ../one a/b/link; mkfifo a/pipe; mknod a/null c 1 3
        head -c 100000 /dev/urandom > a/random; touch -d '1969-12-31 23:00:00.123456789 UTC' a/old
        truncate -s 5M a/sparse; echo x | dd of=a/sparse bs=1 seek=1000000 conv=notrunc status=none; echo end >> a/sparse
        n=$(printf 'n%.0s' $(seq 180)); mkdir -p "a/$n/$n"; echo deep > "a/$n/$n/$n"; setfattr -n user.x -v y a/one || true
        for f in gnu oldgnu posix ustar v7; do tar --format=$f -cf ../$f.tar . 2>/dev/null || true; done
        for v in 0.0 0.1 1.0; do tar --format=posix --xattrs --sparse --sparse-version=$v -cf ../sparse$v.tar .; done
        tar --format=gnu --sparse -cf ../oldsparse.tar .; tar -b 200 -cf ../blocked.tar a
        tar -cf ../twice.tar a/one; echo changed > a/one; tar -rf ../twice.tar a/one a
        busybox tar -cf ../busybox.tar a; head -c 1024 /dev/zero > ../empty.tar
        head -c -1024 ../busybox.tar > ../noend.tar; (cat ../busybox.tar; echo garbage after the end) > ../garbage.tar"#,
        at,
    );
    let mut count = 0;
    for entry in fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
            rebuilds(driver, &id, &fs::read(&path).unwrap());
            count += 1;
        }
    }
    assert!(count >= 13, "{count}");
    // The sparse forms give the same file, with holes.
    for id in ["sparse0.0", "sparse0.1", "sparse1.0", "oldsparse", "gnu"] {
        let view = driver.layer_view(id).unwrap();
        let path = path_of(&view).join("a/sparse");
        assert_eq!(fs::read(&path).unwrap(), fs::read(at.join("t/a/sparse")).unwrap(), "{id}");
        assert!(fs::metadata(&path).unwrap().blocks() < 1000, "{id} has no holes");
    }
}

pub(super) fn written_twice(driver: &dyn SnapshotDriver) {
    let bytes = tar(&[
        file("a", "first"),
        file("d/x", "below"),
        file("d/y/z", "deeper"),
        file("a", "second, longer"),
        link(EntryKind::HardLink, "hard", "a"),
        file("d/x", "below again"),
        file("d", "now a file"),
        file("a", "third"),
        directory("d"),
        file("d/x", "and back"),
        link(EntryKind::Symlink, "a", "hard"),
    ]);
    rebuilds(driver, "twice", &bytes);
    let view = driver.layer_view("twice").unwrap();
    assert_eq!(names(&path_of(&view)), ["/a", "/d", "/d/x", "/hard"]);
    assert_eq!(fs::read(path_of(&view).join("hard")).unwrap(), b"second, longer");
    assert_eq!(fs::read(path_of(&view).join("d/x")).unwrap(), b"and back");
}

pub(super) fn stacked(driver: &dyn SnapshotDriver) {
    let one = tar(&[
        file("keep", "1"),
        file("gone", "1"),
        file("changed", "1"),
        file("dir/in", "1"),
        file("opaque/old", "1"),
        file("opaque/deep/old", "1"),
        file("file-to-dir", "1"),
        file("dir-to-file/x", "1"),
        file("removed-dir/x", "1"),
        file("reborn/old", "1"),
        link(EntryKind::Symlink, "link", "dir"),
    ]);
    let two = tar(&[
        file(".wh.gone", ""),
        file("changed", "22"),
        file("opaque/.wh..wh..opq", ""),
        file("opaque/new", "2"),
        file("file-to-dir/x", "2"),
        file("dir-to-file", "2"),
        file(".wh.removed-dir", ""),
        file(".wh.reborn", ""),
        file("reborn/new", "2"),
        file(".wh.never", ""),
        file("mine", "2"),
        file(".wh.mine", ""),
        file("link", "2"),
        file(".wh..wh.plnk/1.2", ""),
    ]);
    driver.apply_layer("sha256:1", None, &mut &one[..]).unwrap();
    driver.apply_layer("sha256:2", Some("sha256:1"), &mut &two[..]).unwrap();
    let view = driver.layer_view("sha256:2").unwrap();
    let root = path_of(&view);
    let wanted = [
        "/changed",
        "/dir",
        "/dir-to-file",
        "/dir/in",
        "/file-to-dir",
        "/file-to-dir/x",
        "/keep",
        "/link",
        "/mine",
        "/opaque",
        "/opaque/new",
        "/reborn",
        "/reborn/new",
    ];
    assert_eq!(names(&root), wanted);
    assert_eq!(fs::read(root.join("changed")).unwrap(), b"22");
    assert!(fs::symlink_metadata(root.join("link")).unwrap().is_file());
    let mut again = Vec::new();
    driver.layer_tar("sha256:2", &mut again).unwrap();
    assert!(again == two);
    // A removed file that a third layer brings back.
    driver.apply_layer("sha256:3", Some("sha256:2"), &mut &tar(&[file("gone/x", "3")])[..]).unwrap();
    let view = driver.layer_view("sha256:3").unwrap();
    assert_eq!(fs::read(path_of(&view).join("gone/x")).unwrap(), b"3");
    assert_eq!(driver.layer_size("sha256:2").unwrap(), two_size(&two));
}

/// Bytes of the regular files that are no removals.
fn two_size(bytes: &[u8]) -> u64 {
    let mut input = bytes;
    let mut reader = crate::tar::Reader::new(&mut input);
    let mut size = 0;
    while let Some(entry) = reader.next_entry().unwrap() {
        size += entry.size;
    }
    size
}

pub(super) fn attributes(driver: &dyn SnapshotDriver) {
    let mut program = Entry::new(EntryKind::Regular, "program");
    program.mode = 0o6755;
    program.uid = 1234;
    program.gid = 4_000_000_000;
    program.mtime = Timestamp { seconds: 1, nanoseconds: 123_456_789 };
    // cap_net_raw+ep, revision 2 (linux/capability.h).
    let capability = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].to_vec();
    program.xattrs = vec![
        (b"security.capability".to_vec(), capability.clone()),
        (b"trusted.overlay.redirect".to_vec(), b"/etc".to_vec()),
    ];
    let mut plain = Entry::new(EntryKind::Directory, "dir");
    plain.mode = 0o1750;
    plain.mtime = Timestamp { seconds: -5, nanoseconds: 5 };
    plain.xattrs = vec![
        (b"trusted.overlay.opaque".to_vec(), b"y".to_vec()),
        (b"user.overlay.opaque".to_vec(), b"y".to_vec()),
    ];
    let mut device = Entry::new(EntryKind::BlockDevice, "dir/disk");
    device.device = (8, 300);
    device.mode = 0o660;
    device.gid = 6;
    let mut fifo = Entry::new(EntryKind::Fifo, "dir/pipe");
    fifo.uid = 7;
    let mut soft = Entry::new(EntryKind::Symlink, "soft");
    soft.link = b"program".to_vec();
    soft.uid = 99;
    soft.mtime = Timestamp { seconds: 77, nanoseconds: 7 };
    let mut root = Entry::new(EntryKind::Directory, "./");
    root.mode = 0o711;
    root.uid = 5;
    let zeros: &[u8] = &[0; 1 << 20];
    let bytes = tar(&[
        (root, b""),
        (program, b"#!"),
        (plain, b""),
        (device, b""),
        (fifo, b""),
        (soft, b""),
        (Entry::new(EntryKind::Regular, "holes"), zeros),
    ]);
    driver.apply_layer("a", None, &mut &bytes[..]).unwrap();
    let view = driver.layer_view("a").unwrap();
    let found = listing(&path_of(&view));
    assert_eq!(
        found["/program"],
        format!(
            "106755 1234:4000000000 1.123456789 2 {:x} links 1 security.capability={capability:?}",
            (7u64 * 31 + 35) * 31 + 33
        )
    );
    assert_eq!(found["/dir"], "41750 0:0 -5.5");
    assert!(found["/dir/disk"].starts_with("60660 0:6 0.0 device "));
    assert!(found["/dir/pipe"].starts_with("10644 7:0"));
    assert_eq!(found["/soft"], "120777 99:0 77.7 -> program");
    // A megabyte of zeros takes only the few pages that fell on the borders of buffers.
    assert!(fs::metadata(path_of(&view).join("holes")).unwrap().blocks() < 200);
    let top = fs::metadata(path_of(&view).join(".")).unwrap();
    assert_eq!((top.permissions().mode() & 0o7777, top.uid()), (0o711, 5));
    driver.create_writable("c", Some("a"), &Default::default()).unwrap();
    let mount = driver.mount_detached("c").unwrap();
    assert_eq!(listing(&path_of(&mount)), found);
    let top = fs::metadata(path_of(&mount).join(".")).unwrap();
    assert_eq!((top.permissions().mode() & 0o7777, top.uid()), (0o711, 5));
    assert_eq!(driver.changes("c").unwrap(), []);
}

pub(super) fn implied(driver: &dyn SnapshotDriver) {
    let mut private = Entry::new(EntryKind::Directory, "private");
    private.mode = 0o700;
    private.uid = 12;
    private.mtime = Timestamp { seconds: 3, nanoseconds: 4 };
    let mut root = Entry::new(EntryKind::Directory, ".");
    root.mode = 0o700;
    driver
        .apply_layer("1", None, &mut &tar(&[(root, b""), (private, b""), file("private/a", "1")])[..])
        .unwrap();
    let two = tar(&[file("private/b", "2"), file("private/.wh.a", "")]);
    driver.apply_layer("2", Some("1"), &mut &two[..]).unwrap();
    let view = driver.layer_view("2").unwrap();
    assert_eq!(listing(&path_of(&view))["/private"], "40700 12:0 3.4");
    assert_eq!(fs::metadata(path_of(&view).join(".")).unwrap().permissions().mode() & 0o777, 0o700);
}

pub(super) fn link_below(driver: &dyn SnapshotDriver) {
    driver.apply_layer("1", None, &mut &tar(&[file("dir/target", "shared")])[..]).unwrap();
    let two = tar(&[
        link(EntryKind::HardLink, "name", "dir/target"),
        link(EntryKind::HardLink, "other", "/dir/target"),
    ]);
    driver.apply_layer("2", Some("1"), &mut &two[..]).unwrap();
    let view = driver.layer_view("2").unwrap();
    let stat = fs::metadata(path_of(&view).join("name")).unwrap();
    assert_eq!(
        (fs::read(path_of(&view).join("other")).unwrap().as_slice(), stat.nlink()),
        (&b"shared"[..], 3)
    );
    let missing = tar(&[link(EntryKind::HardLink, "name", "nowhere")]);
    let error = driver.apply_layer("3", Some("1"), &mut &missing[..]).unwrap_err().to_string();
    assert!(error.contains("does not exist"), "{error}");
    assert!(!driver.has_layer("3"));
}

pub(super) fn in_use(driver: &dyn SnapshotDriver) {
    let bytes = tar(&[file("a", "1")]);
    driver.apply_layer("sha256:1", None, &mut &bytes[..]).unwrap();
    driver.apply_layer("sha256:2", Some("sha256:1"), &mut &bytes[..]).unwrap();
    assert!(!driver.apply_layer("sha256:2", Some("sha256:1"), &mut &bytes[..]).unwrap().new);
    assert_eq!(
        driver.remove_layer("sha256:1").unwrap_err().to_string(),
        "layer sha256:1 is in use by layer sha256:2"
    );
    let options = crate::WritableOptions { mount_points: true, ..Default::default() };
    driver.create_writable("c", Some("sha256:2"), &options).unwrap();
    assert!(driver.remove_layer("sha256:2").unwrap_err().to_string().contains("container c"));
    driver.remove_writable("c").unwrap();
    driver.remove_layer("sha256:2").unwrap();
    driver.remove_layer("sha256:1").unwrap();
    assert!(driver.remove_layer("sha256:1").is_err());
    assert!(driver.layers().is_empty());
    assert!(driver.apply_layer("x", Some("nothing"), &mut &bytes[..]).is_err());
    for bad in ["", "../x", "a/b", ".hidden", "a b", "a\n"] {
        assert!(driver.apply_layer(bad, None, &mut &bytes[..]).is_err(), "{bad:?}");
        assert!(driver.create_writable(bad, None, &Default::default()).is_err(), "{bad:?}");
        assert!(driver.remove_writable(bad).is_err(), "{bad:?}");
    }
}

pub(super) fn many_threads(driver: &dyn SnapshotDriver) {
    let bytes = tar(&[file("a", "1"), file("b", "2")]);
    let new = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| driver.apply_layer("same", None, &mut &bytes[..]).unwrap().new))
            .collect();
        threads.into_iter().filter(|_| true).map(|thread| thread.join().unwrap()).filter(|new| *new).count()
    });
    assert_eq!(new, 1);
    assert_eq!(driver.layers().len(), 1);
}

pub(super) fn many_layers(driver: &dyn SnapshotDriver) {
    let mut below: Option<String> = None;
    // The limit is that of mounts; copies of copies only take time.
    let most = if driver.name() == "vfs" { 12 } else { crate::MOST_LAYERS };
    for number in 0..most {
        let id = format!("sha256:{number:064x}");
        let mut entry = Entry::new(EntryKind::Regular, format!("file{number}"));
        entry.size = 1;
        driver.apply_layer(&id, below.as_deref(), &mut &tar(&[(entry, b"x")])[..]).unwrap();
        below = Some(id);
    }
    let options = crate::WritableOptions { mount_points: true, ..Default::default() };
    driver.create_writable("c", below.as_deref(), &options).unwrap();
    let mount = driver.mount_detached("c").unwrap();
    for number in [0, most / 2, most - 1] {
        assert!(path_of(&mount).join(format!("file{number}")).exists(), "{number}");
    }
    if let crate::RootMount::Overlay { lower, .. } = driver.root_mount("c").unwrap() {
        let parent = lower[0].parent().unwrap();
        let relative: usize =
            lower.iter().map(|path| path.strip_prefix(parent).unwrap().as_os_str().len() + 1).sum();
        assert!(relative < 3000, "{relative} bytes of mount options");
    }
    if most < crate::MOST_LAYERS {
        return;
    }
    let one_more = driver.apply_layer("more", below.as_deref(), &mut &tar(&[file("x", "x")])[..]);
    assert!(one_more.is_err());
}
