//! Forms that images have on their way: layouts in folders, layers in gzip and zstd, and what keeps a digest.

use sampan_tests::registry::{Guard, Registry};
use sampan_tests::{Host, Options, sampan_only};

fn id(host: &Host, image: &str) -> String {
    host.docker(&["inspect", "-f", "{{.Id}} {{.RootFS.Layers}}", image]).ok().to_owned()
}

fn digest(host: &Host, place: &str) -> String {
    let words = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", place];
    host.run(&words).ok().to_owned()
}

#[test]
fn layouts_in_folders_go_both_ways() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let registry = Registry::start(&host, "plain", 5000, &Guard::default());
    let before = id(&host, "busybox");
    let folder = host.folder().join("layout").display().to_string();
    host.sampan(&["save", "--format", "oci-dir", "-o", &folder, "busybox"]).ok();
    host.sampan(&["save", "--format", "oci-dir", "-o", &folder, "busybox"]).fails(1, "is there already");
    let layout = format!("oci:{folder}:latest");
    let place = format!("docker://{}/app:1", registry.address());
    host.run(&["skopeo", "copy", "--dest-tls-verify=false", &layout, &place]).ok();
    // What skopeo made of it comes back as a folder, compressed.
    let again = host.folder().join("again").display().to_string();
    host.run(&["skopeo", "copy", "--src-tls-verify=false", &place, &format!("oci:{again}:back")]).ok();
    assert_eq!(digest(&host, &format!("oci:{again}:back")), digest(&host, &place));
    host.docker(&["rmi", "busybox"]).ok();
    let loaded = host.sampan(&["load", "-i", &again]);
    assert!(loaded.ok().contains("Loaded image"), "{loaded}");
    let ids = host.docker(&["images", "-q", "--no-trunc"]).ok().to_owned();
    assert_eq!(id(&host, &ids), before, "the same layers and the same configuration");
    host.sampan(&["load", "-i", &host.folder().display().to_string()]).fails(1, "no OCI image layout");
}

#[test]
fn layers_are_sent_in_the_form_that_is_wanted() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let registry = Registry::start(&host, "plain", 5000, &Guard::default());
    let kinds = |path: &str| {
        let manifest = registry.manifest(&host, path, "1");
        let layers = manifest["layers"].as_array().expect("layers").clone();
        layers
            .iter()
            .map(|layer| layer["mediaType"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    let before = id(&host, "busybox");
    for (path, form, kind) in [
        ("zstd", "zstd", "application/vnd.oci.image.layer.v1.tar+zstd"),
        ("plain", "none", "application/vnd.oci.image.layer.v1.tar"),
        ("gzip", "gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"),
    ] {
        let name = format!("{}/{path}:1", registry.address());
        host.docker(&["tag", "busybox", &name]).ok();
        host.sampan(&["push", "--compression", form, &name]).ok();
        assert_eq!(kinds(path), [kind]);
        host.docker(&["rmi", &name]).ok();
    }
    host.docker(&["rmi", "busybox"]).ok();
    for path in ["zstd", "plain", "gzip"] {
        let name = format!("{}/{path}:1", registry.address());
        host.docker(&["pull", &name]).ok();
        assert_eq!(id(&host, &name), before);
        host.docker(&["run", "--rm", &name, "true"]).ok();
        host.docker(&["rmi", &name]).ok();
    }
    host.import(sampan_tests::BUSYBOX);
    let name = format!("{}/x:1", registry.address());
    host.docker(&["tag", "busybox", &name]).ok();
    host.sampan(&["push", "--compression", "lzma", &name]).fails(1, "say gzip, zstd or none");
}

#[test]
fn what_is_kept_keeps_its_digest() {
    if sampan_only() {
        return;
    }
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    host.daemon_arguments(&["--keep-blobs"]);
    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    let from = Registry::start(&host, "from", 5000, &Guard::default());
    let to = Registry::start(&host, "to", 5001, &Guard::default());
    // Somebody else's compression: skopeo's.
    let archive = host.folder().join("box.tar").display().to_string();
    host.docker(&["save", "-o", &archive, "busybox"]).ok();
    host.docker(&["rmi", "busybox"]).ok();
    let source = format!("{}/app:1", from.address());
    let place = format!("docker://{source}");
    host.run(&["skopeo", "copy", "--dest-tls-verify=false", &format!("docker-archive:{archive}"), &place])
        .ok();
    host.docker(&["pull", &source]).ok();
    let target = format!("{}/elsewhere/app:1", to.address());
    host.docker(&["tag", &source, &target]).ok();
    host.docker(&["push", &target]).ok();
    assert_eq!(digest(&host, &format!("docker://{target}")), digest(&host, &place));
    let kept = host.data_root().join("image/kept");
    let count = || std::fs::read_dir(&kept).map_or(0, Iterator::count);
    assert_eq!(count(), 1);
    host.docker(&["rmi", &source, &target]).ok();
    assert_eq!(count(), 0, "kept forms go with their layer");
}

#[test]
fn an_archive_is_imported_from_the_web() {
    let host = Host::new();
    let folder = sampan_tests::tar_of(sampan_tests::BUSYBOX);
    let folder = folder.parent().expect("a folder of archives").display().to_string();
    let _server =
        host.start(&["python3", "-m", "http.server", "--bind", "127.0.0.1", "--directory", &folder, "8000"]);
    sampan_tests::until("the web server listens", || {
        host.in_network(|| std::net::TcpStream::connect("127.0.0.1:8000").is_ok())
    });
    host.docker(&["import", "http://127.0.0.1:8000/busybox.tar", "web:1"]).ok();
    assert_eq!(host.docker(&["run", "--rm", "web:1", "echo", "from the web"]).ok(), "from the web");
    host.docker(&["import", "http://127.0.0.1:8000/missing.tar", "web:2"]).fails(1, "not found");
}

/// Archives are loaded however they were compressed.
#[test]
fn archives_come_in_any_compression() {
    let host = Host::new();
    host.import(sampan_tests::BUSYBOX);
    let folder = host.folder().display().to_string();
    let script = "cd \"$1\" && for f in xz bz2 gz; do python3 -c \"import shutil, lzma, bz2, gzip
o = {'xz': lzma, 'bz2': bz2, 'gz': gzip}['$f'].open('saved.tar.$f', 'wb')
shutil.copyfileobj(open('saved.tar', 'rb'), o)
o.close()\"; done";
    host.docker(&["save", "-o", &format!("{folder}/saved.tar"), "busybox"]).ok();
    host.shell(script, &[&folder]).ok();
    for form in ["xz", "bz2", "gz"] {
        host.docker(&["rmi", "busybox"]).ok();
        let loaded = host.docker(&["load", "-i", &format!("{folder}/saved.tar.{form}")]);
        assert!(loaded.ok().contains("Loaded image: busybox:latest"), "{form}: {loaded}");
        host.docker(&["run", "--rm", "busybox", "true"]).ok();
    }
}
