//! Files in and out of containers: volumes, binds, cp, diff, export, commit.

use std::fs;

use sampan_tests::Host;

#[test]
fn binds_and_tmpfs_are_what_was_asked_for() {
    let host = Host::new();
    let folder = host.folder().join("shared");
    fs::create_dir(&folder).expect("made");
    fs::write(folder.join("from-host"), "hello").expect("written");
    let folder = folder.display().to_string();
    let script = "cat /in/from-host; echo there >/in/from-inside; touch /ro/x 2>&1; mount | grep ' /t ' ";
    let (bind, read_only) = (format!("{folder}:/in"), format!("{folder}:/ro:ro"));
    let words = [
        "run",
        "--rm",
        "-v",
        &bind,
        "-v",
        &read_only,
        "--tmpfs",
        "/t:size=1m,noexec",
        "busybox",
        "sh",
        "-c",
        script,
    ];
    let outcome = host.docker(&words);
    assert!(outcome.ok().starts_with("hello"), "{outcome}");
    assert!(outcome.stdout.contains("Read-only file system"), "{outcome}");
    assert!(outcome.stdout.contains("size=1024k") && outcome.stdout.contains("noexec"), "{outcome}");
    assert_eq!(fs::read_to_string(format!("{folder}/from-inside")).expect("written inside"), "there\n");
    let missing = format!("type=bind,source={folder}/none,target=/x");
    host.docker(&["run", "--rm", "--mount", &missing, "busybox", "true"])
        .fails(125, "bind source path does not exist");
}

#[test]
fn named_volumes_outlive_containers() {
    let host = Host::new();
    host.docker(&["run", "--rm", "-v", "data:/www", "busybox", "sh", "-c", "echo kept >/www/file"]).ok();
    let second = host.docker(&[
        "run",
        "--rm",
        "-v",
        "data:/www:ro",
        "busybox",
        "sh",
        "-c",
        "cat /www/file /www/index.html",
    ]);
    assert_eq!(second.ok(), "kept\nit works", "a new volume starts with what the image has there");
}

#[test]
fn cp_copies_both_ways() {
    let host = Host::new();
    host.docker(&["run", "-d", "--name", "box", "busybox", "sleep", "1000"]).ok();
    let here = host.folder().join("out");
    fs::create_dir_all(here.join("sub")).expect("made");
    fs::write(here.join("sub/file"), "in and out").expect("written");
    let from = here.display().to_string();
    host.docker(&["cp", &from, "box:/tmp/"]).ok();
    assert_eq!(host.docker(&["exec", "box", "cat", "/tmp/out/sub/file"]).ok(), "in and out");
    let back = host.folder().join("back").display().to_string();
    host.docker(&["cp", "box:/tmp/out", &back]).ok();
    assert_eq!(fs::read_to_string(format!("{back}/sub/file")).expect("copied"), "in and out");
    let stream = host.docker(&["cp", "box:/etc/passwd", "-"]);
    assert!(stream.ok().contains("root:x:0:0"), "{stream}");
    host.docker(&["cp", "box:/no/such", &back]).fails(1, "Could not find the file /no/such in container box");
    // Links are followed inside the container, however they try to leave it.
    host.docker(&["exec", "box", "sh", "-c", "ln -s ../../../../../etc /tmp/up; ln -s /etc /tmp/absolute"])
        .ok();
    for link in ["up", "absolute"] {
        host.docker(&["cp", &format!("{from}/sub/file"), &format!("box:/tmp/{link}/planted-{link}")]).ok();
        assert_eq!(host.docker(&["exec", "box", "cat", &format!("/etc/planted-{link}")]).ok(), "in and out");
        assert!(!std::path::Path::new(&format!("/etc/planted-{link}")).exists());
    }
}

#[test]
fn diff_commit_and_export_see_the_changes() {
    let host = Host::new();
    let script = "echo new >/new; echo changed >/etc/group; rm /etc/passwd";
    host.docker(&["run", "--name", "box", "busybox", "sh", "-c", script]).ok();
    let diff = host.docker(&["diff", "box"]);
    let mut lines: Vec<&str> = diff.ok().lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["A /new", "C /etc", "C /etc/group", "D /etc/passwd"]);
    host.docker(&[
        "commit",
        "-m",
        "by a test",
        "-c",
        "CMD [\"cat\", \"/new\"]",
        "-c",
        "ENV A=b",
        "box",
        "made:1",
    ])
    .ok();
    assert_eq!(host.docker(&["run", "--rm", "made:1"]).ok(), "new");
    let gone =
        host.docker(&["run", "--rm", "made:1", "sh", "-c", "echo $A; ls /etc/passwd 2>&1; cat /etc/group"]);
    assert_eq!(gone.ok(), "b\nls: /etc/passwd: No such file or directory\nchanged");
    let tar = host.folder().join("c.tar").display().to_string();
    host.docker(&["export", "-o", &tar, "box"]).ok();
    let names = host.run(&["tar", "-tf", &tar]);
    let names: Vec<&str> = names.ok().lines().collect();
    assert!(names.contains(&"new") && names.contains(&"bin/busybox") && !names.contains(&"etc/passwd"));
}

#[test]
fn a_read_only_root_stays_as_it_is() {
    let host = Host::new();
    let outcome = host.docker(&[
        "run",
        "--rm",
        "--read-only",
        "--tmpfs",
        "/tmp",
        "busybox",
        "sh",
        "-c",
        "touch /tmp/a && touch /a",
    ]);
    assert!(outcome.code == 1 && outcome.stderr.contains("Read-only file system"), "{outcome}");
    // Mount points that the image does not have are made before it is closed, and what is mounted there can be written.
    let folder = format!("{}:/not/in/the/image", host.folder().display());
    let script = "touch /new/place/a /not/in/the/image/b && touch /new/b";
    let words =
        ["run", "--rm", "--read-only", "-v", "data:/new/place", "-v", &folder, "busybox", "sh", "-c", script];
    let outcome = host.docker(&words);
    assert!(outcome.code == 1 && outcome.stderr.contains("/new/b: Read-only file system"), "{outcome}");
    assert!(host.folder().join("b").exists());
}
