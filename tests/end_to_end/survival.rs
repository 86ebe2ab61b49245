//! The daemon dies; containers, their streams, ports and data do not.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use sampan_tests::{Host, Running, get, sampan_only, until};

/// Writes a numbered line every ten milliseconds until it is told to end by a file.
const COUNTING: &str =
    "n=0; while [ ! -e /flags/$1 ]; do n=$((n+1)); echo line $n; usleep 10000; done; exit $2";

/// Collects the numbers of the lines that a client prints.
fn numbers(client: &mut Running) -> Receiver<usize> {
    let (sender, receiver) = channel();
    let output = BufReader::new(client.child().stdout.take().expect("a pipe"));
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            let number = line.trim().strip_prefix("line ").and_then(|word| word.parse().ok());
            if number.is_some_and(|number| sender.send(number).is_err()) {
                break;
            }
        }
    });
    receiver
}

/// Checks that the numbers so far have no gap and no repetition, and returns the last one.
#[track_caller]
fn unbroken(what: &str, seen: &mut Vec<usize>, lines: &Receiver<usize>) -> usize {
    seen.extend(lines.try_iter());
    let broken = seen.windows(2).find(|pair| pair[1] != pair[0] + 1);
    assert!(broken.is_none(), "{what}: a line was lost or doubled at {broken:?}");
    seen.last().copied().unwrap_or(0)
}

#[track_caller]
fn flows(what: &str, seen: &mut Vec<usize>, lines: &Receiver<usize>) {
    let before = unbroken(what, seen, lines);
    until(&format!("more lines of {what}"), || unbroken(what, seen, lines) > before + 5);
}

/// Asks a web server without a pause until told to stop; counts answers and failures.
struct Visitor {
    stop: AtomicBool,
    answers: AtomicUsize,
    failures: AtomicUsize,
}

impl Visitor {
    fn visit(&self, address: SocketAddr) {
        while !self.stop.load(Ordering::Relaxed) {
            match get(address) {
                Ok(answer) if answer.status == 200 => &self.answers,
                _ => &self.failures,
            }
            .fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Stops the visitor also when the test fails: otherwise its thread would be waited for without an end.
struct StopAtEnd<'a>(&'a Visitor);

impl Drop for StopAtEnd<'_> {
    fn drop(&mut self) {
        self.0.stop.store(true, Ordering::Relaxed);
    }
}

#[test]
fn twenty_containers_live_through_the_death_of_the_daemon() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    let flags = host.folder().join("flags");
    std::fs::create_dir(&flags).expect("made");
    let bind = format!("{}:/flags", flags.display());
    let raise = |name: &str| std::fs::write(flags.join(name), "").expect("written");
    let counting = |name: &str, code: &str| -> Vec<String> {
        ["-v", &bind, "busybox", "sh", "-c", COUNTING, "sh", name, code].map(String::from).into()
    };
    let detached = |name: &str, rest: &[String]| {
        let rest: Vec<&str> = rest.iter().map(String::as_str).collect();
        host.docker(&[&["run", "-d", "--name", name], &rest[..]].concat()).ok();
    };

    detached("lines", &counting("lines", "0"));
    detached("watched", &counting("watched", "0"));
    detached("ender", &counting("ender", "7"));
    let mortal = "while [ ! -e /flags/mortal ]; do usleep 10000; done; rm /flags/mortal; exit 1";
    let words = ["-v", &bind, "--restart", "always", "busybox", "sh", "-c", mortal].map(String::from);
    detached("mortal", &words);
    host.docker(&["run", "-d", "-p", "8080:80", "--name", "web", "busybox", "httpd", "-f", "-h", "/www"])
        .ok();
    for number in 0..14 {
        host.docker(&["run", "-d", "--name", &format!("rest{number}"), "busybox", "sleep", "1000"]).ok();
    }
    let foreground = counting("front", "5");
    let foreground: Vec<&str> = foreground.iter().map(String::as_str).collect();
    let mut front = host.sampan_running(&[&["run", "--name", "front"], &foreground[..]].concat());
    let mut attached = host.docker_running(&["attach", "watched"]);
    let mut following = host.docker_running(&["logs", "-f", "lines"]);
    let streams = [numbers(&mut front), numbers(&mut attached), numbers(&mut following)];
    let names = ["the foreground run", "the attached client", "logs -f"];
    let mut seen = [Vec::new(), Vec::new(), Vec::new()];
    let flow = |seen: &mut [Vec<usize>; 3]| {
        for ((name, seen), stream) in names.iter().zip(seen).zip(&streams) {
            flows(name, seen, stream);
        }
    };
    flow(&mut seen);
    assert_eq!(host.docker(&["ps", "-q"]).ok().lines().count(), 20);

    let visitor =
        Visitor { stop: AtomicBool::new(false), answers: AtomicUsize::new(0), failures: AtomicUsize::new(0) };
    let network = host.network();
    // `run -d` is back before the server listens.
    until("the web server", || {
        host.in_network(|| get("127.0.0.1:8080".parse().expect("an address"))).is_ok()
    });
    std::thread::scope(|scope| {
        scope.spawn(|| {
            sampan_tests::enter(&network);
            visitor.visit("127.0.0.1:8080".parse().expect("an address"));
        });
        let _stop = StopAtEnd(&visitor);
        let restarts_before = host.docker(&["inspect", "-f", "{{.RestartCount}}", "mortal"]).ok().to_owned();
        assert_eq!(restarts_before, "0");
        host.kill_daemon();
        raise("ender");
        raise("mortal");
        flow(&mut seen);
        until("the end of a container without a daemon", || !flags.join("mortal").exists());
        std::thread::sleep(Duration::from_millis(500));
        host.start_daemon();
        flow(&mut seen);
        let before = visitor.answers.load(Ordering::Relaxed);
        until("answers after the restart", || visitor.answers.load(Ordering::Relaxed) > before + 10);
    });
    assert_eq!(visitor.failures.load(Ordering::Relaxed), 0, "no request may fail");

    let state = |name: &str| {
        host.docker(&["inspect", "-f", "{{.State.Status}} {{.State.ExitCode}}", name]).ok().to_owned()
    };
    assert_eq!(state("ender"), "exited 7");
    until("the restart of what died meanwhile", || state("mortal") == "running 0");
    assert_eq!(host.docker(&["ps", "-q"]).ok().lines().count(), 19);
    raise("front");
    assert_eq!(front.finish().code, 5);
    raise("lines");
    raise("watched");
    assert_eq!(host.docker(&["wait", "lines", "watched"]).ok(), "0\n0");
    for name in ["lines", "ender", "watched"] {
        let logged = host.docker(&["logs", name]);
        let written: Vec<usize> =
            logged.ok().lines().filter_map(|line| line.rsplit(' ').next()?.parse().ok()).collect();
        assert!(
            written.iter().copied().eq(1..=written.len()),
            "{name}: a line was lost or doubled in the log"
        );
    }
    let last = |receiver: &Receiver<usize>, seen: &mut Vec<usize>| unbroken("at the end", seen, receiver);
    let logged = host.docker(&["logs", "--tail", "1", "lines"]).ok().to_owned();
    until("the last line of logs -f", || format!("line {}", last(&streams[2], &mut seen[2])) == logged);
    host.docker(&["exec", "rest3", "true"]).ok();
    host.docker(&["stop", "-t", "0", "web"]).ok();
    let gone = host.in_network(|| get("127.0.0.1:8080".parse().expect("an address")));
    assert!(gone.is_err(), "a stopped container's port is free again");
}

#[test]
fn a_lost_or_old_database_loses_no_data() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    let create = |host: &Host, name: &str| {
        let volume = format!("{name}-data:/data");
        let script = format!("echo {name} >/data/file; echo {name} >/layer");
        host.docker(&["run", "--name", name, "-v", &volume, "busybox", "sh", "-c", &script]).ok();
        host.docker(&["commit", name, &format!("image-{name}")]).ok();
    };
    let check = |host: &Host, name: &str| {
        let volume = format!("{name}-data:/data");
        let read = host.docker(&["run", "--rm", "-v", &volume, "busybox", "cat", "/data/file"]);
        assert_eq!(read.ok(), name, "the volume of {name}");
        let layer = host.docker(&["cp", &format!("{name}:/layer"), "-"]);
        assert!(layer.ok().contains(name), "the writable layer of {name}: {layer}");
        let image = host.docker(&["run", "--rm", &format!("image-{name}"), "cat", "/layer"]);
        assert_eq!(image.ok(), name, "the image of {name}");
    };
    create(&host, "early");
    host.stop_daemon();
    let old = host.folder().join("old");
    std::fs::create_dir(&old).expect("made");
    let copy = "cp -a \"$1\"/state.db* \"$2\"";
    let (data, old_path) = (host.data_root().display().to_string(), old.display().to_string());
    host.shell(copy, &[&data, &old_path]).ok();
    host.start_daemon();
    create(&host, "late");

    host.stop_daemon();
    host.shell("rm -f \"$1\"/state.db*; cp -a \"$2\"/state.db* \"$1\"", &[&data, &old_path]).ok();
    host.start_daemon();
    check(&host, "early");
    check(&host, "late");

    host.kill_daemon();
    host.shell("rm -f \"$1\"/state.db*", &[&data]).ok();
    host.start_daemon();
    check(&host, "early");
    check(&host, "late");

    host.kill_daemon();
    host.shell(
        "for file in \"$1\"/state.db; do head -c 3000 /dev/urandom >\"$file\"; done; rm -f \"$1\"/state.db-*",
        &[&data],
    )
    .ok();
    host.start_daemon();
    check(&host, "early");
    check(&host, "late");
}

#[test]
fn the_daemon_starts_again_and_again() {
    let mut host = Host::new();
    host.docker(&["run", "-d", "--restart", "always", "--name", "always", "busybox", "sleep", "1000"]).ok();
    host.docker(&["create", "--name", "never", "busybox", "true"]).ok();
    for _ in 0..3 {
        host.stop_daemon();
        host.start_daemon();
        until("the container that always runs", || {
            host.docker(&["ps", "--format", "{{.Names}}"]).ok() == "always"
        });
        assert_eq!(host.docker(&["ps", "-aq"]).ok().lines().count(), 2);
    }
}
