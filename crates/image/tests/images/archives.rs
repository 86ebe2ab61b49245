//! Archives in and out, with skopeo as the judge.

use super::{busybox_tar, open, run};
use sampan_image::{Image, ImportOptions, LoadProgress, Store};
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

fn import(store: &Store, tar: &Path, name: &str) -> Arc<Image> {
    let options = ImportOptions {
        name: Some(name.to_owned()),
        changes: vec!["CMD [\"sh\"]".to_owned(), "ENV A=b".to_owned()],
        ..Default::default()
    };
    store.import(&mut File::open(tar).unwrap(), &options).unwrap()
}

fn load(store: &Store, path: &Path) -> Vec<sampan_image::Loaded> {
    store.load(&mut File::open(path).unwrap(), &mut |_: LoadProgress| {}).unwrap()
}

fn save(store: &Store, names: &[&str], path: &Path) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    store.save(&names, &mut File::create(path).unwrap()).unwrap();
}

#[test]
fn what_we_save_skopeo_reads_and_what_skopeo_writes_we_load() {
    let scratch = tempfile::tempdir().unwrap();
    let at = |name: &str| scratch.path().join(name);
    let ours = open(&at("ours"));
    let image = import(&ours, &busybox_tar(scratch.path()), "busybox:test");
    save(&ours, &["busybox:test"], &at("saved.tar"));

    let raw = run(
        "skopeo",
        &["inspect", "--config", "--raw", &format!("docker-archive:{}", at("saved.tar").display())],
    );
    assert_eq!(raw.into_bytes(), ours.raw_config(&image.id).unwrap());
    let layers = run(
        "skopeo",
        &["inspect", "--format", "{{.Layers}}", &format!("docker-archive:{}", at("saved.tar").display())],
    );
    assert_eq!(layers.trim(), format!("[{}]", image.diff_ids[0]));

    let forms = [
        ("docker-archive", "docker.tar", ":docker.io/library/busybox:copied"),
        ("oci-archive", "oci.tar", ":docker.io/library/busybox:copied"),
    ];
    for (form, file, suffix) in forms {
        let from = format!("docker-archive:{}", at("saved.tar").display());
        let to = format!("{form}:{}{suffix}", at(file).display());
        run("skopeo", &["copy", "--insecure-policy", &from, &to]);
        let theirs = open(&at(&format!("store-{form}")));
        let loaded = load(&theirs, &at(file));
        assert_eq!(loaded[0].names, ["busybox:copied"], "{form}");
        let copy = theirs.find("busybox:copied").unwrap();
        assert_eq!(copy.diff_ids, image.diff_ids, "{form}");
        assert_eq!(copy.config, image.config, "{form}");
        // A second round trip through our own archive changes nothing at all.
        save(&theirs, &["busybox"], &at("again.tar"));
        let again = open(&at(&format!("again-{form}")));
        assert_eq!(load(&again, &at("again.tar"))[0].id, copy.id);
    }
    // Read as an OCI layout, the saved archive has the same image under the same digest.
    let layout = at("layout");
    std::fs::create_dir(&layout).unwrap();
    run("tar", &["-xf", at("saved.tar").to_str().unwrap(), "-C", layout.to_str().unwrap()]);
    let raw = run("skopeo", &["inspect", "--config", "--raw", &format!("oci:{}", at("layout").display())]);
    assert_eq!(raw.into_bytes(), ours.raw_config(&image.id).unwrap());
}

#[test]
fn a_saved_layer_is_the_imported_tar_bit_for_bit() {
    let scratch = tempfile::tempdir().unwrap();
    let tar = busybox_tar(scratch.path());
    let store = open(&scratch.path().join("store"));
    for (index, compress) in [vec!["cat"], vec!["gzip", "-c"], vec!["zstd", "-qc"]].into_iter().enumerate() {
        let packed = scratch.path().join(format!("packed{index}"));
        let command = format!("{} < {} > {}", compress.join(" "), tar.display(), packed.display());
        run("sh", &["-c", &command]);
        let image = import(&store, &packed, "x");
        let mut bytes = Vec::new();
        store.driver().layer_tar(image.top_layer().unwrap(), &mut bytes).unwrap();
        assert!(bytes == std::fs::read(&tar).unwrap());
    }
}

#[test]
fn old_docker_archives_with_linked_layers_are_loaded() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch.path().join("store"));
    let image = import(&store, &busybox_tar(scratch.path()), "busybox");
    let config = String::from_utf8(store.raw_config(&image.id).unwrap()).unwrap();
    let hex = &image.id[7..];
    let script = format!(
        r#"set -e; cd "$1"; mkdir old old/aaaa old/bbbb; cp busybox.tar old/aaaa/layer.tar; ln -s ../aaaa/layer.tar old/bbbb/layer.tar
        printf 1.0 > old/aaaa/VERSION; printf '{{}}' > old/aaaa/json; cat > old/{hex}.json
        echo '[{{"Config":"{hex}.json","RepoTags":["old:1","other/old:2"],"Layers":["bbbb/layer.tar"]}}]' > old/manifest.json
        cd old; tar -cf ../old.tar {hex}.json aaaa bbbb manifest.json"#
    );
    let mut child = std::process::Command::new("sh")
        .args(["-c", &script, "sh", scratch.path().to_str().unwrap()])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), config.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let fresh = open(&scratch.path().join("fresh"));
    let loaded = load(&fresh, &scratch.path().join("old.tar"));
    assert_eq!((loaded[0].id.as_str(), loaded[0].names.len()), (image.id.as_str(), 2));
}

#[test]
fn an_image_may_have_the_same_layer_twice() {
    let scratch = tempfile::tempdir().unwrap();
    let script = r#"set -e; cd "$1"; mkdir t; echo x > t/x; tar -cf layer.tar -C t x; sum=$(sha256sum layer.tar | cut -c1-64)
        echo "{\"architecture\":\"amd64\",\"os\":\"linux\",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$sum\",\"sha256:$sum\"]}}" > config.json
        echo '[{"Config":"config.json","RepoTags":["twice:1"],"Layers":["layer.tar","layer.tar"]}]' > manifest.json
        tar -cf archive.tar layer.tar config.json manifest.json"#;
    run("sh", &["-c", script, "sh", scratch.path().to_str().unwrap()]);
    let store = open(&scratch.path().join("store"));
    load(&store, &scratch.path().join("archive.tar"));
    assert_eq!(store.find("twice:1").unwrap().chain_ids.len(), 2);
    save(&store, &["twice:1"], &scratch.path().join("again.tar"));
    assert_eq!(store.inspect("twice:1").unwrap().names.tags, ["twice:1"]);
}

#[test]
fn broken_and_lying_archives_are_refused_and_leave_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let store = open(&scratch.path().join("store"));
    import(&store, &busybox_tar(scratch.path()), "busybox");
    save(&store, &["busybox"], &scratch.path().join("good.tar"));
    let good = std::fs::read(scratch.path().join("good.tar")).unwrap();
    let fresh = open(&scratch.path().join("fresh"));
    let refused = |bytes: &[u8]| fresh.load(&mut &*bytes, &mut |_| {}).unwrap_err().to_string();
    // One byte of the layer's contents is another.
    let mut lying = good.clone();
    let place = lying.len() / 2;
    lying[place] ^= 1;
    assert!(refused(&lying).contains("does not have the digest"), "{}", refused(&lying));
    assert!(refused(&good[..good.len() / 2]).contains("unexpected EOF"));
    assert!(refused(b"not a tar at all").contains("unexpected EOF"));
    assert!(refused(&[b'x'; 1024]).contains("tar"));
    assert!(refused(&[0; 1024]).contains("neither manifest.json nor index.json"));
    assert!(
        refused(&std::fs::read(scratch.path().join("busybox.tar")).unwrap())
            .contains("neither manifest.json")
    );
    assert!(refused(&[0x1f, 0x8b, 8, 0, 1, 2, 3]).contains("damaged compression"));
    assert_eq!(fresh.count(), 0);
    assert!(fresh.driver().layers().is_empty());
    let staging = scratch.path().join("fresh/storage/overlay/staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0);
}
