//! After much running and removing, some of it killed half way, nothing is left over.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sampan_tests::{Campaign, Host, sampan_only};

/// One cycle of a container's life; which one depends on its number.
fn cycle(host: &Host, number: usize) {
    let name = format!("cycle-{number}");
    let port = format!("{}:80", 20_000 + number);
    match number % 6 {
        0 => drop(host.docker(&["run", "--rm", "busybox", "true"])),
        1 => {
            host.docker(&["run", "-d", "--name", &name, "-p", &port, "busybox", "sleep", "1000"]);
            host.docker(&["exec", &name, "true"]);
            host.docker(&["rm", "-f", &name]);
        }
        2 => drop(host.docker(&["run", "--rm", "--network", "none", "-v", "/anonymous", "busybox", "false"])),
        3 => drop(host.docker(&["run", "--rm", "busybox", "no-such-program"])),
        4 => {
            // The client is killed at some moment of its work.
            let client = host.docker_running(&["run", "--rm", "--name", &name, "busybox", "sleep", "0.3"]);
            std::thread::sleep(Duration::from_millis(3 * number as u64 % 120));
            drop(client);
        }
        _ => {
            host.docker(&["create", "--name", &name, "--tmpfs", "/t", "busybox", "sh", "-c", "exit 3"]);
            host.docker(&["start", "-a", &name]);
            host.docker(&["rm", "-v", &name]);
        }
    }
}

#[track_caller]
fn settles(host: &Host, before: &sampan_tests::Objects) {
    let start = Instant::now();
    loop {
        let left = host.objects().since(before);
        if left.is_empty() {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "left over:\n{}", left.join("\n"));
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn remove_all(host: &Host) {
    let ids = host.docker(&["ps", "-aq"]).ok().to_owned();
    if !ids.is_empty() {
        let ids: Vec<&str> = ids.lines().collect();
        host.docker(&[&["rm", "-f", "-v"], &ids[..]].concat());
    }
}

/// Several clients at once, until each number has had its cycle.
fn crowd(host: &Host, clients: usize, numbers: std::ops::Range<usize>) {
    let next = AtomicUsize::new(numbers.start);
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end {
                        break;
                    }
                    cycle(host, number);
                }
            });
        }
    });
}

/// One life of each kind, several at once: a daemon keeps things ready, and sockets to the kernel open once it
/// needed them. What is there afterwards is there for good.
fn warm_up(host: &Host) {
    crowd(host, 8, 0..12);
    remove_all(host);
    std::thread::sleep(Duration::from_secs(2));
}

#[test]
fn campaign_run_and_remove() {
    if sampan_only() {
        return;
    }
    let campaign = Campaign::new("run and remove, 8 at a time, clients killed half way", 48, 300);
    let host = Host::new();
    warm_up(&host);
    let before = host.objects();
    crowd(&host, 8, 6..6 + campaign.rounds);
    remove_all(&host);
    settles(&host, &before);
    campaign.done("no mount, namespace, veth, cgroup, nft element, process, descriptor or folder is left");
}

#[test]
fn campaign_the_daemon_is_killed_at_any_moment() {
    if sampan_only() {
        return;
    }
    let campaign = Campaign::new("kill -9 of the daemon while containers come and go", 4, 50);
    let mut host = Host::new();
    warm_up(&host);
    let before = host.objects();
    let next = AtomicUsize::new(0);
    for round in 0..campaign.rounds {
        std::thread::scope(|scope| {
            let borrowed = &host;
            for _ in 0..4 {
                scope.spawn(|| (0..3).for_each(|_| cycle(borrowed, next.fetch_add(1, Ordering::Relaxed))));
            }
            std::thread::sleep(Duration::from_millis(37 * (round as u64 + 3) % 700));
            borrowed.kill_daemon_process();
        });
        host.reap_daemon();
        host.start_daemon();
    }
    remove_all(&host);
    let volumes = host.docker(&["volume", "prune", "-f"]);
    volumes.ok();
    settles(&host, &before);
    assert_eq!(host.docker(&["run", "--rm", "busybox", "echo", "fine"]).ok(), "fine");
    campaign.done("the daemon came back each time and nothing is left");
}
