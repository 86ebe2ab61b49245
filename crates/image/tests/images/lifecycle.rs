//! Commit, history, removal and pruning.

use super::{busybox_tar, open};
use sampan_image::{
    BuildStep, CommitRequest, Filters, History, ImageConfig, ImageUser, ImportOptions, RemoveOptions,
    Removed, Store,
};
use sampan_storage::WritableOptions;
use std::fs::File;
use std::os::fd::AsRawFd;

fn base(store: &Store, scratch: &std::path::Path) -> String {
    let options = ImportOptions { name: Some("base:1".into()), ..Default::default() };
    store.import(&mut File::open(busybox_tar(scratch)).unwrap(), &options).unwrap().id.clone()
}

/// An image with one more file, by way of a container.
fn child(store: &Store, parent: &str, name: &str) -> String {
    let image = store.find(parent).unwrap();
    let container = name.replace([':', '/'], "-");
    store
        .driver()
        .create_writable(
            &container,
            image.top_layer(),
            &WritableOptions { mount_points: true, ..Default::default() },
        )
        .unwrap();
    {
        let mount = store.driver().mount_detached(&container).unwrap();
        let root = format!("/proc/self/fd/{}", mount.as_raw_fd());
        std::fs::write(format!("{root}/etc/{container}"), "new").unwrap();
        std::fs::remove_file(format!("{root}/bin/ls")).unwrap_or_default();
    }
    let request = CommitRequest {
        parent: Some(image.id.clone()),
        config: ImageConfig { cmd: Some(vec!["sh".into()]), ..Default::default() },
        changes: vec!["ENV X=1".into()],
        author: "me".into(),
        message: "said".into(),
        container: container.clone(),
        created_by: "sh -c x".into(),
        reference: Some(name.into()),
    };
    let id = store.commit_writable(&request, &container).unwrap();
    store.driver().remove_writable(&container).unwrap();
    id
}

#[test]
fn a_commit_holds_the_changes_and_its_history() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch.path().join("store"));
    let parent = base(&store, scratch.path());
    let id = child(&store, "base:1", "child:1");
    let image = store.find("child:1").unwrap();
    assert_eq!((image.id.as_str(), image.parent.as_deref()), (id.as_str(), Some(parent.as_str())));
    assert_eq!(image.layer_sizes[1], 3);
    assert_eq!(image.config.env, ["X=1"]);
    let view = store.driver().layer_view(image.top_layer().unwrap()).unwrap();
    let root = format!("/proc/self/fd/{}", view.as_raw_fd());
    assert_eq!(std::fs::read(format!("{root}/etc/child-1")).unwrap(), b"new");
    assert!(std::fs::symlink_metadata(format!("{root}/bin/ls")).is_err());
    // The mount points of the container are no part of it, and the image's own file is as it was.
    assert!(std::fs::symlink_metadata(format!("{root}/.dockerenv")).is_err());
    let history = store.history("child:1").unwrap();
    assert_eq!((history[0].id.as_str(), history[1].id.as_str()), (id.as_str(), parent.as_str()));
    assert_eq!(
        (history[0].size, history[0].comment.as_str(), history[0].created_by.as_str()),
        (3, "said", "sh -c x")
    );
    assert_eq!(history[0].tags, ["child:1"]);
    // A tar that breaks off is no image.
    let request = CommitRequest::default();
    assert!(store.commit(&request, &mut &[0u8; 512][..]).unwrap_err().to_string().contains("too early"));
}

#[test]
fn removal_follows_dockers_rules_and_sentences() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch.path().join("store"));
    let parent = base(&store, scratch.path());
    let id = child(&store, "base:1", "child:1");
    let short = |id: &str| id[7..19].to_owned();
    let plain = RemoveOptions::default();
    let force = RemoveOptions { force: true, ..plain };
    let user = |image: &str, running| [ImageUser { container: "c".repeat(64), image: image.into(), running }];

    let said = |result: sampan_image::Result<Vec<Removed>>| result.unwrap_err().to_string();
    assert_eq!(said(store.remove("nothing", plain, &[])), "No such image: nothing:latest");
    assert_eq!(
        said(store.remove(&parent, plain, &[])),
        format!(
            "conflict: unable to delete {} (cannot be forced) - image has dependent child images",
            short(&parent)
        )
    );
    assert_eq!(
        said(store.remove("child:1", plain, &user(&id, false))),
        format!(
            "conflict: unable to remove repository reference \"child:1\" (must force) - container cccccccccccc is using its referenced image {}",
            short(&id)
        )
    );
    assert_eq!(
        said(store.remove(&id, force, &user(&id, true))),
        format!(
            "conflict: unable to delete {} (cannot be forced) - image is being used by running container cccccccccccc",
            short(&id)
        )
    );
    assert_eq!(
        said(store.remove(&id, plain, &user(&id, false))),
        format!(
            "conflict: unable to delete {} (must be forced) - image is being used by stopped container cccccccccccc",
            short(&id)
        )
    );
    store.tag("child:1", "other/child:2").unwrap();
    assert_eq!(
        said(store.remove(&id, plain, &[])),
        format!(
            "conflict: unable to delete {} (must be forced) - image is referenced in multiple repositories",
            short(&id)
        )
    );
    assert_eq!(
        store.remove("other/child:2", plain, &[]).unwrap(),
        [Removed::Untagged { name: "other/child:2".into(), image: id.clone() }]
    );
    // The base's name goes, the image stays: it has a child. With the child gone, it is pruned along.
    store.remove("base:1", plain, &[]).unwrap();
    assert!(store.find(&parent).is_ok());
    let top = store.find(&id).unwrap().chain_ids.clone();
    assert_eq!(
        store.remove("child:1", plain, &[]).unwrap(),
        [
            Removed::Untagged { name: "child:1".into(), image: id.clone() },
            Removed::DeletedImage(id.clone()),
            Removed::DeletedLayer(top[1].clone()),
            Removed::DeletedImage(parent.clone()),
            Removed::DeletedLayer(top[0].clone()),
        ]
    );
    assert_eq!((store.count(), store.driver().layers().len()), (0, 0));
}

#[test]
fn pruning_takes_what_nobody_needs() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch.path().join("store"));
    let parent = base(&store, scratch.path());
    let first = child(&store, "base:1", "child:1");
    let second = child(&store, "base:1", "child:1");
    assert_ne!(first, second);
    let gone = |pruned: sampan_image::Pruned| -> Vec<String> {
        pruned
            .removed
            .into_iter()
            .filter_map(|r| if let Removed::DeletedImage(id) = r { Some(id) } else { None })
            .collect()
    };
    // Only the one that lost its name.
    assert_eq!(gone(store.prune(&Filters::new(), &[]).unwrap()), [first]);
    let all: Filters = [("dangling".to_owned(), vec!["false".to_owned()])].into();
    let user = [ImageUser { container: "c".into(), image: second.clone(), running: false }];
    assert!(gone(store.prune(&all, &user).unwrap()).is_empty());
    assert_eq!(store.disk_usage().layers_size, store.find("child:1").unwrap().size);
    let pruned = store.prune(&all, &[]).unwrap();
    assert!(pruned.reclaimed > 0);
    assert_eq!(gone(pruned), [second, parent]);
    // A layer whose image never came: its process was killed.
    let mut empty: &[u8] = &[0; 1024];
    store.driver().apply_layer("sha256:stray", None, &mut empty).unwrap();
    store.prune(&Filters::new(), &[]).unwrap();
    assert!(store.driver().layers().is_empty());
    assert!(store.prune(&[("nonsense".to_owned(), vec![])].into(), &[]).is_err());
}

/// What was built is on the disk some time after it is there; a power cut in between makes it what never was.
#[test]
fn a_power_cut_leaves_built_images_whole_or_away() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(scratch.path());
    let parent = base(&store, scratch.path());
    let driver = std::sync::Arc::clone(store.driver());
    let built = |store: &Store, name: &str| {
        let top = store.find(&parent).unwrap().top_layer().map(str::to_owned);
        driver.create_writable(name, top.as_deref(), &Default::default()).unwrap();
        let mount = driver.mount_detached(name).unwrap();
        std::fs::write(format!("/proc/self/fd/{}/{name}", mount.as_raw_fd()), name).unwrap();
        drop(mount);
        let step = BuildStep {
            parent: Some(parent.clone()),
            history: vec![History::default()],
            writable: Some(name.to_owned()),
            ..BuildStep::default()
        };
        let image = store.build_step(&step).unwrap();
        driver.remove_writable(name).unwrap();
        store.tag(&image.id, name).unwrap();
        image
    };
    let flushed = built(&store, "flushed");
    store.flush().unwrap();
    let lost = built(&store, "lost");
    drop(store);
    // The machine starts again: the number of the boot is another one.
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let other = boot.replace(|letter: char| letter.is_ascii_hexdigit(), "0");
    for folder in ["image/records", "image/unfinished"] {
        for file in std::fs::read_dir(scratch.path().join(folder)).unwrap().flatten() {
            let text = std::fs::read_to_string(file.path()).unwrap();
            std::fs::write(file.path(), text.replace(boot.trim_end(), other.trim_end())).unwrap();
        }
    }
    let store = open(scratch.path());
    assert_eq!(store.find("flushed").unwrap().id, flushed.id);
    assert!(store.find("lost").is_err() && store.find(&lost.id).is_err());
    assert!(store.damaged().is_empty());
    let layers: Vec<String> = store.driver().layers().into_iter().map(|layer| layer.id).collect();
    assert!(layers.contains(flushed.chain_ids.last().unwrap()));
    assert!(!layers.contains(lost.chain_ids.last().unwrap()), "its files may be empty");
}
