//! What containers wrote, as `docker logs` shows it.

use std::io::{BufRead, BufReader};

use sampan_tests::Host;

#[test]
fn logs_can_be_cut_by_lines_and_by_time() {
    let host = Host::new();
    let script = "for n in 1 2 3; do echo line $n; done; sleep 1.2; echo late; echo wrong >&2";
    host.docker(&["run", "--name", "talk", "busybox", "sh", "-c", script]).ok();
    assert_eq!(host.docker(&["logs", "talk"]).ok(), "line 1\nline 2\nline 3\nlate");
    assert_eq!(host.docker(&["logs", "talk"]).stderr, "wrong\n");
    assert_eq!(host.docker(&["logs", "--tail", "2", "talk"]).ok(), "late");
    assert_eq!(host.docker(&["logs", "--tail", "0", "talk"]).ok(), "");
    let stamped = host.docker(&["logs", "-t", "talk"]);
    let late = stamped.ok().lines().last().expect("a line").to_owned();
    let (moment, text) = late.split_once(' ').expect("a time and a line");
    assert_eq!(text, "late");
    assert!(moment.ends_with('Z') && moment.len() == "2026-01-02T03:04:05.123456789Z".len(), "{moment}");
    assert_eq!(host.docker(&["logs", "--since", moment, "talk"]).ok(), "late");
    assert_eq!(host.docker(&["logs", "--until", moment, "--tail", "1", "talk"]).stderr, "");
    host.docker(&["logs", "nobody"]).fails(1, "No such container: nobody");
}

#[test]
fn following_shows_what_is_written_until_the_end() {
    let host = Host::new();
    let script = "echo first; while [ ! -e /go ]; do sleep 0.05; done; echo second; exit 0";
    host.docker(&["run", "-d", "--name", "slow", "busybox", "sh", "-c", script]).ok();
    let mut following = host.docker_running(&["logs", "-f", "slow"]);
    let mut lines = BufReader::new(following.child().stdout.take().expect("a pipe")).lines();
    assert_eq!(lines.next().expect("a line").expect("read"), "first");
    host.docker(&["exec", "slow", "touch", "/go"]).ok();
    assert_eq!(lines.next().expect("a line").expect("read"), "second");
    assert!(lines.next().is_none(), "following ends with the container");
    assert_eq!(following.finish().code, 0);
}

#[test]
fn long_lines_and_bytes_without_an_end_come_back_whole() {
    let host = Host::new();
    let script = "head -c 100000 /dev/zero | tr '\\0' x; echo; printf 'no end'";
    let direct = host.docker(&["run", "--name", "long", "busybox", "sh", "-c", script]);
    let logged = host.docker(&["logs", "long"]);
    assert_eq!(direct.ok().len(), 100_007);
    assert!(logged.ok() == direct.ok(), "what was logged is what was written");
}

#[test]
fn log_files_are_rotated_as_asked() {
    let host = Host::new();
    let options = ["--log-opt", "max-size=20k", "--log-opt", "max-file=2"];
    let script = "n=0; while [ $n -lt 3000 ]; do n=$((n+1)); echo line number $n; done";
    host.docker(&[&["run", "--name", "much"], &options[..], &["busybox", "sh", "-c", script]].concat()).ok();
    let logged = host.docker(&["logs", "much"]);
    let lines: Vec<&str> = logged.ok().lines().collect();
    assert_eq!(lines.last(), Some(&"line number 3000"));
    assert!(lines.len() < 2000, "old lines are gone: {} lines are left", lines.len());
    let first: usize = lines[0].rsplit(' ').next().and_then(|word| word.parse().ok()).expect("a number");
    assert_eq!(lines.len(), 3000 - first + 1, "what is left has no gap");
}

#[test]
fn a_container_that_logs_nothing_says_so() {
    let host = Host::new();
    host.docker(&["run", "--log-driver", "none", "--name", "quiet", "busybox", "echo", "x"]).ok();
    host.docker(&["logs", "quiet"]).fails(1, "configured logging driver does not support reading");
}
