//! Published ports and the host's firewall: how far they are open, the user's own rules, and what a flush does.

use sampan_tests::{Host, Options, sampan_only, until};

/// Starts a web server that is published, and gives the words that ask for its page.
fn publish(host: &Host) {
    let page = "mkdir -p /www; echo page >/www/page; httpd -f -h /www";
    host.docker(&["run", "-d", "--name", "web", "-p", "8080:80", "busybox", "sh", "-c", page]).ok();
    until("the page is there", || inside(host, "127.0.0.1:8080"));
}

fn inside(host: &Host, address: &str) -> bool {
    host.curl(&["-s", "--max-time", "1", &format!("http://{address}/page")]).stdout == "page\n"
}

fn outside(host: &Host, address: &str) -> bool {
    host.run_outside(&["curl", "-s", "--noproxy", "*", "--max-time", "1", &format!("http://{address}/page")])
        .stdout
        == "page\n"
}

/// A second subnet on the link to the outside world, of private addresses.
fn private_subnet(host: &Host) {
    host.run(&["ip", "address", "add", "10.99.0.10/24", "dev", "uplink0"]).ok();
    host.run(&["ip", "address", "add", "fd99::10/64", "dev", "uplink0", "nodad"]).ok();
    host.run_outside(&["ip", "address", "add", "10.99.0.1/24", "dev", "world0"]).ok();
    host.run_outside(&["ip", "address", "add", "fd99::1/64", "dev", "world0", "nodad"]).ok();
}

fn with_policy(policy: &str) -> Host {
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    host.daemon_arguments(&["--published-ports", policy]);
    host.start_daemon();
    host.import(sampan_tests::BUSYBOX);
    private_subnet(&host);
    publish(&host);
    host
}

#[test]
fn the_policy_says_how_far_ports_are_open() {
    if sampan_only() {
        return;
    }
    let host = with_policy("lan");
    for near in ["10.99.0.10:8080", "[fd99::10]:8080"] {
        assert!(outside(&host, near), "{near}");
    }
    for far in ["192.0.2.10:8080", "[2001:db8::10]:8080"] {
        assert!(!outside(&host, far), "{far}");
        assert!(inside(&host, far), "the host itself reaches {far}");
    }
    assert!(host.sampan(&["ps"]).ok().contains("0.0.0.0:8080->80/tcp (lan)"));
    assert!(!host.docker(&["ps", "--format", "{{.Ports}}"]).ok().contains("lan"));
    // One address that is named is open as far as that address is.
    let page = "mkdir -p /www; echo page >/www/page; httpd -f -h /www";
    host.docker(&["run", "-d", "-p", "192.0.2.10:8081:80", "busybox", "sh", "-c", page]).ok();
    until("the named address is open", || outside(&host, "192.0.2.10:8081"));

    let host = with_policy("loopback");
    for far in ["192.0.2.10:8080", "10.99.0.10:8080", "[2001:db8::10]:8080"] {
        assert!(!outside(&host, far), "{far}");
    }
    assert!(inside(&host, "[::1]:8080"));
    assert!(host.docker(&["port", "web"]).ok().contains("127.0.0.1:8080"));
    let mut host = Host::with(Options { without_daemon: true, ..Options::default() });
    host.daemon_arguments(&["--published-ports", "moon"]);
    host.launch_daemon();
    until("the daemon refuses", || host.log().contains("--published-ports: invalid value \"moon\""));
}

#[test]
fn the_users_own_rules_come_first_and_stay() {
    if sampan_only() {
        return;
    }
    let mut host = Host::new();
    publish(&host);
    assert!(outside(&host, "192.0.2.10:8080"));
    let rule = "iifname uplink0 meta l4proto tcp ct original proto-dst 8080 drop";
    host.run(&["nft", "add", "rule", "inet", "sampan_user", "forward", rule]).ok();
    assert!(!outside(&host, "192.0.2.10:8080"), "the user's rule counts");
    assert!(inside(&host, "192.0.2.10:8080"));
    host.docker(&["network", "create", "another"]).ok();
    host.kill_daemon();
    host.start_daemon();
    assert!(host.run(&["nft", "list", "table", "inet", "sampan_user"]).ok().contains("drop"));
    assert!(!outside(&host, "192.0.2.10:8080"));
}

/// Whatever flushes the host's rules, ours are back at once, and so is the (empty) chain for the user's.
#[test]
fn a_flush_is_noticed_and_repaired() {
    if sampan_only() {
        return;
    }
    let host = Host::new();
    publish(&host);
    let table = || {
        let tables = host.run(&["nft", "list", "tables"]).ok().to_owned();
        tables
            .lines()
            .filter_map(|line| line.strip_prefix("table ip "))
            .find(|it| it.starts_with("sampan_"))
            .map(str::to_owned)
    };
    let ours = table().expect("our table");
    for harm in [
        vec!["nft", "flush", "ruleset"],
        vec!["nft", "delete", "table", "ip", &ours],
        vec!["nft", "flush", "chain", "ip", &ours, "prerouting"],
        vec!["nft", "flush", "map", "ip", &ours, "published"],
        vec!["nft", "delete", "table", "inet", "sampan_user"],
    ] {
        host.run(&harm).ok();
        until(&format!("the rules are back after {harm:?}"), || {
            outside(&host, "192.0.2.10:8080")
                && host.run(&["nft", "list", "table", "inet", "sampan_user"]).code == 0
        });
    }
    assert!(host.log().contains("were removed from outside and laid down again"), "{}", host.log());
    // What iptables flushes is none of ours.
    host.run(&["iptables", "-t", "nat", "-F"]).ok();
    host.run(&["iptables", "-F"]).ok();
    assert!(outside(&host, "192.0.2.10:8080"));
}
