//! Containers that move to another engine and back, while clients ask them.

use sampan_tests::{BUSYBOX, Host, Options, repository, sampan_only, until};
use std::process::Command;

const TRAFFIC: &str = env!("CARGO_BIN_EXE_sampan-test-traffic");
/// The host's address on the wire between both, and the other one's.
const WIRE: [&str; 2] = ["10.77.0.1", "10.77.0.2"];

/// Lays a wire between two hosts.
fn wire(host: &Host, edge: &Host) {
    let nsenter = |host: &Host, words: &[&str]| {
        let target = host.first_process().to_string();
        let status = Command::new("nsenter").args(["--target", &target, "--net", "ip"]).args(words).status();
        assert!(status.expect("nsenter starts").success(), "{words:?}");
    };
    let far = edge.first_process().to_string();
    nsenter(host, &["link", "add", "to-edge", "type", "veth", "peer", "name", "to-host", "netns", &far]);
    for (host, link, address) in [(host, "to-edge", WIRE[0]), (edge, "to-host", WIRE[1])] {
        nsenter(host, &["addr", "add", &format!("{address}/30"), "dev", link]);
        nsenter(host, &["link", "set", link, "up"]);
    }
    // A dockerd whose /proc/sys is not its own leaves that to others.
    let target = edge.first_process().to_string();
    let forward = "echo 1 >/proc/sys/net/ipv4/ip_forward";
    let status = Command::new("nsenter").args(["--target", &target, "--net", "sh", "-c", forward]).status();
    assert!(status.expect("nsenter starts").success());
}

/// A host that has the engine at this socket as its target `edge`.
fn host_with(edge: &Host, socket: &str) -> Host {
    let host = Host::new();
    host.import(BUSYBOX);
    wire(&host, edge);
    let endpoint = format!("unix://{socket}");
    let address = format!("address={}", WIRE[1]);
    host.sampan(&[
        "target",
        "create",
        "edge",
        "--provider",
        "docker",
        "--endpoint",
        &endpoint,
        "--option",
        &address,
    ])
    .ok();
    host
}

/// Builds an image of the server that counts.
fn server(host: &Host) {
    let folder = host.folder().join("server");
    std::fs::create_dir_all(&folder).expect("made");
    std::fs::copy(TRAFFIC, folder.join("traffic")).expect("copied");
    let text =
        "FROM busybox\nCOPY traffic /traffic\nENV VERSION=one\nCMD [\"/traffic\", \"serve\", \"80\"]\n";
    std::fs::write(folder.join("Dockerfile"), text).expect("written");
    host.docker(&["build", "-q", "-t", "server", &folder.display().to_string()]).ok();
}

#[test]
fn a_container_without_volumes_moves_under_load_and_nobody_notices() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
    let host = host_with(&edge, &edge.socket().display().to_string());
    server(&host);
    host.docker(&["run", "-d", "--name", "web", "-p", "80:80", "server"]).ok();
    until("it answers", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    let load = host.start(&[TRAFFIC, "load", "127.0.0.1:80", "500", "25"]);
    let moved = host.sampan(&["container", "move", "web", "edge"]);
    assert!(moved.ok() == "web@edge" && moved.stderr.contains("downtime: none"), "{moved}");
    assert_eq!(edge.docker(&["ps", "--format", "{{.Names}}"]).ok(), "web");
    assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).ok(), "web.relay");
    let back = host.sampan(&["container", "move", "web", "local"]);
    assert!(back.ok() == "web", "{back}");
    assert_eq!(edge.docker(&["ps", "-aq"]).ok(), "");
    assert_eq!(
        host.docker(&["ps", "-a", "--format", "{{.Names}} {{.Ports}}"]).ok(),
        "web 0.0.0.0:80->80/tcp, [::]:80->80/tcp"
    );
    let counted = load.finish();
    println!("{counted}");
    assert!(counted.ok().contains("\"failed\": 0,"), "{counted}");
}

#[test]
fn a_plain_name_means_where_it_went() {
    if sampan_only() {
        return;
    }
    let edge = Host::new();
    let mut host = host_with(&edge, &edge.socket().display().to_string());
    let serve = "mkdir -p /www; echo page >/www/index.html; echo begun; exec httpd -f -p 80 -h /www";
    host.docker(&["run", "-d", "--name", "web", "-p", "80:80", "busybox", "sh", "-c", serve]).ok();
    host.sampan(&["container", "move", "web", "edge"]).ok();
    let logs = host.sampan(&["logs", "web"]);
    assert!(logs.ok() == "begun" && logs.stderr.contains("web lives at edge"), "{logs}");
    assert!(host.sampan(&["stats", "--no-stream", "web"]).ok().contains("web@edge"));
    let again = host.sampan(&["container", "move", "web", "edge"]);
    assert!(again.code != 0 && again.stderr.contains("web lives at edge already"), "{again}");
    // What comes here is passed on, also after the daemon was killed.
    assert_eq!(host.curl(&["-sf", "http://127.0.0.1/"]).stdout, "page\n");
    host.kill_daemon();
    assert_eq!(host.curl(&["-sf", "http://127.0.0.1/"]).stdout, "page\n");
    host.start_daemon();
    assert_eq!(host.curl(&["-sf", "http://127.0.0.1/"]).stdout, "page\n");
    host.docker(&["restart", "web.relay"]).ok();
    until("it is passed on again", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    host.sampan(&["stop", "web"]).ok();
    assert_eq!(edge.docker(&["ps", "-q"]).ok(), "");
    host.sampan(&["start", "web"]).ok();
    until("it answers again", || host.curl(&["-sf", "http://127.0.0.1/"]).stdout == "page\n");
    host.sampan(&["rm", "web"]).ok();
    assert_eq!(edge.docker(&["ps", "-aq"]).ok(), "");
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "", "the relay goes with it");
    let gone = host.sampan(&["logs", "web"]);
    assert!(gone.code != 0 && gone.stderr.contains("No such container: web"), "{gone}");
}

#[test]
fn volumes_go_along_to_a_real_dockerd_and_back() {
    if sampan_only() {
        return;
    }
    let edge = Host::with(Options { without_daemon: true, ..Options::default() });
    let folder = edge.folder().join("dockerd");
    let script = repository().join("tests/lab/dockerd.sh").display().to_string();
    let log = folder.with_extension("log");
    let run = format!("exec {script} run {} >{} 2>&1", folder.display(), log.display());
    let mut dockerd = edge.start(&["sh", "-c", &run]);
    let socket = folder.join("docker.sock").display().to_string();
    let remote = format!("unix://{socket}");
    until("the real dockerd", || {
        assert!(dockerd.is_running(), "{}", std::fs::read_to_string(&log).unwrap_or_default());
        edge.run(&["docker", "-H", &remote, "version"]).code == 0
    });
    let host = host_with(&edge, &socket);
    let write = "mkdir -p /www; i=0; while :; do i=$((i+1)); echo $i >>/data/lines; cp /data/lines /www/index.html; sleep 0.05; done & exec httpd -f -p 80 -h /www";
    host.docker(&[
        "run",
        "-d",
        "--name",
        "web",
        "-p",
        "80:80",
        "-v",
        "data:/data",
        "--stop-timeout",
        "1",
        "busybox",
        "sh",
        "-c",
        write,
    ])
    .ok();
    host.docker(&[
        "exec",
        "web",
        "sh",
        "-c",
        "ln -s lines /data/link; chown 7:8 /data/lines; mkfifo /data/pipe",
    ])
    .ok();
    until("it answers", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    let moved = host.sampan(&["container", "move", "--image-only", "web", "edge"]);
    assert!(moved.ok() == "web@edge" && moved.stderr.contains("in which connections waited"), "{moved}");
    let looked = edge.run(&[
        "docker",
        "-H",
        &remote,
        "exec",
        "web",
        "sh",
        "-c",
        "stat -c '%F %u:%g' /data/lines /data/pipe; readlink /data/link; head -1 /data/lines",
    ]);
    assert_eq!(looked.ok(), "regular file 7:8\nfifo 0:0\nlines\n1");
    until("it is passed on", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    let back = host.sampan(&["container", "move", "web", "local"]);
    assert!(back.ok() == "web", "{back}");
    until("it answers here", || host.curl(&["-sf", "http://127.0.0.1/"]).code == 0);
    assert_eq!(edge.run(&["docker", "-H", &remote, "ps", "-aq"]).ok(), "");
    assert_eq!(edge.run(&["docker", "-H", &remote, "volume", "ls", "-q"]).ok(), "");
    assert_eq!(host.docker(&["exec", "web", "head", "-1", "/data/lines"]).ok(), "1");
    assert_eq!(host.docker(&["volume", "ls", "-q"]).ok(), "data");
}
