//! Containers find each other by name.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use sampan_tests::names::{Client, Server, network_of};
use sampan_tests::{BUSYBOX, Campaign, DEBIAN, Host, sampan_only, until};

fn address(host: &Host, container: &str, network: &str) -> String {
    let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
    host.docker(&["inspect", "-f", &format, container]).ok().to_owned()
}

fn run(host: &Host, name: &str, words: &[&str]) -> String {
    host.docker(&[&["run", "-d", "--name", name], words, &[BUSYBOX, "sleep", "1h"]].concat()).ok().to_owned()
}

/// Nobody listens there.
const NOBODY: &str = "nameserver 127.0.0.99\n";

/// Puts a file of the test's own in the place of the host's `/etc/resolv.conf`.
fn set_resolver(host: &Host, text: &str) {
    let script = r#"printf '%s' "$1" >"$2/resolv.conf"
        grep -q " /etc/resolv.conf " /proc/self/mounts || mount --bind "$2/resolv.conf" /etc/resolv.conf"#;
    host.shell(script, &[text, &host.folder().display().to_string()]).ok();
}

fn values(found: &[&str]) -> sampan_tests::names::Answer {
    let mut values: Vec<String> = found.iter().map(|value| (*value).to_owned()).collect();
    values.sort();
    Ok(values)
}

#[test]
fn all_names_are_known_on_the_network_that_they_are_of() {
    let host = Host::new();
    set_resolver(&host, NOBODY);
    host.import(DEBIAN);
    host.docker(&["network", "create", "--ipv6", "back"]).ok();
    host.docker(&["network", "create", "front"]).ok();
    let id = run(&host, "web1", &["--network", "back", "--network-alias", "web", "--hostname", "seen"]);
    run(&host, "web2", &["--network", "back", "--network-alias", "web"]);
    run(&host, "other", &["--network", "front"]);
    let client = Client::inside(&host, "web2");
    let (one, two) = (address(&host, "web1", "back"), address(&host, "web2", "back"));
    for name in ["web1.", "WEB1.", "web1.back.", &format!("{}.", &id[..12]), "seen."] {
        assert_eq!(client.ask(name, "A"), values(&[&one]), "{name}");
    }
    assert_eq!(client.ask("web.", "A"), values(&[&one, &two]));
    assert_eq!(client.ask("web.", "AAAA").map(|found| found.len()), Ok(2));
    assert_eq!(client.ask("web.", "MX"), values(&[]));
    let reverse: Vec<&str> = one.split('.').rev().collect();
    assert_eq!(client.ask(&format!("{}.in-addr.arpa.", reverse.join(".")), "PTR"), values(&["web1.back."]));
    // The C library's way to it, with a search list and without a dot.
    let words =
        ["run", "--rm", "--network", "back", "--dns-search", "back", DEBIAN, "getent", "hosts", "web1"];
    host.docker(&words).ok();
    let words = ["run", "--rm", "--network", "back", DEBIAN, "getent", "ahostsv4", "web1"];
    assert!(host.docker(&words).ok().starts_with(&one));
    let file = host.docker(&["exec", "web1", "cat", "/etc/resolv.conf"]);
    assert!(file.ok().contains("nameserver 127.0.0.11\n") && file.ok().contains("ndots:0"), "{file}");

    // Names are of their network, and follow what happens to their container.
    assert_ne!(client.ask("other.", "A"), values(&[&address(&host, "other", "front")]));
    host.docker(&["network", "connect", "--alias", "late", "back", "other"]).ok();
    let third = address(&host, "other", "back");
    assert_eq!(client.ask("late.", "A"), values(&[&third]));
    assert_eq!(Client::inside(&host, "other").ask("web1.", "A"), values(&[&one]));
    host.docker(&["rename", "web1", "first"]).ok();
    assert_eq!(client.ask("first.", "A"), values(&[&one]));
    assert_ne!(client.ask("web1.", "A"), values(&[&one]));
    host.docker(&["rm", "-f", "first"]).ok();
    assert_eq!(client.ask("web.", "A"), values(&[&two]));
    host.docker(&["network", "disconnect", "back", "other"]).ok();
    assert_ne!(client.ask("late.", "A"), values(&[&third]));
}

#[test]
fn a_container_on_the_default_network_gets_a_name_server_with_its_first_own_network() {
    let host = Host::new();
    host.docker(&["network", "create", "own"]).ok();
    run(&host, "there", &["--network", "own"]);
    run(&host, "late", &[]);
    let before = host.docker(&["exec", "late", "cat", "/etc/resolv.conf"]);
    assert!(!before.ok().contains("127.0.0.11"), "{before}");
    host.docker(&["network", "connect", "own", "late"]).ok();
    let found = address(&host, "there", "own");
    assert_eq!(Client::inside(&host, "late").ask("there.", "A"), values(&[&found]));
    let after = host.docker(&["exec", "late", "cat", "/etc/resolv.conf", "/etc/hosts"]);
    assert!(after.ok().contains("nameserver 127.0.0.11"), "{after}");
    assert!(after.ok().contains(&address(&host, "late", "own")), "{after}");
}

#[test]
fn links_are_names_for_one_container_only() {
    let host = Host::new();
    set_resolver(&host, NOBODY);
    host.docker(&["network", "create", "own"]).ok();
    run(&host, "database", &["--network", "own"]);
    run(&host, "app", &["--network", "own", "--link", "database:db"]);
    run(&host, "stranger", &["--network", "own"]);
    let found = address(&host, "database", "own");
    assert_eq!(Client::inside(&host, "app").ask("db.", "A"), values(&[&found]));
    assert_ne!(Client::inside(&host, "stranger").ask("db.", "A"), values(&[&found]));
}

#[test]
fn other_names_go_to_the_hosts_servers_and_their_changes_are_followed() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    let first = Server::start(host.network(), "127.0.0.53:53", [192, 0, 2, 1]);
    let second = Server::start(host.network(), "127.0.0.54:53", [192, 0, 2, 2]);
    set_resolver(&host, "nameserver 127.0.0.53\nsearch lan.example\n");
    host.docker(&["network", "create", "own"]).ok();
    host.docker(&["network", "create", "--internal", "closed"]).ok();
    run(&host, "app", &["--network", "own"]);
    run(&host, "inner", &["--network", "closed"]);
    let client = Client::inside(&host, "app");
    assert_eq!(client.ask("example.org.", "A"), values(&["192.0.2.1"]));
    let file = host.docker(&["exec", "app", "cat", "/etc/resolv.conf"]);
    assert!(file.ok().contains("search lan.example"), "{file}");
    set_resolver(&host, "nameserver 127.0.0.54\n");
    until("the other server is asked", || client.ask("example.org.", "A") == values(&["192.0.2.2"]));
    // A server that is not there is passed over.
    set_resolver(&host, "nameserver 127.0.0.99\nnameserver 127.0.0.53\n");
    until("the first server is asked", || client.ask("example.org.", "A") == values(&["192.0.2.1"]));

    // An internal network tells nobody anything.
    let (one, two) = (first.asked().len(), second.asked().len());
    let inner = Client::inside(&host, "inner");
    assert!(inner.ask("secret.example.org.", "A").is_err());
    assert_eq!((first.asked().len(), second.asked().len()), (one, two));

    // Servers of the container's own are asked from where it is: here from inside.
    run(&host, "picky", &["--network", "own", "--dns", "127.0.0.1"]);
    let own = Server::start(network_of(&host, "picky"), "127.0.0.1:53", [192, 0, 2, 3]);
    assert_eq!(Client::inside(&host, "picky").ask("example.org.", "A"), values(&["192.0.2.3"]));
    assert_eq!(own.asked(), ["example.org."]);
}

/// A server of the container's own has port 53 of every other address; the kernel brings 127.0.0.11 to us.
#[test]
fn dnsmasq_has_port_53_of_a_container() {
    if sampan_tests::sampan_only() {
        return;
    }
    let host = Host::new();
    host.import(DEBIAN);
    host.docker(&["network", "create", "own"]).ok();
    run(&host, "there", &["--network", "own"]);
    let script = "exec chroot /host dnsmasq -k -R -h --pid-file= --user=root --port 53 --address=/own.example/192.0.2.9";
    let words =
        ["run", "-d", "--name", "mask", "--network", "own", "-v", "/:/host:ro", DEBIAN, "sh", "-c", script];
    host.docker(&words).ok();
    let outside = address(&host, "mask", "own");
    let client = Client::inside(&host, "mask");
    assert_eq!(client.ask("there.", "A"), values(&[&address(&host, "there", "own")]));
    until("dnsmasq answers the others", || {
        let neighbour = Client::inside_towards(&host, "there", &format!("{outside}:53"));
        neighbour.try_ask("own.example.", "A").is_ok_and(|answer| answer == values(&["192.0.2.9"]))
    });
    assert_eq!(host.docker(&["inspect", "-f", "{{.State.Running}}", "mask"]).ok(), "true");
    assert_eq!(client.ask("there.", "A"), values(&[&address(&host, "there", "own")]));
}

#[test]
fn questions_wait_while_there_is_no_daemon() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    host.docker(&["network", "create", "own"]).ok();
    run(&host, "there", &["--network", "own"]);
    run(&host, "app", &["--network", "own"]);
    let found = address(&host, "there", "own");
    let client = Client::inside(&host, "app");
    host.kill_daemon();
    let asking = std::thread::spawn(move || {
        let first = client.ask("there.", "A");
        (first, client)
    });
    std::thread::sleep(Duration::from_secs(2));
    assert!(!asking.is_finished(), "there is nobody who could answer");
    host.start_daemon();
    let (first, client) = asking.join().expect("the answer comes");
    assert_eq!(first, values(&[&found]));
    assert_eq!(client.ask("app.", "A"), values(&[&address(&host, "app", "own")]));
    // What comes later is known to the new daemon, too.
    run(&host, "later", &["--network", "own"]);
    assert_eq!(client.ask("later.", "A"), values(&[&address(&host, "later", "own")]));
}

/// Answers that are too long for a datagram come by a stream, and so does whoever asks that way.
#[test]
fn a_stream_brings_what_is_too_long_for_a_datagram() {
    let host = Host::new();
    host.import(DEBIAN);
    host.docker(&["network", "create", "own"]).ok();
    for number in 0..40 {
        run(&host, &format!("many{number}"), &["--network", "own", "--network-alias", "many"]);
    }
    // The C library asks again by a stream when a datagram says that it was cut off.
    let words =
        ["run", "--rm", "--network", "own", DEBIAN, "sh", "-c", "getent ahostsv4 many | grep -c STREAM"];
    assert_eq!(host.docker(&words).ok(), "40");
}

/// Many questions while containers come and go: none is lost, and none is answered wrongly.
#[test]
fn campaign_questions_while_containers_come_and_go() {
    let campaign = Campaign::new("questions while containers come and go", 20_000, 200_000);
    let host = Host::new();
    host.docker(&["network", "create", "own"]).ok();
    run(&host, "there", &["--network", "own"]);
    run(&host, "app", &["--network", "own"]);
    let found = address(&host, "there", "own");
    let (asked, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let clients: Vec<Client> = (0..4).map(|_| Client::inside(&host, "app")).collect();
    let begun = Instant::now();
    let mut taken = Duration::ZERO;
    let mut containers = 0;
    std::thread::scope(|scope| {
        let (asked, over, found) = (&asked, &over, &found);
        for client in &clients {
            scope.spawn(move || {
                while asked.fetch_add(1, Ordering::Relaxed) < campaign.rounds {
                    assert_eq!(client.ask("there.", "A"), values(&[found]));
                }
                over.store(true, Ordering::Relaxed);
            });
        }
        while !over.load(Ordering::Relaxed) {
            host.docker(&["run", "--rm", "--network", "own", BUSYBOX, "true"]).ok();
            containers += 1;
        }
        taken = begun.elapsed();
    });
    let rate = campaign.rounds as f64 / taken.as_secs_f64();
    campaign.done(&format!(
        "all answered, {rate:.0} a second from one container, while {containers} others came and went"
    ));
}
