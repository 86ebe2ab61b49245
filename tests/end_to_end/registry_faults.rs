//! Registries and networks that fail: a clear error or success after another try, nothing half-written, nothing
//! thrown away without need.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use sampan_tests::registry::{Fault, Front, Guard, PASSWORD, Registry, USER};
use sampan_tests::{Campaign, Host, Options};

const PORT: u16 = 5000;
const FRONT: u16 = 5002;

/// A host whose registry has `app:1`, busybox with 12 MB that cannot be compressed; the host itself has nothing.
struct Lab {
    host: Host,
    registry: Registry,
    id: String,
}

impl Lab {
    fn new() -> Lab {
        Lab::stubborn(4)
    }

    /// One whose daemon tries so often.
    fn stubborn(tries: u32) -> Lab {
        let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
        host.daemon_arguments(&["--max-download-attempts", &tries.to_string()]);
        host.start_daemon();
        host.import(sampan_tests::BUSYBOX);
        Lab::of(host)
    }

    fn of(host: Host) -> Lab {
        let registry = Registry::start(&host, "plain", PORT, &Guard::default());
        let name = format!("{}/app:1", registry.address());
        let script = "dd if=/dev/urandom of=/big bs=1M count=12 2>/dev/null; sha256sum /big >/sum";
        host.docker(&["run", "--name", "step", "busybox", "sh", "-c", script]).ok();
        host.docker(&["commit", "step", &name]).ok();
        host.docker(&["push", &name]).ok();
        let id = host.docker(&["inspect", "-f", "{{.Id}}", &name]).ok().to_owned();
        host.docker(&["rm", "step"]).ok();
        host.docker(&["rmi", "-f", &name, "busybox"]).ok();
        assert_eq!(host.docker(&["images", "-aq"]).ok(), "");
        Lab { host, registry, id }
    }

    fn front(&self, rule: impl Fn(&str, usize) -> Option<Fault> + Send + Sync + 'static) -> Front {
        Front::start(&self.host, FRONT, PORT, rule)
    }

    /// The image is whole: it runs, and its contents have the digest that they were made with.
    fn is_whole(&self, name: &str) {
        assert_eq!(self.host.docker(&["inspect", "-f", "{{.Id}}", name]).ok(), self.id);
        self.host.docker(&["run", "--rm", name, "sha256sum", "-c", "-s", "/sum"]).ok();
    }

    fn has_nothing(&self) {
        assert_eq!(self.host.docker(&["images", "-aq"]).ok(), "", "something half-written is visible");
    }

    fn forget(&self, name: &str) {
        self.host.docker(&["rmi", "-f", name]).ok();
    }
}

fn is_big_blob(what: &str) -> bool {
    // The configuration comes first and is small; layers are asked for after it. Each is told apart by its count.
    what.starts_with("GET ") && what.contains("/blobs/")
}

#[test]
fn what_passes_by_itself_is_waited_for() {
    let lab = Lab::new();
    let front = lab.front(|what, nth| match nth {
        0 if what.contains("/manifests/1") => {
            Some(Fault::Answer("429 Too Many Requests", "Retry-After: 0\r\n".into(), String::new()))
        }
        0 if is_big_blob(what) => {
            Some(Fault::Answer("500 Internal Server Error", String::new(), "oops".into()))
        }
        1 if is_big_blob(what) => Some(Fault::Hangup),
        2 if is_big_blob(what) => Some(Fault::Half),
        _ => None,
    });
    let name = format!("{}/app:1", front.address());
    lab.host.docker(&["pull", &name]).ok();
    lab.is_whole(&name);
    // Of the layer that broke off in the middle only the rest was asked for.
    assert!(front.asked("range: bytes=") > front.asked("range: bytes=0-"), "{:#?}", front.seen());
}

#[test]
fn what_does_not_pass_is_said_and_leaves_nothing() {
    let lab = Lab::new();
    let many: Vec<String> = (0..10_000)
        .map(|_| {
            format!(
                r#"{{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:{}","size":1}}"#,
                "0".repeat(64)
            )
        })
        .collect();
    let many = format!(r#"{{"schemaVersion":2,"config":{},"layers":[{}]}}"#, many[0], many.join(","));
    let manifest = "Content-Type: application/vnd.oci.image.manifest.v1+json\r\n";
    let cases: Vec<(&str, &str, Fault)> = vec![
        (
            "manifests",
            "toomanyrequests",
            Fault::Answer("429 Too Many Requests", String::new(), String::new()),
        ),
        (
            "manifests",
            "500 Internal Server Error",
            Fault::Answer("500 Internal Server Error", String::new(), "<html>".into()),
        ),
        ("manifests", "broke off", Fault::Half),
        ("manifests", "other content", Fault::Damaged),
        ("manifests", "more than", Fault::Endless),
        ("manifests", "damaged", Fault::Answer("200 OK", manifest.into(), "{".into())),
        ("manifests", "10000 layers", Fault::Answer("200 OK", manifest.into(), many)),
        ("blobs", "bad gateway", Fault::Answer("502 Bad Gateway", String::new(), String::new())),
        ("blobs", "broke off", Fault::Half),
        ("blobs", "cannot be used", Fault::Damaged),
        (
            "blobs",
            "redirects to",
            Fault::Answer("307 Temporary Redirect", "Location: ftp://x/\r\n".into(), String::new()),
        ),
    ];
    let current: Arc<std::sync::Mutex<Option<(&str, Fault)>>> = Arc::default();
    let (rule, configuration) = (Arc::clone(&current), lab.id.clone());
    let front = lab.front(move |what, _| {
        let current = rule.lock().expect("no test panics here");
        let hit = |part: &&str| what.contains(*part) && !what.contains(&configuration);
        current.as_ref().filter(|(part, _)| hit(part)).map(|(_, fault)| fault.clone())
    });
    let name = format!("{}/app:1", front.address());
    for (part, said, fault) in cases {
        *current.lock().expect("no test panics here") = Some((part, fault));
        lab.host.docker(&["pull", &name]).fails(1, said);
        lab.has_nothing();
    }
    // What lies beyond a layer's end is of no concern.
    *current.lock().expect("no test panics here") = Some(("blobs", Fault::Longer));
    lab.host.docker(&["pull", &name]).ok();
    lab.is_whole(&name);
}

#[test]
fn a_redirect_tells_nobody_who_we_are() {
    let host = Host::new();
    let _registry = Registry::start(&host, "htpasswd", PORT, &Guard { htpasswd: true, ..Guard::default() });
    let open = Registry::start(&host, "open", 5001, &Guard::default());
    let stranger = Front::start(&host, 5003, 5001, |_, _| None);
    let place = stranger.address();
    let front = Front::start(&host, FRONT, PORT, move |what, _| {
        let path = what.strip_prefix("GET ").filter(|path| path.contains("/blobs/"))?;
        Some(Fault::Answer(
            "307 Temporary Redirect",
            format!("Location: http://{place}{path}\r\n"),
            String::new(),
        ))
    });
    for name in [format!("{}/app:1", front.address()), format!("{}/app:1", open.address())] {
        host.docker(&["tag", "busybox", &name]).ok();
    }
    let config = host.folder().join("config").display().to_string();
    let docker = |words: &[&str]| host.docker(&[&["--config", &config], words].concat());
    docker(&["login", "-u", USER, "-p", PASSWORD, &front.address()]).ok();
    let name = format!("{}/app:1", front.address());
    docker(&["push", &name]).ok();
    docker(&["push", &format!("{}/app:1", open.address())]).ok();
    docker(&["rmi", "-f", "busybox", &name, &format!("{}/app:1", open.address())]).ok();
    docker(&["pull", &name]).ok();
    let seen = stranger.seen();
    assert!(seen.iter().any(|head| head.contains("/blobs/")), "nothing was redirected");
    let told = seen.iter().filter(|head| head.to_lowercase().contains("authorization")).count();
    assert_eq!(told, 0, "{seen:#?}");
    assert!(front.seen().iter().any(|head| head.to_lowercase().contains("authorization: basic")));
}

#[test]
fn a_registry_that_dies_at_any_stage_is_survived() {
    let lab = Lab::stubborn(1);
    // The front is dead from its n-th request on; `usize::MAX` is never.
    let (limit, count) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::new(AtomicUsize::new(0)));
    let (dies, counted) = (Arc::clone(&limit), Arc::clone(&count));
    let front = lab.front(move |_, _| {
        let dead = counted.fetch_add(1, Ordering::SeqCst) >= dies.load(Ordering::SeqCst);
        dead.then_some(Fault::Hangup)
    });
    let name = format!("{}/app:1", front.address());
    let reset = |after: usize| {
        count.store(0, Ordering::SeqCst);
        limit.store(after, Ordering::SeqCst);
    };
    lab.host.docker(&["pull", &name]).ok();
    lab.forget(&name);
    let mut stages = 0;
    loop {
        reset(stages);
        let pulled = lab.host.docker(&["pull", &name]);
        if pulled.code == 0 {
            break;
        }
        pulled.fails(1, &front.address());
        lab.has_nothing();
        stages += 1;
        assert!(stages < 20, "a pull of two layers takes fewer requests");
    }
    assert!(stages > 2, "only {stages} stages");
    lab.is_whole(&name);

    // And the same for pushes, to a repository that has nothing yet.
    let elsewhere = |stage: usize| format!("{}/push{stage}/app:1", front.address());
    let mut stage = 0;
    loop {
        let target = elsewhere(stage);
        lab.host.docker(&["tag", &name, &target]).ok();
        reset(stage);
        let pushed = lab.host.docker(&["push", &target]);
        if pushed.code == 0 {
            break;
        }
        pushed.fails(1, &front.address());
        reset(usize::MAX);
        lab.host.docker(&["push", &target]).ok();
        stage += 1;
        assert!(stage < 40, "a push of two layers takes fewer requests");
    }
    assert!(stage > 5, "only {stage} stages");
}

#[test]
fn an_upload_that_broke_off_is_taken_up_again() {
    let lab = Lab::new();
    let name = format!("{}/app:1", lab.registry.address());
    lab.host.docker(&["pull", &name]).ok();
    let cuts = AtomicUsize::new(0);
    let front = lab.front(move |what, _| {
        let cut = what.starts_with("PATCH ") && cuts.fetch_add(1, Ordering::SeqCst) < 2;
        cut.then_some(Fault::Cut(500_000))
    });
    let target = format!("{}/fresh/app:1", front.address());
    lab.host.docker(&["tag", &name, &target]).ok();
    lab.host.docker(&["push", &target]).ok();
    let digest = |name: &str| {
        let place = format!("docker://{name}");
        lab.host
            .run(&["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", &place])
            .ok()
            .to_owned()
    };
    assert_eq!(digest(&target), digest(&name));
}

#[test]
fn a_full_disk_is_said_and_what_came_is_kept() {
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    let data = host.data_root().display().to_string();
    host.shell("mkdir -p \"$1\" && mount -t tmpfs -o size=200m data \"$1\"", &[&data]).ok();
    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    let lab = Lab::of(host);
    let name = format!("{}/app:1", lab.registry.address());
    let small =
        lab.host.shell("mount -o remount,size=$(( $(du -sk \"$1\" | cut -f1) + 14000 ))k \"$1\"", &[&data]);
    small.ok();
    lab.host.docker(&["pull", &name]).fails(1, "no space left on device");
    lab.has_nothing();
    lab.host.shell("mount -o remount,size=200m \"$1\"", &[&data]).ok();
    let front = lab.front(|_, _| None);
    let name = format!("{}/app:1", front.address());
    lab.host.docker(&["pull", &name]).ok();
    lab.is_whole(&name);
    let whole = front.asked("/blobs/") - front.asked("range: bytes=");
    assert_eq!(whole, 1, "only the configuration is asked for as a whole: {:#?}", front.seen());
}

/// kill -9 in the middle of a layer: the next daemon asks only for the rest.
#[test]
fn a_download_goes_on_in_the_next_daemon() {
    let mut lab = Lab::new();
    let configuration = lab.id.clone();
    let stalls = AtomicUsize::new(0);
    let front = lab.front(move |what, _| {
        let first = is_big_blob(what) && !what.contains(&configuration);
        (first && stalls.fetch_add(1, Ordering::SeqCst) < 2).then_some(Fault::Stall)
    });
    let name = format!("{}/app:1", front.address());
    let pull = lab.host.docker_running(&["pull", &name]);
    let partial = lab.host.data_root().join("image/partial");
    sampan_tests::until("half the layer is there", || {
        let files = std::fs::read_dir(&partial).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).any(|file| file.len() > 5_000_000)
    });
    lab.host.kill_daemon();
    drop(pull);
    lab.host.start_daemon();
    lab.has_nothing();
    lab.host.docker(&["pull", &name]).ok();
    lab.is_whole(&name);
    assert!(front.asked("range: bytes=") > front.asked("range: bytes=0-"), "{:#?}", front.seen());
    let left = std::fs::read_dir(&partial).map_or(0, Iterator::count);
    assert_eq!(left, 0, "partial downloads are left in {}", partial.display());
}

#[test]
fn a_pull_ends_with_its_client() {
    let lab = Lab::new();
    let front = lab.front(|what, _| {
        if is_big_blob(what) {
            std::thread::sleep(Duration::from_millis(700));
        }
        None
    });
    let name = format!("{}/app:1", front.address());
    let mut pull = lab.host.docker_running(&["pull", &name]);
    sampan_tests::until("the pull asks for a layer", || {
        front.seen().iter().any(|head| head.contains("/blobs/"))
    });
    pull.child().kill().expect("the client ends");
    drop(pull);
    std::thread::sleep(Duration::from_secs(2));
    lab.has_nothing();
}

/// kill -9 of the daemon in the middle of pulls: the image is there whole or not at all, and what has come need not
/// come again.
#[test]
fn campaign_kill_in_mid_pull() {
    let campaign = Campaign::new("kill -9 of the daemon in the middle of a pull", 6, 50);
    let mut lab = Lab::new();
    let slow = Arc::new(AtomicUsize::new(0));
    let delay = Arc::clone(&slow);
    let front = lab.front(move |_, _| {
        std::thread::sleep(Duration::from_millis(delay.load(Ordering::SeqCst) as u64));
        None
    });
    let name = format!("{}/app:1", front.address());
    let mut finished = 0;
    for round in 0..campaign.rounds {
        // From before the first byte to after the last one.
        slow.store(round % 5 * 10, Ordering::SeqCst);
        let pull = lab.host.docker_running(&["pull", &name]);
        std::thread::sleep(Duration::from_millis((round * 211 % 1600) as u64));
        lab.host.kill_daemon();
        drop(pull);
        lab.host.start_daemon();
        if lab.host.docker(&["images", "-q"]).ok().is_empty() {
            continue;
        }
        finished += 1;
        lab.is_whole(&name);
        lab.forget(&name);
        lab.has_nothing();
    }
    lab.host.docker(&["pull", &name]).ok();
    lab.is_whole(&name);
    let partial = lab.host.data_root().join("image/partial");
    let left = std::fs::read_dir(&partial).map_or(0, Iterator::count);
    assert_eq!(left, 0, "partial downloads are left in {}", partial.display());
    campaign.done(&format!("the image was whole or absent each time ({finished} times whole)"));
}

/// Puts an image at the registry whose only layer is this file, of this kind, and says what it unpacks to.
fn put_image(host: &Host, registry: &Registry, layer: &[u8], kind: &str, diff_id: &str) {
    let config = serde_json::json!({"architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]}})
    .to_string();
    let config_digest = registry.put_blob(host, "bomb", config.as_bytes());
    let layer_digest = registry.put_blob(host, "bomb", layer);
    let manifest = serde_json::json!({"schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config_digest,
            "size": config.len()},
        "layers": [{"mediaType": format!("application/vnd.oci.image.layer.v1.tar+{kind}"),
            "digest": layer_digest, "size": layer.len()}]});
    registry.put_manifest(host, "bomb", kind, &manifest);
}

#[test]
fn bombs_fill_nothing() {
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    let data = host.data_root().display().to_string();
    host.shell("mkdir -p \"$1\" && mount -t tmpfs -o size=300m data \"$1\"", &[&data]).ok();
    host.start_daemon();
    let registry = Registry::start(&host, "plain", PORT, &Guard::default());
    let file = host.folder().join("bomb").display().to_string();
    // A gigabyte of the same letter in a tar (zeros would become a hole), in some megabytes of gzip and less of zstd.
    let script = r#"
        cd "$(dirname "$1")" && head -c 1G /dev/zero | tr '\0' x >letters
        tar -c letters | tee >(sha256sum >"$1.sum") | gzip -1 >"$1.gzip"
        tar -c letters | zstd -q -3 >"$1.zstd"; rm letters; cut -d' ' -f1 "$1.sum""#;
    let sum = host.run(&["bash", "-c", script, "bash", &file]).ok().to_owned();
    for (kind, said) in [("gzip", "no space left on device"), ("zstd", "grows more than")] {
        let layer = std::fs::read(format!("{file}.{kind}")).expect("the bomb");
        assert!(layer.len() < 20 << 20, "{kind}: {}", layer.len());
        put_image(&host, &registry, &layer, kind, &format!("sha256:{sum}"));
        let pulled = host.docker(&["pull", &format!("{}/bomb:{kind}", registry.address())]);
        pulled.fails(1, said);
        assert_eq!(host.docker(&["images", "-aq"]).ok(), "");
        let left = host.shell("du -sm \"$1\" | cut -f1", &[&data]).ok().parse::<u64>().expect("a number");
        assert!(left < 40, "{kind}: {left} MB are left behind");
    }
}
