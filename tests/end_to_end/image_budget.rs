//! Images under a disk budget.

use sampan_tests::{BUSYBOX, Host, Options, eventually, sampan_only};

fn names(host: &Host) -> Vec<String> {
    let listed = host.docker(&["images", "--format", "{{.Repository}}"]);
    let mut names: Vec<String> = listed.ok().lines().map(str::to_owned).collect();
    names.sort();
    names
}

/// An image with a layer of 3 MB of its own.
fn make(host: &Host, name: &str) {
    let script = "dd if=/dev/urandom of=/own bs=1M count=3 2>/dev/null";
    host.docker(&["run", "--name", "step", BUSYBOX, "sh", "-c", script]).ok();
    host.docker(&["commit", "step", name]).ok();
    host.docker(&["rm", "step"]).ok();
}

#[test]
fn the_least_recently_used_go_first() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    for name in ["first", "second", "third", "fourth"] {
        make(&host, name);
    }
    // Used later than it was made; held by a container; pinned.
    host.docker(&["run", "--rm", "first", "true"]).ok();
    host.docker(&["create", "--name", "holds", "second"]).ok();
    host.sampan(&["image", "pin", "third"]).ok();
    assert_eq!(host.sampan(&["image", "inspect", "-f", "{{.Pinned}}", "third"]).ok(), "true");
    host.sampan(&["image", "gc", "--budget", "1k"]).ok();
    assert_eq!(names(&host).len(), 5, "all are too young to go");
    let trial = host.sampan(&["image", "gc", "--budget", "13m", "--unused", "0s", "--dry-run"]);
    assert!(trial.ok().contains("would remove fourth:latest"), "{trial}");
    assert_eq!(names(&host).len(), 5, "a trial removes nothing");
    let removed = host.sampan(&["image", "gc", "--budget", "13m", "--unused", "0s"]);
    assert!(removed.ok().contains("removed fourth:latest"), "{removed}");
    assert_eq!(names(&host), [BUSYBOX, "first", "second", "third"]);
    host.sampan(&["image", "gc", "--budget", "1k", "--unused", "0s"]).ok();
    assert_eq!(names(&host), [BUSYBOX, "second", "third"], "busybox carries the others");
    host.sampan(&["image", "unpin", "third"]).ok();
    host.docker(&["rm", "holds"]).ok();
    host.sampan(&["image", "gc", "--budget", "1k", "--unused", "0s"]).ok();
    assert!(names(&host).is_empty(), "{:?}", names(&host));
    host.sampan(&["image", "gc"]).fails(1, "there is no budget for images");
}

#[test]
fn the_configured_budget_is_kept_by_itself() {
    if sampan_only() {
        return;
    }
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    host.daemon_arguments(&["--image-disk-budget", "1k"]);
    host.start_daemon();
    host.import(BUSYBOX);
    let events = host.docker_running(&["events", "--filter", "type=image", "--since", "1h"]);
    drop(events);
    // It is young: somebody is about to use it.
    assert_eq!(names(&host), [BUSYBOX]);
    let old = host.data_root().join("image/records");
    host.stop_daemon();
    let file =
        eventually("a record", || std::fs::read_dir(&old).ok()?.flatten().next().map(|entry| entry.path()));
    let text = std::fs::read_to_string(&file).expect("a record");
    let mut record: serde_json::Value = serde_json::from_str(&text).expect("records are JSON");
    for field in ["last_tagged_at", "entered_at"] {
        record[field] = 1.into();
    }
    std::fs::write(&file, record.to_string()).expect("an older record");
    host.start_daemon();
    let empty = host.folder().join("empty.tar").display().to_string();
    host.shell("tar -c -f \"$1\" -T /dev/null", &[&empty]).ok();
    host.docker(&["import", &empty, "young"]).ok();
    eventually("the old image goes", || (names(&host) == ["young"]).then_some(()));
}
