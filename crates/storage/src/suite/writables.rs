//! Writable layers.

use super::trees::{directory, file, link, listing, path_of, tar};
use crate::tar::{EntryKind, Reader};
use crate::{ChangeKind, SnapshotDriver, WritableOptions};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn base(driver: &dyn SnapshotDriver) {
    let bytes = tar(&[
        directory("etc"),
        file("etc/passwd", "root"),
        file("etc/hosts", "image's own"),
        file("bin/sh", "x"),
        file("dir/a", "1"),
        file("dir/b", "2"),
        file("dir/sub/c", "3"),
        file("replaced/x", "4"),
        file("file", "5"),
        file("same", "6"),
        link(EntryKind::Symlink, "link", "dir"),
        file("kind", "7"),
        file("gone/deep/x", "8"),
    ]);
    driver.apply_layer("base", None, &mut &bytes[..]).unwrap();
    driver
        .apply_layer("top", Some("base"), &mut &tar(&[file("upper", "1"), file("dir/top", "2")])[..])
        .unwrap();
}

fn work(root: &Path) {
    fs::write(root.join("new"), "new").unwrap();
    fs::write(root.join("dir/a"), "changed").unwrap();
    fs::remove_file(root.join("dir/b")).unwrap();
    fs::write(root.join("dir/sub/d"), "added").unwrap();
    fs::remove_dir_all(root.join("replaced")).unwrap();
    fs::create_dir(root.join("replaced")).unwrap();
    fs::write(root.join("replaced/y"), "y").unwrap();
    fs::set_permissions(root.join("file"), fs::Permissions::from_mode(0o600)).unwrap();
    // Opened for writing and not changed: no change for docker diff.
    let same = fs::OpenOptions::new().append(true).open(root.join("same")).unwrap();
    drop(same);
    fs::remove_file(root.join("link")).unwrap();
    fs::create_dir(root.join("link")).unwrap();
    fs::remove_file(root.join("kind")).unwrap();
    std::os::unix::fs::symlink("file", root.join("kind")).unwrap();
    fs::remove_dir_all(root.join("gone")).unwrap();
    fs::create_dir_all(root.join("made/deep")).unwrap();
    fs::hard_link(root.join("new"), root.join("made/deep/hard")).unwrap();
    fs::write(root.join("temporary"), "").unwrap();
    fs::remove_file(root.join("temporary")).unwrap();
}

pub(super) fn changes(driver: &dyn SnapshotDriver) {
    base(driver);
    driver
        .create_writable("c", Some("top"), &WritableOptions { mount_points: true, ..Default::default() })
        .unwrap();
    assert_eq!(driver.changes("c").unwrap(), []);
    let mount = driver.mount_detached("c").unwrap();
    work(&path_of(&mount));
    let letter = |kind| match kind {
        ChangeKind::Modified => 'C',
        ChangeKind::Added => 'A',
        ChangeKind::Deleted => 'D',
    };
    let found: Vec<String> = driver
        .changes("c")
        .unwrap()
        .iter()
        .map(|c| format!("{} {}", letter(c.kind), c.path.display()))
        .collect();
    let wanted = [
        "C /dir",
        "C /dir/a",
        "D /dir/b",
        "C /dir/sub",
        "A /dir/sub/d",
        "C /file",
        "D /gone",
        "C /kind",
        "C /link",
        "A /made",
        "A /made/deep",
        "A /made/deep/hard",
        "A /new",
        "C /replaced",
        "D /replaced/x",
        "A /replaced/y",
    ];
    assert_eq!(found, wanted);
    assert!(driver.writable_size("c").unwrap() > 3 + 7 + 5);
}

pub(super) fn diff_round_trip(driver: &dyn SnapshotDriver) {
    base(driver);
    driver.create_writable("c", Some("top"), &Default::default()).unwrap();
    let mount = driver.mount_detached("c").unwrap();
    work(&path_of(&mount));
    let program = path_of(&mount).join("program");
    fs::write(&program, "x").unwrap();
    super::trees::shell(
        "setcap cap_net_raw+ep \"$1\" 2>/dev/null || setfattr -n security.capability -v 0x0100000200200000000000000000000000000000 \"$1\"; setfattr -n user.note -v hi \"$1\" || true",
        &program,
    );
    let mut diff = Vec::new();
    driver.diff_tar("c", &mut diff).unwrap();
    driver.apply_layer("committed", Some("top"), &mut &diff[..]).unwrap();
    let view = driver.layer_view("committed").unwrap();
    assert_eq!(listing(&path_of(&view)), listing(&path_of(&mount)));
    // Nothing of the driver's own is in it.
    let mut input = &diff[..];
    let mut reader = Reader::new(&mut input);
    while let Some(entry) = reader.next_entry().unwrap() {
        assert!(
            entry.xattrs.iter().all(|(name, _)| !name.starts_with(b"trusted.")),
            "{}",
            entry.display_path()
        );
    }
    let mut exported = Vec::new();
    crate::archive::export(std::os::fd::AsFd::as_fd(&mount), &mut exported).unwrap();
    driver.apply_layer("exported", None, &mut &exported[..]).unwrap();
    let view = driver.layer_view("exported").unwrap();
    assert_eq!(listing(&path_of(&view)), listing(&path_of(&mount)));
}

pub(super) fn taken(driver: &dyn SnapshotDriver) {
    base(driver);
    driver.create_writable("c", Some("top"), &Default::default()).unwrap();
    let mount = driver.mount_detached("c").unwrap();
    work(&path_of(&mount));
    let before = listing(&path_of(&mount));
    drop(mount);
    let mut diff = Vec::new();
    driver.diff_tar("c", &mut diff).unwrap();
    let mut told = Vec::new();
    // A driver that cannot leaves everything as it is.
    let Some(staged) = driver.take_writable("c", &mut told).unwrap() else {
        assert!(told.is_empty());
        assert_eq!(listing(&path_of(&driver.mount_detached("c").unwrap())), before);
        return;
    };
    assert_eq!(told, diff);
    assert_eq!(staged.tar_size, diff.len() as u64);
    driver.commit_layer(staged, "taken", Some("top")).unwrap();
    assert_eq!(listing(&path_of(&driver.layer_view("taken").unwrap())), before);
    let mut rebuilt = Vec::new();
    driver.layer_tar("taken", &mut rebuilt).unwrap();
    assert_eq!(rebuilt, diff, "the layer gives its stream back");
    // The same stream unpacked is the same tree, whatever lies below.
    driver.apply_layer("copied", Some("top"), &mut &diff[..]).unwrap();
    assert_eq!(listing(&path_of(&driver.layer_view("copied").unwrap())), before);
    assert_eq!(driver.layer_size("copied").unwrap(), driver.layer_size("taken").unwrap());
    // What is left of the writable layer is empty, and can be removed.
    assert!(driver.changes("c").unwrap().is_empty());
    driver.remove_writable("c").unwrap();
    driver.create_writable("d", Some("taken"), &Default::default()).unwrap();
    drop(driver.mount_detached("d").unwrap());
}

pub(super) fn mount_points(driver: &dyn SnapshotDriver) {
    base(driver);
    let options = WritableOptions { mount_points: true, ..Default::default() };
    for (id, parent) in [("c", Some("top")), ("d", Some("top")), ("e", None)] {
        driver.create_writable(id, parent, &options).unwrap();
        let mount = driver.mount_detached(id).unwrap();
        for path in
            ["proc", "sys", "dev/shm", "dev/pts", "dev/console", "etc/resolv.conf", "etc/hosts", ".dockerenv"]
        {
            assert!(path_of(&mount).join(path).exists(), "{id} {path}");
        }
        assert_eq!(driver.changes(id).unwrap(), []);
        let mut diff = Vec::new();
        driver.diff_tar(id, &mut diff).unwrap();
        assert_eq!(diff, [0; 1024]);
    }
    // The image itself is not touched.
    let view = driver.layer_view("top").unwrap();
    assert_eq!(fs::read(path_of(&view).join("etc/hosts")).unwrap(), b"image's own");
    // What lies in their way in a hostile image is not followed.
    let outside = tempfile::tempdir().unwrap();
    let hostile = tar(&[
        link(EntryKind::Symlink, "etc", outside.path().to_str().unwrap()),
        link(EntryKind::Symlink, "dev", "/proc/1/root/dev"),
        link(EntryKind::Symlink, "proc", "/"),
    ]);
    driver.apply_layer("hostile", None, &mut &hostile[..]).unwrap();
    driver.create_writable("h", Some("hostile"), &options).unwrap();
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

pub(super) fn records(driver: &dyn SnapshotDriver) {
    base(driver);
    let options = WritableOptions { record: Some(b"{\"a\":1}".to_vec()), ..Default::default() };
    driver.create_writable("c", Some("top"), &options).unwrap();
    assert!(driver.create_writable("c", Some("top"), &options).is_err());
    assert!(driver.create_writable("d", Some("nothing"), &options).is_err());
    driver.write_record("c", b"{\"a\":2}").unwrap();
    let all = driver.all_writables().unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].parent.as_deref(), all[0].record.as_deref()), (Some("top"), Some(&b"{\"a\":2}"[..])));
    assert!(driver.write_record("d", b"").is_err());
    assert!(driver.root_mount("d").is_err());
}

pub(super) fn removal(driver: &dyn SnapshotDriver) {
    base(driver);
    driver.create_writable("c", Some("top"), &Default::default()).unwrap();
    {
        let mount = driver.mount_detached("c").unwrap();
        super::trees::shell(
            "cd $1; for i in $(seq 300); do mkdir dddddddd; cd dddddddd; done; head -c 3000000 /dev/zero | tr '\\0' x > big",
            &path_of(&mount),
        );
    }
    driver.remove_writable("c").unwrap();
    assert!(driver.all_writables().unwrap().is_empty());
    assert!(driver.remove_writable("c").is_err());
    driver.create_writable("c", None, &Default::default()).unwrap();
    assert_eq!(driver.changes("c").unwrap(), []);
}
