//! Caches of builds that go from one machine to another, by a registry or within an image.

use std::path::Path;

use sampan_tests::build::{add_plugins, context, in_image};
use sampan_tests::registry::{Guard, Registry};
use sampan_tests::{Host, sampan_only};

/// Two stages, each with a step that comes out another way whenever it is done.
const DOCKERFILE: &str = "FROM busybox AS tool\nRUN cat /proc/sys/kernel/random/uuid >/tool\n\
    FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/one\nCOPY a /a\nCOPY --from=tool /tool /tool\n\
    RUN cat /proc/sys/kernel/random/uuid >/two\n";

fn sampan(host: &Host, folder: &Path, words: &[&str]) -> String {
    let folder = folder.display().to_string();
    let all = [&["build", "-t", "app"], words, &[folder.as_str()]].concat();
    host.sampan(&all).ok().to_owned()
}

/// What the steps made, as many lines as there are files.
fn made(host: &Host) -> Vec<String> {
    in_image(host, "app", "cat /one /tool /two").lines().map(str::to_owned).collect()
}

/// As on a machine that has built nothing yet.
fn forget(host: &Host) {
    host.docker(&["image", "rm", "-f", "app"]).ok();
    host.docker(&["builder", "prune", "-af"]).ok();
}

#[test]
fn a_cache_goes_by_a_registry() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let registry = Registry::start(&host, "plain", 5000, &Guard::default());
    let folder = context(&host, "ctx", DOCKERFILE, &[("a", "a")]);
    for mode in ["min", "max"] {
        let name = format!("{}/team/cache:{mode}", registry.address());
        let to = format!("type=registry,ref={name},mode={mode}");
        let out = sampan(&host, &folder, &["--cache-to", &to]);
        assert!(out.contains(&format!("The build cache is at {name}")), "{out}");
        let before = made(&host);
        forget(&host);
        sampan(&host, &folder, &[]);
        assert_ne!(made(&host)[0], before[0], "nothing was left of it here");
        forget(&host);
        let out = sampan(&host, &folder, &["--cache-from", &format!("type=registry,ref={name}")]);
        // Without the other stage's steps that one is done again, and what copies from it.
        let same = made(&host).iter().zip(&before).filter(|(now, then)| now == then).count();
        let expected = if mode == "max" { 3 } else { 1 };
        assert_eq!(same, expected, "{mode}: {out}");
        assert_eq!(out.matches("Using cache").count(), if mode == "max" { 5 } else { 2 }, "{mode}: {out}");
        // A step that is another one is done, and those on it.
        std::fs::write(folder.join("a"), mode).expect("a file");
        forget(&host);
        sampan(&host, &folder, &["--cache-from", &name]);
        assert_eq!(made(&host)[0], before[0]);
        assert_ne!(made(&host)[2], before[2]);
        forget(&host);
        std::fs::write(folder.join("a"), "a").expect("a file");
    }
}

#[test]
fn a_cache_goes_within_an_image() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    add_plugins(&host);
    let mut registry = Registry::start(&host, "plain", 5000, &Guard::default());
    let dockerfile = "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid >/one\nCOPY a /a\nENV x=1\n\
        RUN cat /proc/sys/kernel/random/uuid >/two\nLABEL l=m\n";
    let folder = context(&host, "ctx", dockerfile, &[("a", "a")]);
    let path = folder.display().to_string();
    let name = format!("{}/team/app:1", registry.address());
    let uuids = || in_image(&host, &name, "cat /one /two");
    let buildx = |words: &[&str]| {
        let all = [&["buildx", "build", "--progress=plain", "-t", &name], words, &[path.as_str()]].concat();
        host.docker(&all).ok();
    };
    buildx(&["--cache-to", "type=inline", "--push"]);
    let before = uuids();
    let from = format!("type=registry,ref={name}");
    host.docker(&["image", "rm", "-f", &name]).ok();
    host.docker(&["builder", "prune", "-af"]).ok();
    buildx(&["--cache-to", "type=inline", "--cache-from", &from]);
    assert_eq!(uuids(), before, "from the registry");
    registry.kill(&host);
    host.docker(&["builder", "prune", "-af"]).ok();
    buildx(&["--build-arg", "BUILDKIT_INLINE_CACHE=1", "--cache-from", &name]);
    assert_eq!(uuids(), before, "from an image that is here");
    host.docker(&["builder", "prune", "-af"]).ok();
    let words =
        ["env", "DOCKER_BUILDKIT=0", "docker", "build", "-t", "classic", "--cache-from", &name, &path];
    host.with_client(&words).ok();
    assert_eq!(in_image(&host, "classic", "cat /one /two"), before, "by the older protocol");
    // One that is not there is said, and the build goes on.
    let out = sampan(&host, &folder, &["--cache-from", "127.0.0.1:1/none:1"]);
    assert!(out.contains("no build cache from 127.0.0.1:1/none:1"), "{out}");
    let bad = host.sampan(&["build", "--cache-to", "type=gha", &path]);
    assert!(bad.code != 0 && bad.stderr.contains("registry serve"), "{bad}");
}

#[test]
fn a_cache_is_kept_in_a_folder() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    host.import(sampan_tests::BUSYBOX);
    let folder = context(&host, "ctx", DOCKERFILE, &[("a", "a")]);
    let kept = host.folder().join("kept cache").display().to_string();
    let (to, from) = (format!("type=local,dest={kept},mode=max"), format!("type=local,src={kept}"));
    let none = host.sampan(&[
        "build",
        "-t",
        "app",
        "--cache-from",
        &from,
        "--cache-to",
        &to,
        &folder.display().to_string(),
    ]);
    assert!(
        none.ok().contains("The build cache is at") && none.stderr.contains("there is no such folder"),
        "{none}"
    );
    let before = made(&host);
    forget(&host);
    sampan(&host, &folder, &["--cache-from", &from]);
    assert_eq!(made(&host), before);
    let bad = host.sampan(&["build", "--cache-to", "type=local", &folder.display().to_string()]);
    assert!(bad.code != 0 && bad.stderr.contains("needs dest=FOLDER"), "{bad}");
    assert!(!host.run(&["ps", "-ef"]).ok().contains("registry serve"), "it ends with the build");
}
