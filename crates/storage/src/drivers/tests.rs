//! The suite, run for each driver on each file system that this machine has.

use crate::SnapshotDriver;
use crate::suite::CASES;
use std::path::Path;

/// Runs all cases, each with a driver in a directory of its own below `parent`.
fn run(parent: &Path, open: fn(&Path) -> Box<dyn SnapshotDriver>) {
    for (name, case) in CASES {
        let directory = tempfile::tempdir_in(parent).unwrap();
        let driver = open(&directory.path().join("driver"));
        println!("{} on {}: {name}", driver.name(), parent.display());
        case(&*driver);
        for left in ["staging", "removing"] {
            let left = directory.path().join("driver").join(left);
            assert_eq!(std::fs::read_dir(&left).unwrap().count(), 0, "{name}: {}", left.display());
        }
    }
}

fn overlay(root: &Path) -> Box<dyn SnapshotDriver> {
    Box::new(crate::Overlay::open(root).unwrap())
}

fn vfs(root: &Path) -> Box<dyn SnapshotDriver> {
    Box::new(crate::Vfs::open(root).unwrap())
}

#[test]
fn overlay_on_the_usual_file_system() {
    run(&std::env::temp_dir(), overlay);
}

#[test]
fn overlay_on_tmpfs() {
    run(Path::new("/dev/shm"), overlay);
}

#[test]
fn vfs_on_the_usual_file_system() {
    run(&std::env::temp_dir(), vfs);
}

#[test]
fn vfs_on_tmpfs() {
    run(Path::new("/dev/shm"), vfs);
}
