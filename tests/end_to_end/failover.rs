//! A copy at another engine takes over when nothing is heard from here, and at no moment do both run.

use sampan_tests::{Host, Options, sampan_only, until};
use std::process::Command;

const SECONDS: u64 = 6;

fn ip(host: &Host, words: &[&str]) {
    let target = host.first_process().to_string();
    let status = Command::new("nsenter").args(["--target", &target, "--net", "ip"]).args(words).status();
    assert!(status.expect("nsenter starts").success(), "{words:?}");
}

/// Two hosts with a wire between them, and nothing else: the one has the other as its target.
fn pair() -> (Host, Host) {
    let listen = vec!["-H".to_owned(), "tcp://0.0.0.0:2375".to_owned()];
    let edge = Host::with(Options { daemon_arguments: listen, ..Options::default() });
    let host = Host::new();
    let far = edge.first_process().to_string();
    ip(&host, &["link", "add", "to-edge", "type", "veth", "peer", "name", "to-host", "netns", &far]);
    for (host, link, address) in [(&host, "to-edge", "10.77.0.1/30"), (&edge, "to-host", "10.77.0.2/30")] {
        ip(host, &["addr", "add", address, "dev", link]);
        ip(host, &["link", "set", link, "up"]);
    }
    host.sampan(&["target", "create", "edge", "--provider", "docker", "--endpoint", "tcp://10.77.0.2:2375"])
        .ok();
    (host, edge)
}

/// Runs a container that writes down, in a folder that both sides see, when and where it runs; and a copy of it is kept.
fn kept(host: &Host, seconds: u64) -> std::path::PathBuf {
    let shared = host.folder().join("shared");
    std::fs::create_dir_all(&shared).expect("made");
    let history = format!("{}:/shared", shared.display());
    let write = "while :; do echo $(cut -d' ' -f1 /proc/uptime) $(hostname) >>/shared/history; echo x >>/data/lines; sleep 0.01; done";
    host.docker(&[
        "run",
        "-d",
        "--name",
        "web",
        "--restart",
        "always",
        "-v",
        "data:/data",
        "-v",
        &history,
        "busybox",
        "sh",
        "-c",
        write,
    ])
    .ok();
    let made =
        host.sampan(&["container", "move", "-d", "1h", "--failover", &format!("{seconds}s"), "web", "edge"]);
    assert!(made.ok() == "web@edge", "{made}");
    shared.join("history")
}

/// When each side was seen first and last, seconds since the machine was started, in the order in which they began.
fn sides(history: &std::path::Path) -> Vec<(String, f64, f64)> {
    let text = std::fs::read_to_string(history).expect("a history");
    let mut sides: Vec<(String, f64, f64)> = Vec::new();
    for line in text.lines() {
        let Some((time, side)) = line.split_once(' ') else { continue };
        let Ok(time) = time.parse::<f64>() else { continue };
        match sides.iter_mut().find(|known| known.0 == side) {
            Some(known) => known.2 = known.2.max(time),
            None => sides.push((side.to_owned(), time, time)),
        }
    }
    sides
}

fn took_over(history: &std::path::Path, edge: &Host) {
    until("the copy is started", || !edge.docker(&["ps", "-q", "--filter", "name=^web$"]).ok().is_empty());
    until("it writes", || sides(history).len() == 2);
    std::thread::sleep(std::time::Duration::from_secs(1));
    let sides = sides(history);
    assert_eq!(sides.len(), 2, "{sides:?}");
    assert!(sides[0].2 < sides[1].1, "the one ended before the other began: {sides:?}");
    println!("nobody wrote for {:.2} s of a lease of {SECONDS} s", sides[1].1 - sides[0].2);
    // What was there at the time of the copy is there.
    let lines = edge.docker(&["exec", "web", "wc", "-l", "/data/lines"]);
    assert!(
        lines
            .ok()
            .split(' ')
            .next()
            .and_then(|count| count.parse::<u64>().ok())
            .is_some_and(|count| count > 0),
        "{lines}"
    );
}

#[test]
fn a_source_that_is_cut_off_ends_before_the_copy_begins() {
    if sampan_only() {
        return;
    }
    let (host, edge) = pair();
    let history = kept(&host, SECONDS);
    // While all is well nothing happens, and nobody starts the copy by hand.
    std::thread::sleep(std::time::Duration::from_secs(SECONDS * 2));
    assert_eq!(sides(&history).len(), 1);
    let refused = edge.docker(&["start", "web"]);
    assert!(refused.code != 0 && refused.stderr.contains("may run at another place"), "{refused}");
    ip(&host, &["link", "set", "to-edge", "down"]);
    took_over(&history, &edge);
    // Here it stays down, whatever its restart policy says, and when the wire is back it is known where it lives.
    let refused = host.docker(&["start", "web"]);
    assert!(refused.code != 0 && refused.stderr.contains("may run at another place"), "{refused}");
    ip(&host, &["link", "set", "to-edge", "up"]);
    until("it is known here", || host.api("GET", "/sampan/containers/web/place", None).status == 200);
    assert_eq!(host.docker(&["ps", "-a", "--format", "{{.Names}}"]).ok(), "web.lost");
    assert_eq!(sides(&history).len(), 2);
    // And home again.
    host.sampan(&["container", "move", "web", "local"]).ok();
    assert_eq!(edge.docker(&["ps", "-aq"]).ok(), "");
    until("it writes here", || sides(&history).len() == 3);
}

#[test]
fn a_source_whose_daemon_is_gone_ends_before_the_copy_begins() {
    if sampan_only() {
        return;
    }
    let (mut host, edge) = pair();
    let history = kept(&host, SECONDS);
    host.kill_daemon();
    took_over(&history, &edge);
    host.start_daemon();
    until("it is known here", || host.api("GET", "/sampan/containers/web/place", None).status == 200);
    assert_eq!(sides(&history).len(), 2, "a daemon that comes back starts nothing");
}

#[test]
fn a_job_that_ends_gives_the_lease_back() {
    if sampan_only() {
        return;
    }
    let (host, edge) = pair();
    let history = kept(&host, SECONDS);
    host.sampan(&["job", "rm", "web.move"]).ok();
    std::thread::sleep(std::time::Duration::from_secs(SECONDS * 2));
    assert_eq!(sides(&history).len(), 1);
    assert_eq!(edge.docker(&["ps", "-q"]).ok(), "");
    assert!(!host.docker(&["ps", "-q", "--filter", "name=^web$"]).ok().is_empty());
    // With the wire cut nobody can be told, so the job stays.
    let made = host.sampan(&["container", "move", "-d", "1h", "--failover", "60s", "web", "edge"]);
    assert!(made.ok() == "web@edge", "{made}");
    ip(&host, &["link", "set", "to-edge", "down"]);
    let refused = host.sampan(&["job", "rm", "web.move"]);
    assert!(refused.code != 0, "{refused}");
    assert_eq!(host.sampan(&["job", "ls", "-q"]).ok(), "web.move");
    host.sampan(&["job", "rm", "--force", "web.move"]).ok();
    assert_eq!(host.sampan(&["job", "ls", "-q"]).ok(), "");
}
