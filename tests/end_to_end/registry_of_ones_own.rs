//! `sampan registry serve`: what other people's programs push to it and pull from it.

use std::sync::atomic::{AtomicUsize, Ordering};

use sampan_tests::registry::{Certificates, Fault, Front, PASSWORD, USER};
use sampan_tests::{BUSYBOX, Engine, Host, Options, Running, sampan_binary, sampan_only, until};

const ADDRESS: &str = "127.0.0.1:5000";

/// Starts our registry on a host, with further words.
fn serve(host: &Host, words: &[&str]) -> Running {
    let root = host.folder().join("registry").display().to_string();
    let program = sampan_binary().display().to_string();
    let all =
        [&[program.as_str(), "registry", "serve", "--address", ADDRESS, "--root", &root], words].concat();
    let running = host.start(&all);
    until("our registry listens", || host.in_network(|| std::net::TcpStream::connect(ADDRESS).is_ok()));
    running
}

fn digest(host: &Host, place: &str) -> String {
    let words = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", place];
    host.run(&words).ok().to_owned()
}

#[test]
fn docker_skopeo_and_we_use_it() {
    if sampan_only() {
        return;
    }
    // A real dockerd beside it, then ours: what one pushes the other pulls.
    let name = format!("{ADDRESS}/team/app:1");
    let real = Host::with(Options { engine: Engine::Docker, ..Options::default() });
    real.import(BUSYBOX);
    let _registry = serve(&real, &[]);
    real.docker(&["tag", BUSYBOX, &name]).ok();
    let pushed = real.docker(&["push", &name]);
    let place = format!("docker://{name}");
    assert!(pushed.ok().contains(&digest(&real, &place)), "{pushed}");
    real.docker(&["rmi", &name, BUSYBOX]).ok();
    real.docker(&["pull", &name]).ok();
    assert_eq!(real.docker(&["run", "--rm", &name, "echo", "by docker"]).ok(), "by docker");
    let layout = format!("oci:{}:1", real.folder().join("layout").display());
    real.run(&["skopeo", "copy", "--src-tls-verify=false", &place, &layout]).ok();
    let copied = format!("docker://{ADDRESS}/copied/app:1");
    real.run(&["skopeo", "copy", "--dest-tls-verify=false", &layout, &copied]).ok();
    assert_eq!(digest(&real, &copied), digest(&real, &layout), "a copy of an OCI layout keeps its digest");
    let list =
        real.run(&["skopeo", "list-tags", "--tls-verify=false", &format!("docker://{ADDRESS}/copied/app")]);
    assert!(list.ok().contains("\"1\""), "{list}");
    real.run(&["skopeo", "delete", "--tls-verify=false", &copied]).ok();
    real.docker(&["pull", &format!("{ADDRESS}/copied/app:1")]).fails(1, "manifest unknown");

    let ours = Host::new();
    let files = real.folder().join("registry").display().to_string();
    ours.shell("cp -a \"$1\" \"$2\"/registry", &[&files, &ours.folder().display().to_string()]).ok();
    let _registry = serve(&ours, &[]);
    ours.docker(&["pull", &name]).ok();
    assert_eq!(ours.docker(&["run", "--rm", &name, "echo", "by us"]).ok(), "by us");
    let other = format!("{ADDRESS}/other/app:2");
    ours.docker(&["tag", &name, &other]).ok();
    let pushed = ours.docker(&["push", &other]);
    assert!(pushed.ok().contains("Mounted from team/app"), "{pushed}");
    assert_eq!(
        digest(&ours, &format!("docker://{other}")),
        digest(&ours, &place),
        "the manifest keeps its digest"
    );
}

#[test]
fn it_asks_for_passwords_over_tls() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let certificates = Certificates::new(host.folder());
    let users = host.folder().join("users");
    std::fs::write(&users, sampan_tests::registry::HTPASSWD).expect("a file of users");
    let paths =
        [users, certificates.certificate(), certificates.key()].map(|path| path.display().to_string());
    let words = ["--htpasswd", &paths[0], "--tls-cert", &paths[1], "--tls-key", &paths[2]];
    let _registry = serve(&host, &words);
    let name = format!("{ADDRESS}/app:1");
    let config = host.folder().join("config").display().to_string();
    let docker = |words: &[&str]| host.docker(&[&["--config", &config], words].concat());
    docker(&["tag", BUSYBOX, &name]).ok();
    docker(&["push", &name]).fails(1, "no basic auth credentials");
    docker(&["login", "-u", USER, "-p", "wrong", ADDRESS]).fails(1, "401 Unauthorized");
    docker(&["login", "-u", USER, "-p", PASSWORD, ADDRESS]).ok();
    docker(&["push", &name]).ok();
    docker(&["rmi", &name, BUSYBOX]).ok();
    docker(&["pull", &name]).ok();
    docker(&["logout", ADDRESS]).ok();
    docker(&["pull", &name]).fails(1, "no basic auth credentials");
    let plain =
        host.curl(&["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-k", &format!("https://{ADDRESS}/v2/")]);
    assert_eq!(plain.ok(), "401", "the base wants to know who asks: so clients learn to sign in");
}

#[test]
fn an_upload_outlives_the_registry_and_garbage_is_collected() {
    if sampan_only() {
        return;
    }
    let host = Host::with(Options { without_daemon: true, ..Options::default() });
    let first = serve(&host, &[]);
    let url = |path: &str| format!("http://{ADDRESS}/v2/{path}");
    let script = r#"
        place=$(curl -fsS -X POST -D- -o /dev/null "$1" | tr -d '\r' | sed -n 's/^location: //p')
        printf 'hello ' | curl -fsS -X PATCH -H 'Content-Type: application/octet-stream' --data-binary @- "http://$2$place"
        echo "$place""#;
    let place = host.shell(script, &[&url("app/blobs/uploads/"), ADDRESS]).ok().to_owned();
    host.run(&["pkill", "-KILL", "-f", "registry serve"]);
    drop(first);
    let _second = serve(&host, &[]);
    let at = format!("http://{ADDRESS}{place}");
    let status = host.curl(&["-fsS", "-D-", "-o", "/dev/null", &at]);
    assert!(status.ok().to_lowercase().contains("range: 0-5"), "{status}");
    let early = host.curl(&[
        "-sS",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "-X",
        "PATCH",
        "-H",
        "Content-Range: 0-4",
        "-d",
        "world",
        &at,
    ]);
    assert_eq!(early.ok(), "416");
    host.curl(&["-fsS", "-X", "PATCH", "-H", "Content-Range: 6-10", "-d", "world", &at]).ok();
    let hello = "sha256:b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9";
    host.curl(&["-fsS", "-X", "PUT", &format!("{at}?digest={hello}")]).ok();
    let blob = url(&format!("app/blobs/{hello}"));
    assert_eq!(host.curl(&["-fsS", &blob]).ok(), "hello world");
    assert_eq!(host.curl(&["-fsS", "-r", "6-8", &blob]).ok(), "wor");
    for path in ["../../etc/passwd", "app/blobs/sha256:../../x", "app/manifests/..%2f..%2fx", "App/tags/list"]
    {
        let code = host.curl(&["-sS", "--path-as-is", "-o", "/dev/null", "-w", "%{http_code}", &url(path)]);
        assert!(code.ok().starts_with('4'), "{path}: {code}");
    }
    // Nothing names the blob, but it is young.
    let root = host.folder().join("registry");
    let words = |dry: &'static [&'static str]| {
        let program = sampan_binary().display().to_string();
        let root = root.display().to_string();
        host.run(&[&[program.as_str(), "registry", "gc", "--root", &root], dry].concat()).ok().to_owned()
    };
    assert_eq!(words(&[]), "0 blobs, 0 bytes removed");
    let file = root.join("blobs").join(&hello["sha256:".len()..]);
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(7200);
    std::fs::File::options()
        .append(true)
        .open(&file)
        .and_then(|file| file.set_modified(old))
        .expect("an older file");
    assert_eq!(words(&["--dry-run"]), "1 blobs, 11 bytes would be removed");
    assert_eq!(words(&[]), "1 blobs, 11 bytes removed");
    assert!(!file.exists());
}

/// Unlike CNCF's registry 2.8, which throws an upload away whose connection broke off, ours keeps what came.
#[test]
fn an_upload_goes_on_where_it_broke_off() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    let _registry = serve(&host, &[]);
    let base = format!("{ADDRESS}/app:base");
    host.docker(&["tag", BUSYBOX, &base]).ok();
    host.docker(&["push", &base]).ok();
    let script = "dd if=/dev/urandom of=/big bs=1M count=12 2>/dev/null";
    host.docker(&["run", "--name", "step", BUSYBOX, "sh", "-c", script]).ok();
    let cuts = AtomicUsize::new(0);
    let front = Front::start(&host, 5002, 5000, move |what, _| {
        let cut = what.starts_with("PATCH ") && cuts.fetch_add(1, Ordering::SeqCst) < 2;
        cut.then_some(Fault::Cut(5_000_000))
    });
    let target = format!("{}/app:1", front.address());
    host.docker(&["commit", "step", &target]).ok();
    host.docker(&["push", &target]).ok();
    let sent = front.sent();
    assert!(
        (12_000_000..16_000_000).contains(&sent),
        "{sent} bytes were sent for 12 MB: {:#?}",
        front.seen()
    );
    let place = format!("{ADDRESS}/app:1");
    host.docker(&["rmi", "-f", &target]).ok();
    host.docker(&["pull", &place]).ok();
}
