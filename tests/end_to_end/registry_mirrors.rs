//! Names that mean other places: mirrors and rules by prefix. The mission's own commands work against a local
//! registry that stands for Docker Hub.

use sampan_tests::registry::{Fault, Front, Guard, PASSWORD, Registry, USER};
use sampan_tests::{BUSYBOX, Host, Options, sampan_only};
use serde_json::json;

const PORT: u16 = 5000;

/// A host whose daemon has this configuration file.
fn configured(configuration: &serde_json::Value) -> Host {
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    let path = host.folder().join("daemon.json");
    std::fs::write(&path, configuration.to_string()).expect("a configuration file");
    host.daemon_arguments(&["--config-file", &path.display().to_string()]);
    host.start_daemon();
    host
}

#[test]
fn the_missions_commands_work_as_written() {
    if sampan_only() {
        return;
    }
    let host = configured(&json!({"registries": [{"prefix": "docker.io", "location": "127.0.0.1:5000"}]}));
    let guard = Guard { htpasswd: true, ..Guard::default() };
    let registry = Registry::start(&host, "hub", PORT, &guard);
    let config = host.folder().join("config").display().to_string();
    let docker = |words: &[&str]| host.docker(&[&["--config", &config], words].concat());
    let login = ["--config", &config, "login", "-u", USER, "--password-stdin"];
    let said = host.docker_with_input(&login, PASSWORD.as_bytes());
    assert!(said.ok().contains("Login Succeeded"), "{said}");
    host.import(BUSYBOX);
    for name in ["ubuntu", "my-app:latest", "redis", "nginx"] {
        docker(&["tag", BUSYBOX, name]).ok();
        let pushed = docker(&["push", name]);
        assert!(pushed.ok().contains("The push refers to repository [docker.io/library/"), "{pushed}");
        docker(&["rmi", name]).ok();
    }
    assert!(registry.log().contains("/v2/library/my-app/manifests/latest"), "{}", registry.log());
    docker(&["rmi", BUSYBOX]).ok();
    let pulled = docker(&["pull", "ubuntu"]);
    assert!(pulled.ok().contains("Status: Downloaded newer image for ubuntu:latest"), "{pulled}");
    assert_eq!(docker(&["run", "--rm", "ubuntu", "echo", "there"]).ok(), "there");
    docker(&["pull", "my-app:latest"]).ok();
    let found = docker(&["search", "red", "--format", "{{.Name}}"]);
    assert_eq!(found.ok(), "library/redis");
    assert_eq!(
        docker(&["search", "--limit", "1", "--format", "{{.Name}}", "library"]).ok().lines().count(),
        1
    );
    assert_eq!(docker(&["search", "--filter", "stars=3", "red", "--format", "{{.Name}}"]).ok(), "");
    docker(&["search", "--limit", "101", "red"]).fails(1, "outside the range of [1, 100]");
    // `run` pulls what is missing.
    let ran = docker(&["run", "--rm", "redis", "echo", "pulled"]);
    assert_eq!(ran.ok(), "pulled");
    assert!(ran.stderr.contains("Unable to find image 'redis:latest' locally"), "{ran}");
}

#[test]
fn a_mirror_is_asked_first_and_the_rest_after_it() {
    if sampan_only() {
        return;
    }
    let rules = json!({"registry-mirrors": ["http://127.0.0.1:5002"], "max-download-attempts": 1,
        "registries": [
            {"prefix": "127.0.0.1:5000/team", "mirrors": ["127.0.0.1:5003/copy"]},
            {"prefix": "blocked.example", "blocked": true}]});
    let host = configured(&rules);
    host.import(BUSYBOX);
    let registry = Registry::start(&host, "plain", PORT, &Guard::default());
    let mirror = Registry::start(&host, "mirror", 5001, &Guard::default());
    let hub = Front::start(&host, 5002, 5001, |_, _| None);
    let copy = Front::start(&host, 5003, 5001, |what, _| {
        what.contains("/broken/")
            .then(|| Fault::Answer("503 Service Unavailable", String::new(), String::new()))
    });
    for name in ["library/mirrored:1", "copy/app:1", "copy/broken:1"] {
        let name = format!("{}/{name}", mirror.address());
        host.docker(&["tag", BUSYBOX, &name]).ok();
        host.docker(&["push", &name]).ok();
    }
    for name in ["team/app:1", "team/broken:1", "team/only-here:1"] {
        let name = format!("{}/{name}", registry.address());
        host.docker(&["tag", BUSYBOX, &name]).ok();
        host.docker(&["push", &name]).ok();
        host.docker(&["rmi", &name]).ok();
    }
    // Docker Hub through its mirror.
    host.docker(&["pull", "mirrored:1"]).ok();
    assert!(hub.seen().iter().any(|head| head.starts_with("GET /v2/library/mirrored/manifests/1")));
    // A rule's mirror, and the registry itself where the mirror fails or has nothing.
    let before = registry.log().lines().count();
    host.docker(&["pull", &format!("{}/team/app:1", registry.address())]).ok();
    assert!(
        copy.seen().iter().any(|head| head.starts_with("GET /v2/copy/app/manifests/1")),
        "{:#?}",
        copy.seen()
    );
    let asked: Vec<String> = registry.log().lines().skip(before).map(str::to_owned).collect();
    assert!(!asked.iter().any(|line| line.contains("/team/app/manifests/1")), "{asked:#?}");
    host.docker(&["pull", &format!("{}/team/broken:1", registry.address())]).ok();
    host.docker(&["pull", &format!("{}/team/only-here:1", registry.address())]).ok();
    host.docker(&["pull", "blocked.example/app"]).fails(1, "blocks it");
    // What cannot be meant is refused by name when the daemon starts.
    let info = host.docker(&["info", "--format", "{{json .RegistryConfig.Mirrors}}"]);
    assert_eq!(info.ok(), r#"["http://127.0.0.1:5002/"]"#);
}
