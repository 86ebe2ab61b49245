//! First light of the overlay driver; the rules are in the shared suite.

use super::*;
use crate::tar::{Entry, EntryKind, Writer};

#[test]
fn a_volatile_layer_can_be_looked_at_after_its_container_ran() {
    let root = tempfile::tempdir().unwrap();
    let driver = Overlay::open(&root.path().join("overlay")).unwrap();
    driver.create_writable("c", None, &WritableOptions { volatile: true, ..Default::default() }).unwrap();
    let RootMount::Overlay { lower, upper, work, options } = driver.root_mount("c").unwrap() else {
        panic!()
    };
    assert!(options.contains(&"volatile".to_owned()));
    let running = crate::detached::overlay(&lower, Some((&upper, &work)), &options).unwrap();
    fs::write(format!("/proc/self/fd/{}/file", std::os::fd::AsRawFd::as_raw_fd(&running)), "x").unwrap();
    drop(running);
    let stopped = driver.mount_detached("c").unwrap();
    let file = format!("/proc/self/fd/{}/file", std::os::fd::AsRawFd::as_raw_fd(&stopped));
    assert_eq!(fs::read(file).unwrap(), b"x");
}

#[test]
fn a_layer_is_unpacked_mounted_and_rebuilt() {
    let root = tempfile::tempdir().unwrap();
    let driver = Overlay::open(&root.path().join("overlay")).unwrap();
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let mut file = Entry::new(EntryKind::Regular, "a/b");
    file.size = 5;
    writer.entry(&file).unwrap();
    writer.data(b"hello").unwrap();
    writer.finish().unwrap();
    let applied = driver.apply_layer("sha256:aa", None, &mut bytes.as_slice()).unwrap();
    assert_eq!(applied.size, 5);
    let mut again = Vec::new();
    driver.layer_tar("sha256:aa", &mut again).unwrap();
    assert_eq!(again, bytes);
    let options = WritableOptions { mount_points: true, ..Default::default() };
    driver.create_writable("c", Some("sha256:aa"), &options).unwrap();
    assert_eq!(driver.changes("c").unwrap(), []);
    let mount = driver.mount_detached("c").unwrap();
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&mount));
    assert_eq!(fs::read(format!("{path}/a/b")).unwrap(), b"hello");
    fs::write(format!("{path}/a/c"), "new").unwrap();
    fs::remove_file(format!("{path}/a/b")).unwrap();
    let changes: Vec<_> = driver
        .changes("c")
        .unwrap()
        .into_iter()
        .map(|c| (c.path.display().to_string(), c.kind as u8))
        .collect();
    assert_eq!(changes, [("/a".into(), 0), ("/a/b".into(), 2), ("/a/c".into(), 1)]);
}
