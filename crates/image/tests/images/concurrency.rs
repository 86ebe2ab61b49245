//! Many callers at once, and a kill in the middle.

use super::{busybox_tar, open};
use sampan_image::ImportOptions;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// An archive of an image with one layer of `megabytes` that do not compress, and its id.
fn big_archive(scratch: &Path, megabytes: u32) -> (PathBuf, String) {
    let script = format!(
        "set -e; mkdir -p $1/big; cd $1/big; for i in $(seq {megabytes}); do head -c 1048576 /dev/urandom > f$i; done; tar -cf ../big.tar ."
    );
    super::run("sh", &["-c", &script, "sh", scratch.to_str().unwrap()]);
    let store = open(&scratch.join("origin"));
    let options = ImportOptions { name: Some("big".into()), ..Default::default() };
    let image = store.import(&mut File::open(scratch.join("big.tar")).unwrap(), &options).unwrap();
    let archive = scratch.join("archive.tar");
    store.save(&["big".to_owned()], &mut File::create(&archive).unwrap()).unwrap();
    (archive, image.id.clone())
}

#[test]
fn eight_loads_at_once_unpack_each_layer_once() {
    let scratch = tempfile::tempdir().unwrap();
    let (archive, id) = big_archive(scratch.path(), 16);
    let store = open(&scratch.path().join("store"));
    let new = std::sync::atomic::AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut progress = |progress| {
                    if matches!(progress, sampan_image::LoadProgress::LayerDone { new: true, .. }) {
                        new.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                };
                let loaded = store.load(&mut File::open(&archive).unwrap(), &mut progress).unwrap();
                assert_eq!(loaded[0].id, id);
            });
        }
    });
    assert_eq!(new.into_inner(), 1);
    assert_eq!(store.driver().layers().len(), 1);
    let staging = scratch.path().join("store/storage/overlay/staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
}

/// Not a test by itself: what the killed process does. It loads an archive, removes the image, and again.
#[test]
fn load_and_remove_until_killed() {
    let Ok(directory) = std::env::var("SAMPAN_TEST_KILLED") else { return };
    let directory = PathBuf::from(directory);
    let store = open(&directory.join("store"));
    println!("ready");
    loop {
        store.load(&mut File::open(directory.join("archive.tar")).unwrap(), &mut |_| {}).unwrap();
        store.remove("big", sampan_image::RemoveOptions::default(), &[]).unwrap();
    }
}

#[test]
fn a_kill_at_any_moment_leaves_whole_images_or_none() {
    let scratch = tempfile::tempdir().unwrap();
    let (archive, id) = big_archive(scratch.path(), 8);
    let busybox = busybox_tar(scratch.path());
    // An image that is there all the time.
    let kept = {
        let store = open(&scratch.path().join("store"));
        let options = ImportOptions { name: Some("kept".into()), ..Default::default() };
        store.import(&mut File::open(&busybox).unwrap(), &options).unwrap().id.clone()
    };
    for round in 0..8u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "concurrency::load_and_remove_until_killed", "--nocapture"])
            .env("SAMPAN_TEST_KILLED", scratch.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("ready") {
            line.clear();
            assert!(
                std::io::BufRead::read_line(&mut output, &mut line).unwrap() > 0,
                "the child did not start"
            );
        }
        std::thread::sleep(std::time::Duration::from_millis(7 + round * 23));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = open(&scratch.path().join("store"));
        assert_eq!(store.damaged(), Vec::<String>::new(), "round {round}");
        assert_eq!(store.find("kept").unwrap().id, kept);
        for image in store.images() {
            let mut bytes = Vec::new();
            store.save(std::slice::from_ref(&image.id), &mut bytes).unwrap();
        }
        // It can be loaded whatever was left, and is then all there.
        assert_eq!(store.load(&mut File::open(&archive).unwrap(), &mut |_| {}).unwrap()[0].id, id);
        store.save(&["big".to_owned()], &mut Vec::new()).unwrap();
        store.remove("big", sampan_image::RemoveOptions::default(), &[]).unwrap();
        let staging = scratch.path().join("store/storage/overlay/staging");
        assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
        assert_eq!(store.driver().layers().len(), 1, "round {round}");
    }
}
