//! What is wrong is refused in one clear sentence with the right status, and changes nothing.

use std::fs;

use sampan_tests::Host;
use serde_json::json;

#[test]
fn things_that_are_not_there_are_named() {
    let host = Host::new();
    host.docker(&["inspect", "ghost"]).fails(1, "no such object: ghost");
    host.docker(&["start", "ghost"]).fails(1, "No such container: ghost");
    host.docker(&["rm", "ghost"]).fails(1, "No such container: ghost");
    host.docker(&["exec", "ghost", "true"]).fails(1, "No such container: ghost");
    host.docker(&["rmi", "ghost"]).fails(1, "No such image: ghost:latest");
    host.docker(&["run", "--pull", "never", "--rm", "ghost"]).fails(125, "No such image: ghost:latest");
    host.docker(&["run", "--network", "ghost", "--rm", "busybox", "true"])
        .fails(125, "network ghost not found");
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn malformed_requests_are_refused_with_the_right_status() {
    let host = Host::new();
    let image = "{\"Image\":\"busybox\"}";
    let create =
        |body: &[u8], kind: &str| host.api_with_bytes("POST", "/v1.47/containers/create", body, kind);
    for (body, kind) in [
        (&b"{"[..], "application/json"),
        (b"[]", "application/json"),
        (b"{\"Image\":7}", "application/json"),
        (b"{\"Image\":\"busybox\"} trailing", "application/json"),
        (b"{\"Image\":\"busybox\",\"Cmd\":{\"a\":1}}", "application/json"),
        (image.as_bytes(), "text/plain"),
        (b"{\"Image\":\"busybox\",\"HostConfig\":{\"Memory\":\"lots\"}}", "application/json"),
        (b"{\"Image\":\"busybox\",\"HostConfig\":{\"Memory\":1024}}", "application/json"),
        (b"{\"Image\":\"busybox\",\"HostConfig\":{\"NetworkMode\":\"container:\"}}", "application/json"),
        (
            b"{\"Image\":\"busybox\",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"sometimes\"}}}",
            "application/json",
        ),
        (b"{\"Image\":\"busybox\",\"StopSignal\":\"SIGNONSENSE\"}", "application/json"),
        (b"{\"Image\":\"busybox\",\"WorkingDir\":\"relative\"}", "application/json"),
        (b"{\"Image\":\"busybox\",\"HostConfig\":{\"CapAdd\":[\"FLYING\"]}}", "application/json"),
        (b"{\"Image\":\"\"}", "application/json"),
    ] {
        let answer = create(body, kind);
        let shown = String::from_utf8_lossy(body);
        assert_eq!(answer.status, 400, "{shown} as {kind}: {answer:?}");
        assert!(answer.json()["message"].as_str().is_some_and(|message| !message.is_empty()), "{shown}");
    }
    for (method, path, status) in [
        ("GET", "/v1.47/nonsense", 404),
        ("PATCH", "/v1.47/containers/json", 404),
        ("GET", "/v1.10/version", 400),
        ("GET", "/v9.99/version", 400),
        ("GET", "/v1.47/containers/json?filters=nonsense", 400),
        ("GET", "/v1.47/events?since=10&until=5", 400),
        ("POST", "/v1.47/containers/ghost/start", 404),
        ("POST", "/v1.47/containers/create?name=-bad", 400),
        ("GET", "/v1.47/images/UPPER%20CASE/json", 400),
    ] {
        let body = json!({"Image": "busybox"});
        let answer = host.api(method, path, path.contains("create").then_some(&body));
        assert_eq!(answer.status, status, "{method} {path}: {answer:?}");
        // Clients older than 1.24 were told in plain text.
        assert!(path.starts_with("/v1.10/") || answer.json()["message"].is_string(), "{method} {path}");
    }
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn damaged_image_files_leave_nothing_behind() {
    let host = Host::new();
    let before = host.docker(&["images", "-aq"]).ok().to_owned();
    let import = host
        .docker_with_input(&["import", "-", "bad:1"], b"this is not a tar file, only words, many of them");
    assert_ne!(import.code, 0, "{import}");
    let load = host.docker_with_input(&["load"], b"neither is this");
    assert_ne!(load.code, 0, "{load}");
    let manifest = host.folder().join("bad");
    fs::create_dir(&manifest).expect("made");
    fs::write(manifest.join("manifest.json"), r#"[{"Config":"../../../etc/passwd","Layers":["../escape"]}]"#)
        .expect("written");
    let tar = host.run(&[
        "tar",
        "-C",
        &manifest.display().to_string(),
        "-cf",
        &format!("{}.tar", manifest.display()),
        "manifest.json",
    ]);
    tar.ok();
    let load = host.docker(&["load", "-i", &format!("{}.tar", manifest.display())]);
    assert_ne!(load.code, 0, "{load}");
    assert_eq!(host.docker(&["images", "-aq"]).ok(), before);
}

/// Root file systems that point out of themselves: whatever happens, the host stays as it is.
#[test]
fn hostile_links_in_an_image_do_not_reach_the_host() {
    let host = Host::new();
    let canary = host.folder().join("canary");
    fs::create_dir(&canary).expect("made");
    fs::write(canary.join("file"), "untouched").expect("written");
    let out = canary.display().to_string();
    let recipes = [
        "rm -rf etc; ln -s / etc".to_owned(),
        "rm -rf dev; ln -s /proc/1/root/dev dev".into(),
        "rm -rf proc; ln -s / proc".into(),
        "rm -rf sys; ln -s ../../../../.. sys".into(),
        "rm -f etc/hosts etc/resolv.conf etc/hostname; ln -s OUT/file etc/resolv.conf; ln -s ../../../../OUT/file etc/hosts; ln -s OUT/new etc/hostname".into(),
        "rm -rf etc; ln -s OUT etc".into(),
        "rm -rf tmp; ln -s OUT tmp".into(),
        "rm -rf dev; mkdir dev; ln -s OUT/file dev/console; ln -s OUT dev/shm; ln -s OUT dev/pts; ln -s OUT/file dev/null".into(),
    ];
    let busybox = sampan_tests::tar_of(sampan_tests::BUSYBOX).display().to_string();
    for (number, recipe) in recipes.iter().enumerate() {
        let tree = host.folder().join(format!("tree{number}"));
        fs::create_dir(&tree).expect("made");
        let script =
            format!("cd \"$1\" && tar -xf \"$2\" && {} && tar -cf \"$1.tar\" .", recipe.replace("OUT", &out));
        host.shell(&script, &[&tree.display().to_string(), &busybox]).ok();
        let name = format!("hostile:{number}");
        if host.docker(&["import", &format!("{}.tar", tree.display()), &name]).code != 0 {
            continue;
        }
        let words =
            ["run", "--rm", "-v", "/tmp/mounted", "--tmpfs", "/tmp/memory", "-w", "/tmp/work", "-h", "pwned"];
        host.docker(
            &[&words[..], &[&name, "sh", "-c", "echo pwned >/etc/new; echo pwned >/etc/file; true"]].concat(),
        );
        host.docker(&["run", "--rm", "-t", &name, "true"]);
        assert_eq!(fs::read_to_string(canary.join("file")).expect("still there"), "untouched", "{recipe}");
        let names: Vec<_> =
            fs::read_dir(&canary).expect("listed").flatten().map(|entry| entry.file_name()).collect();
        assert_eq!(names, ["file"], "{recipe}");
        let mounted = host.run(&["grep", "-c", &out, "/proc/self/mountinfo"]);
        assert_eq!(mounted.stdout.trim(), "0", "{recipe}");
    }
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
    let fine = host.docker(&["run", "--rm", "busybox", "echo", "still fine"]);
    assert_eq!(fine.ok(), "still fine");
}
