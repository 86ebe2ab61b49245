//! A container's life: stop, kill, restart, pause, rename, wait, remove, and what is told about it.

use sampan_tests::{Host, until};

fn state(host: &Host, container: &str) -> String {
    host.docker(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", container]).ok().into()
}

#[test]
fn stop_honours_signal_and_timeout() {
    let host = Host::new();
    let polite = "trap 'exit 11' TERM; trap 'exit 12' INT; echo ready; while :; do sleep 0.05; done";
    let stubborn = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
    host.docker(&["run", "-d", "--name", "polite", "busybox", "sh", "-c", polite]).ok();
    host.docker(&["run", "-d", "--name", "other", "--stop-signal", "INT", "busybox", "sh", "-c", polite])
        .ok();
    host.docker(&["run", "-d", "--name", "stubborn", "busybox", "sh", "-c", stubborn]).ok();
    for name in ["polite", "other", "stubborn"] {
        until("a container's first line", || host.docker(&["logs", name]).stdout.contains("ready"));
    }
    host.docker(&["stop", "polite", "other"]).ok();
    host.docker(&["stop", "-t", "1", "stubborn"]).ok();
    assert_eq!(state(&host, "polite"), "exited 11");
    assert_eq!(state(&host, "other"), "exited 12");
    assert_eq!(state(&host, "stubborn"), "exited 137");
    assert_eq!(host.docker(&["stop", "polite"]).code, 0, "stopping a stopped container is fine");
    host.docker(&["kill", "polite"]).fails(1, "is not running");
    host.docker(&["start", "polite"]).ok();
    until("the first line again", || {
        host.docker(&["logs", "--tail", "1", "polite"]).stdout.contains("ready")
    });
    host.docker(&["kill", "-s", "INT", "polite"]).ok();
    assert_eq!(host.docker(&["wait", "polite"]).ok(), "12");
}

#[test]
fn containers_are_listed_filtered_and_formatted() {
    let host = Host::new();
    host.docker(&["run", "-d", "--name", "up", "--label", "team=a", "busybox", "sleep", "1000"]).ok();
    host.docker(&["run", "--name", "down", "--label", "team=b", "busybox", "sh", "-c", "exit 3"]);
    host.docker(&["create", "--name", "new", "busybox", "true"]).ok();
    let names = |words: &[&str]| {
        let outcome = host.docker(&[&["ps", "--format", "{{.Names}}"], words].concat());
        let mut names: Vec<String> = outcome.ok().lines().map(String::from).collect();
        names.sort();
        names.join(" ")
    };
    assert_eq!(names(&[]), "up");
    assert_eq!(names(&["-a"]), "down new up");
    assert_eq!(names(&["-a", "--filter", "status=exited"]), "down");
    assert_eq!(names(&["-a", "--filter", "status=created"]), "new");
    assert_eq!(names(&["-a", "--filter", "exited=3"]), "down");
    assert_eq!(names(&["-a", "--filter", "label=team"]), "down up");
    assert_eq!(names(&["-a", "--filter", "label=team=a"]), "up");
    assert_eq!(names(&["-a", "--filter", "name=^ne"]), "new");
    assert_eq!(names(&["-a", "--filter", "ancestor=busybox"]), "down new up");
    assert_eq!(names(&["-n", "1"]), "new");
    let status = host.docker(&["ps", "-a", "--filter", "name=down", "--format", "{{.Status}}"]);
    assert!(status.ok().starts_with("Exited (3) "), "{status}");
    let line = host.docker(&["ps", "--no-trunc", "--format", "{{json .}}"]);
    assert!(line.ok().contains(r#""Image":"busybox""#) && line.ok().contains("team=a"), "{line}");
    host.docker(&["ps", "--filter", "nonsense=1"]).fails(1, "invalid filter");
}

#[test]
fn pause_restart_rename_and_update_change_what_they_say() {
    let host = Host::new();
    host.docker(&["run", "-d", "--name", "one", "busybox", "sleep", "1000"]).ok();
    host.docker(&["pause", "one"]).ok();
    assert_eq!(state(&host, "one"), "paused 0");
    host.docker(&["pause", "one"]).fails(1, "already paused");
    host.docker(&["exec", "one", "true"]).fails(1, "paused");
    host.docker(&["unpause", "one"]).ok();
    assert_eq!(state(&host, "one"), "running 0");
    let pid = host.docker(&["inspect", "-f", "{{.State.Pid}}", "one"]).ok().to_owned();
    host.docker(&["restart", "-t", "0", "one"]).ok();
    assert_ne!(host.docker(&["inspect", "-f", "{{.State.Pid}}", "one"]).ok(), pid);
    host.docker(&["rename", "one", "two"]).ok();
    assert_eq!(host.docker(&["inspect", "-f", "{{.Name}}", "two"]).ok(), "/two");
    host.docker(&["inspect", "one"]).fails(1, "No such");
    host.docker(&["update", "--memory", "64m", "--memory-swap", "64m", "two"]).ok();
    assert_eq!(host.docker(&["inspect", "-f", "{{.HostConfig.Memory}}", "two"]).ok(), "67108864");
    host.docker(&["create", "--name", "three", "busybox"]).ok();
    host.docker(&["rename", "three", "two"]).fails(1, "already in use");
    host.docker(&["rm", "two"]).fails(1, "running");
    host.docker(&["rm", "-f", "two", "three"]).ok();
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
}

#[test]
fn wait_returns_the_exit_code_also_of_what_is_removed() {
    let host = Host::new();
    host.docker(&[
        "run",
        "-d",
        "--rm",
        "--name",
        "short",
        "busybox",
        "sh",
        "-c",
        "while [ ! -e /go ]; do sleep 0.05; done; exit 6",
    ])
    .ok();
    let waiting = host.docker_running(&["wait", "short"]);
    host.docker(&["exec", "short", "touch", "/go"]).ok();
    assert_eq!(waiting.finish().ok(), "6");
    until("the removal", || host.docker(&["ps", "-aq"]).ok().is_empty());
}

#[test]
fn restart_policies_are_kept() {
    let host = Host::new();
    host.docker(&[
        "run",
        "-d",
        "--restart",
        "on-failure:2",
        "--name",
        "failing",
        "busybox",
        "sh",
        "-c",
        "exit 1",
    ])
    .ok();
    until("two more attempts", || {
        host.docker(&["inspect", "-f", "{{.RestartCount}} {{.State.Status}}", "failing"]).ok() == "2 exited"
    });
    host.docker(&[
        "run",
        "-d",
        "--restart",
        "always",
        "--name",
        "always",
        "busybox",
        "sh",
        "-c",
        "sleep 0.2",
    ])
    .ok();
    until("a restart", || {
        host.docker(&["inspect", "-f", "{{.RestartCount}}", "always"])
            .ok()
            .parse::<u32>()
            .is_ok_and(|count| count > 0)
    });
    host.docker(&["stop", "-t", "0", "always"]).ok();
    assert!(state(&host, "always").starts_with("exited"), "a person's stop is not undone");
    host.docker(&["run", "--rm", "--restart", "always", "busybox", "true"]).fails(125, "--rm");
}

#[test]
fn top_stats_and_events_tell_what_happens() {
    let host = Host::new();
    host.docker(&["run", "-d", "--name", "busy", "-m", "100m", "busybox", "sleep", "1000"]).ok();
    let top = host.docker(&["top", "busy"]);
    let lines: Vec<&str> = top.ok().lines().collect();
    assert!(
        lines[0].starts_with("UID") && lines[0].contains("CMD") && lines[1].contains("sleep 1000"),
        "{top}"
    );
    let custom = host.docker(&["top", "busy", "-o", "pid,comm"]);
    assert!(custom.ok().contains("sleep"), "{custom}");
    let stats =
        host.docker(&["stats", "--no-stream", "--format", "{{.Name}} {{.MemUsage}} {{.PIDs}}", "busy"]);
    assert!(stats.ok().starts_with("busy ") && stats.ok().ends_with("/ 100MiB 1"), "{stats}");
    host.docker(&["rm", "-f", "busy"]).ok();
    let words =
        ["events", "--since", "1h", "--until", "0s", "--filter", "container=busy", "--format", "{{.Action}}"];
    until("all events", || {
        let events = host.docker(&words);
        let actions: Vec<&str> = events.ok().lines().collect();
        ["create", "start", "top", "kill", "die", "destroy"].iter().all(|action| actions.contains(action))
    });
}

#[test]
fn info_version_and_disk_usage_answer() {
    let host = Host::new();
    // The built-in image, where there is one, is of no concern here.
    host.docker(&["rmi", "hello"]);
    assert_eq!(host.docker(&["version", "--format", "{{.Server.Os}}"]).ok(), "linux");
    host.docker(&["run", "--name", "gone", "busybox", "true"]).ok();
    let info =
        host.docker(&["info", "--format", "{{.Containers}} {{.ContainersStopped}} {{.Images}} {{.NCPU}}"]);
    let words: Vec<&str> = info.ok().split(' ').collect();
    assert_eq!(words[..3], ["1", "1", "1"], "{info}");
    let usage = host.docker(&["system", "df", "--format", "{{.Type}} {{.TotalCount}}"]);
    assert!(usage.ok().contains("Images 1") && usage.ok().contains("Containers 1"), "{usage}");
    host.docker(&["container", "prune", "-f"]).ok();
    assert_eq!(host.docker(&["ps", "-aq"]).ok(), "");
}
