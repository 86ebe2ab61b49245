//! Repositories from making to pruning.

use super::*;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("written");
}

struct World {
    folder: tempfile::TempDir,
    repository: Repository,
    parts: Vec<Part>,
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    for number in 0..20 {
        write(&at(&format!("data/d{}/f{number}", number % 3)), &format!("file {number}"));
    }
    write(&at("layer/etc/x"), "x");
    std::fs::set_permissions(at("data"), std::fs::Permissions::from_mode(0o1750)).expect("a mode");
    std::fs::set_permissions(at("layer/etc/x"), std::fs::Permissions::from_mode(0o4711)).expect("a mode");
    symlink("nowhere", at("layer/etc/link")).expect("a link");
    write(&at("config"), "{}");
    let repository = Repository::new(&at("repository"), "secret");
    let part = |from: &str, to: &str| Part { from: at(from), to: PathBuf::from(to) };
    let parts = vec![part("data", "/volumes/data"), part("layer", "/layer"), part("config", "/config.json")];
    World { folder, repository, parts }
}

fn save(world: &World, parent: Option<&str>) -> Saved {
    world.repository.ready(parent).expect("ready").save("web", &["x"], &world.parts, 0).expect("saved")
}

#[test]
fn what_is_saved_comes_back_and_only_changes_are_read_again() {
    let world = world();
    let (repository, at) = (&world.repository, |name: &str| world.folder.path().join(name));
    assert!(!repository.exists());
    assert!(repository.list(None).expect_err("none yet").to_string().contains("there is no backup in"));
    repository.make().expect("made");
    repository.make().expect("made before");
    let first = save(&world, None);
    assert_eq!(first.files_read, 23);
    write(&at("data/d1/f1"), "another text");
    write(&at("data/new"), "new");
    let second = save(&world, None);
    assert_eq!(second.files_read, 2);
    assert!(second.snapshot.added < 8192, "{second:?}");
    let listed = repository.list(Some("web")).expect("listed");
    assert_eq!(
        listed.iter().map(|it| it.id.clone()).collect::<Vec<_>>(),
        [first.snapshot.id.clone(), second.snapshot.id.clone()]
    );
    assert!(repository.list(Some("other")).expect("listed").is_empty());
    assert_eq!(repository.find("web").expect("found").id, second.snapshot.id);
    assert_eq!(repository.find(&first.snapshot.id[..8]).expect("found").id, first.snapshot.id);
    let id = &first.snapshot.id;
    repository.restore(id, "/volumes/data", &at("back")).expect("restored");
    assert_eq!(std::fs::metadata(at("back")).expect("a folder").mode() & 0o7777, 0o1750);
    assert_eq!(std::fs::read_to_string(at("back/d1/f1")).expect("a file"), "file 1");
    assert!(!at("back/new").exists());
    repository.restore(id, "/layer", &at("upper")).expect("restored");
    assert_eq!(std::fs::metadata(at("upper/etc/x")).expect("a file").mode() & 0o7777, 0o4711);
    assert_eq!(std::fs::read_link(at("upper/etc/link")).expect("a link"), Path::new("nowhere"));
    assert_eq!(repository.read(id, "/config.json").expect("read"), Some(b"{}".to_vec()));
    assert_eq!(repository.read(id, "/none").expect("read"), None);
    assert!(repository.verify(true).expect("checked").is_empty());
}

#[test]
fn damage_is_found_and_a_wrong_password_opens_nothing() {
    let world = world();
    world.repository.make().expect("made");
    save(&world, None);
    let wrong = Repository::new(&world.folder.path().join("repository"), "guess");
    assert!(wrong.list(None).expect_err("refused").to_string().contains("cannot be opened"));
    let packs = world.folder.path().join("repository/data");
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in std::fs::read_dir(packs).expect("packs").flatten() {
        files.extend(std::fs::read_dir(folder.path()).expect("packs").flatten().map(|file| file.path()));
    }
    let pack = files.first().expect("a pack");
    let mut bytes = std::fs::read(pack).expect("read");
    bytes[10] ^= 1;
    std::fs::remove_file(pack).expect("removed");
    std::fs::write(pack, bytes).expect("written");
    assert!(!world.repository.verify(true).expect("checked").is_empty());
}

#[test]
fn rules_say_what_stays() {
    let world = world();
    world.repository.make().expect("made");
    for number in 0..4 {
        write(&world.folder.path().join("data/changing"), &format!("text {number}"));
        save(&world, None);
    }
    let keep = Retention { last: Some(2), ..Retention::default() };
    assert_eq!(world.repository.retain("web", &keep).expect("retained"), 2);
    assert_eq!(world.repository.retain("other", &keep).expect("retained"), 0);
    world.repository.prune().expect("pruned");
    assert_eq!(world.repository.list(None).expect("listed").len(), 2);
    assert!(world.repository.verify(true).expect("checked").is_empty());
    let last = world.repository.find("web").expect("found");
    world.repository.forget(std::slice::from_ref(&last.id)).expect("forgotten");
    assert_eq!(world.repository.list(None).expect("listed").len(), 1);
    assert!(world.repository.find(&last.id).is_err());
}
