//! Images in and out of files, and what is told about them.

use sampan_tests::Host;

#[test]
fn an_image_survives_save_and_load() {
    let host = Host::new();
    // The built-in image, where there is one, is of no concern here.
    host.docker(&["rmi", "hello"]);
    host.docker(&[
        "run",
        "--name",
        "box",
        "busybox",
        "sh",
        "-c",
        "echo layer >/second; ln -s /second /link; rm /etc/group",
    ])
    .ok();
    host.docker(&["commit", "box", "two:layers"]).ok();
    let id = host.docker(&["inspect", "-f", "{{.Id}} {{len .RootFS.Layers}}", "two:layers"]).ok().to_owned();
    assert!(id.ends_with(" 2"), "{id}");
    let tar = host.folder().join("two.tar").display().to_string();
    host.docker(&["save", "-o", &tar, "two:layers", "busybox"]).ok();
    host.docker(&["rm", "box"]).ok();
    host.docker(&["rmi", "two:layers", "busybox"]).ok();
    assert_eq!(host.docker(&["images", "-q"]).ok(), "");
    let loaded = host.docker(&["load", "-i", &tar]);
    assert!(
        loaded.ok().contains("Loaded image: two:layers")
            && loaded.ok().contains("Loaded image: busybox:latest")
    );
    assert_eq!(host.docker(&["inspect", "-f", "{{.Id}} {{len .RootFS.Layers}}", "two:layers"]).ok(), id);
    let inside = host.docker(&[
        "run",
        "--rm",
        "two:layers",
        "sh",
        "-c",
        "cat /link; ls /etc/group 2>/dev/null || echo gone",
    ]);
    assert_eq!(inside.ok(), "layer\ngone");
    let file = std::fs::read(&tar).expect("the saved file");
    host.docker_with_input(&["load", "-q"], &file).ok();
}

#[test]
fn images_are_imported_from_a_stream_with_changes() {
    let host = Host::new();
    let tar = std::fs::read(sampan_tests::tar_of(sampan_tests::BUSYBOX)).expect("the prepared tar");
    let words = [
        "import",
        "-m",
        "why",
        "-c",
        "ENTRYPOINT [\"echo\"]",
        "-c",
        "CMD [\"hi\"]",
        "-c",
        "EXPOSE 80",
        "-",
        "piped:1",
    ];
    let id = host.docker_with_input(&words, &tar);
    assert!(id.ok().starts_with("sha256:"), "{id}");
    assert_eq!(host.docker(&["run", "--rm", "piped:1"]).ok(), "hi");
    assert_eq!(host.docker(&["run", "--rm", "piped:1", "there"]).ok(), "there");
    assert_eq!(
        host.docker(&["inspect", "-f", "{{json .Config.ExposedPorts}} {{.Comment}}", "piped:1"]).ok(),
        r#"{"80/tcp":{}} why"#
    );
    let history = host.docker(&["history", "--format", "{{.Comment}}", "piped:1"]);
    assert_eq!(history.ok(), "why");
}

#[test]
fn tags_are_names_and_removal_respects_use() {
    let host = Host::new();
    // The built-in image, where there is one, is of no concern here.
    host.docker(&["rmi", "hello"]);
    host.docker(&["tag", "busybox", "example.test/team/box:v1"]).ok();
    let listed = host.docker(&["images", "--format", "{{.Repository}}:{{.Tag}}"]);
    let mut names: Vec<&str> = listed.ok().lines().collect();
    names.sort_unstable();
    assert_eq!(names, ["busybox:latest", "example.test/team/box:v1"]);
    host.docker(&["create", "--name", "user", "busybox"]).ok();
    assert!(
        host.docker(&["rmi", "example.test/team/box:v1"]).ok().contains("Untagged: example.test/team/box:v1")
    );
    host.docker(&["rmi", "busybox"]).fails(1, "container");
    let id = host.docker(&["images", "-q", "--no-trunc"]).ok().to_owned();
    host.docker(&["rm", "user"]).ok();
    let removed = host.docker(&["rmi", &id[7..19]]);
    assert!(removed.ok().contains(&format!("Deleted: {id}")), "{removed}");
    host.docker(&["tag", "busybox", "x"]).fails(1, "No such image: busybox");
    host.docker(&["tag", "no", "UPPER"]).fails(1, "invalid reference format");
}
