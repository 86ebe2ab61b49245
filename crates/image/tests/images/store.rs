//! The store by itself: import, names, lists, the built-in image, and a reopened store.

use super::open;
use sampan_image::{ImageConfig, ImportOptions, Store};
use sampan_storage::tar::{Entry, EntryKind, Writer};

fn layer(name: &str, contents: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = Writer::new(&mut bytes);
    let mut entry = Entry::new(EntryKind::Regular, name);
    entry.size = contents.len() as u64;
    writer.entry(&entry).unwrap();
    writer.data(contents).unwrap();
    writer.finish().unwrap();
    bytes
}

fn import(store: &Store, name: &str, contents: &[u8], changes: &[&str]) -> String {
    let options = ImportOptions {
        name: Some(name.to_owned()),
        changes: changes.iter().map(|change| (*change).to_owned()).collect(),
        ..Default::default()
    };
    store.import(&mut layer("file", contents).as_slice(), &options).unwrap().id.clone()
}

#[test]
fn images_are_imported_found_listed_and_survive_a_new_database() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let one = import(&store, "one:1", b"a", &["CMD [\"/file\"]", "LABEL x=y"]);
    let two = import(&store, "me/two", b"b", &[]);
    assert_eq!(store.find("one:1").unwrap().id, one);
    assert_eq!(store.find(&one[7..19]).unwrap().id, one);
    assert_eq!(store.find("me/two").unwrap().id, two);
    assert_eq!(store.find("docker.io/me/two:latest").unwrap().id, two);
    assert_eq!(store.find("one").unwrap_err().to_string(), "No such image: one:latest");
    assert_eq!(
        store.find("One").unwrap_err().to_string(),
        "invalid reference format: repository name (library/One) must be lowercase"
    );
    assert_eq!(store.tag(&one[7..], "me/two").unwrap().before, Some(two.clone()));
    assert_eq!(store.names(&one).tags, ["one:1", "me/two:latest"]);
    let filters = |name: &str, value: &str| [(name.to_owned(), vec![value.to_owned()])].into();
    let ids = |filters| {
        store.list(false, &filters).unwrap().into_iter().map(|s| s.image.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(filters("dangling", "true")), std::slice::from_ref(&two));
    assert_eq!(ids(filters("reference", "one:*")), std::slice::from_ref(&one));
    assert_eq!(ids(filters("label", "x=y")), std::slice::from_ref(&one));
    assert_eq!(ids(filters("since", "one:1")), std::slice::from_ref(&two));
    assert!(store.list(false, &filters("nonsense", "")).is_err());
    assert_eq!(store.history("one:1").unwrap()[0].comment, "Imported from -");
    drop(store);
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(root.path().join(format!("state.db{suffix}")));
    }
    let store = open(root.path());
    assert_eq!(store.find("me/two").unwrap().id, one);
    assert_eq!(store.find(&two).unwrap().config, ImageConfig::default());
    assert!(store.damaged().is_empty());
}

#[test]
fn the_built_in_image_is_the_same_every_time_and_takes_no_users_name() {
    let root = tempfile::tempdir().unwrap();
    let store = open(root.path());
    let config = ImageConfig {
        entrypoint: Some(vec!["/hello".into()]),
        exposed_ports: ["80/tcp".to_owned()].into(),
        ..Default::default()
    };
    let first = store.ensure_builtin("hello:latest", b"program", config.clone()).unwrap();
    let again = store.ensure_builtin("hello:latest", b"program", config.clone()).unwrap();
    assert_eq!(first.id, again.id);
    assert_eq!(store.find("hello").unwrap().id, first.id);
    let newer = store.ensure_builtin("hello:latest", b"newer program", config.clone()).unwrap();
    assert_eq!(store.find("hello").unwrap().id, newer.id);
    let own = import(&store, "hello", b"mine", &[]);
    store.ensure_builtin("hello:latest", b"program", config).unwrap();
    assert_eq!(store.find("hello").unwrap().id, own);
    store.driver().create_writable("c", newer.top_layer(), &Default::default()).unwrap();
    let mount = store.driver().mount_detached("c").unwrap();
    let path = format!("/proc/self/fd/{}/hello", std::os::fd::AsRawFd::as_raw_fd(&mount));
    assert_eq!(std::fs::read(path).unwrap(), b"newer program");
}
