//! Networks of one's own: made, shown, used, kept apart, removed, and there again after a restart.

use sampan_tests::{Host, Options, until};

fn address(host: &Host, container: &str, network: &str) -> String {
    let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").IPAddress}}}}");
    host.docker(&["inspect", "-f", &format, container]).ok().to_owned()
}

/// Whether a container gets the page of a server. Not by busybox's wget, which crashes where names are looked up.
fn reaches(host: &Host, container: &str, address: &str) -> bool {
    let ask = format!("printf 'GET /page HTTP/1.0\\r\\n\\r\\n' | nc -w 2 {address} 80 | grep -q '^page'");
    host.docker(&["exec", container, "sh", "-c", &ask]).code == 0
}

fn serve(host: &Host, name: &str, network: &str) -> String {
    let page = "mkdir -p /www; echo page >/www/page; httpd -f -h /www";
    host.docker(&["run", "-d", "--name", name, "--network", network, "busybox", "sh", "-c", page]).ok();
    let found = address(host, name, network);
    until("the server listens", || {
        host.docker(&["exec", name, "wget", "-q", "-O", "-", "http://127.0.0.1/page"]).code == 0
    });
    found
}

#[test]
fn a_network_is_made_used_and_removed() {
    let host = Host::new();
    let words = [
        "network",
        "create",
        "--subnet",
        "10.77.0.0/24",
        "--gateway",
        "10.77.0.254",
        "--ip-range",
        "10.77.0.128/25",
        "--aux-address",
        "router=10.77.0.129",
        "--label",
        "team=blue",
        "-o",
        "com.docker.network.driver.mtu=1300",
        "back",
    ];
    let id = host.docker(&words).ok().to_owned();
    assert_eq!(id.len(), 64, "{id}");
    host.docker(&["network", "create", "back"]).fails(1, "network with name back already exists");
    host.docker(&["network", "create", "--subnet", "10.77.0.0/16", "other"]).fails(1, "overlaps");
    host.docker(&["network", "create", "--driver", "nonsense", "other"]).fails(1, "nonsense");
    host.docker(&["network", "create", "--subnet", "10.78.0.0/24", "--gateway", "10.79.0.1", "other"])
        .fails(1, "no matching subnet for gateway 10.79.0.1");
    let shown = host.docker(&["network", "inspect", "back"]);
    let shown: serde_json::Value = serde_json::from_str(shown.ok()).expect("inspect prints JSON");
    assert_eq!(shown[0]["Labels"]["team"], "blue");
    let range = &shown[0]["IPAM"]["Config"][0];
    assert_eq!((&range["Subnet"], &range["Gateway"]), (&"10.77.0.0/24".into(), &"10.77.0.254".into()));
    let listed =
        host.docker(&["network", "ls", "--filter", "label=team=blue", "--format", "{{.Name}} {{.Driver}}"]);
    assert_eq!(listed.ok(), "back bridge");

    let web = serve(&host, "web", "back");
    assert!(web.starts_with("10.77.0.") && web != "10.77.0.129", "{web}");
    host.docker(&[
        "run",
        "-d",
        "--name",
        "peer",
        "--network",
        "back",
        "--ip",
        "10.77.0.200",
        "busybox",
        "sleep",
        "1000",
    ])
    .ok();
    assert_eq!(address(&host, "peer", "back"), "10.77.0.200");
    let inside = host.docker(&[
        "exec",
        "peer",
        "sh",
        "-c",
        "cat /sys/class/net/eth0/mtu; ip route | head -n 1 | sed 's/ *$//'",
    ]);
    assert_eq!(inside.ok(), "1300\ndefault via 10.77.0.254 dev eth0");
    assert!(reaches(&host, "peer", &web));
    host.docker(&["network", "rm", "back"]).fails(1, "has active endpoints");
    let members = host.docker(&["network", "inspect", "-f", "{{len .Containers}}", "back"]);
    assert_eq!(members.ok(), "2");
    host.docker(&["rm", "-f", "web", "peer"]).ok();
    assert_eq!(host.docker(&["network", "rm", &id[..12]]).ok(), &id[..12]);
    host.docker(&["network", "inspect", "back"]).fails(1, "network back not found");
    host.docker(&["network", "rm", "bridge"]).fails(1, "pre-defined network and cannot be removed");
}

#[test]
fn networks_are_kept_apart() {
    let host = Host::new();
    host.docker(&["network", "create", "one"]).ok();
    host.docker(&["network", "create", "two"]).ok();
    host.docker(&["network", "create", "--internal", "inner"]).ok();
    host.docker(&["network", "create", "-o", "com.docker.network.bridge.enable_icc=false", "silent"]).ok();
    let (one, two) = (serve(&host, "web-one", "one"), serve(&host, "web-two", "two"));
    let inner = serve(&host, "web-inner", "inner");
    let silent = serve(&host, "web-silent", "silent");
    for (name, network) in
        [("in-one", "one"), ("in-inner", "inner"), ("in-silent", "silent"), ("in-bridge", "bridge")]
    {
        host.docker(&["run", "-d", "--name", name, "--network", network, "busybox", "sleep", "1000"]).ok();
    }
    assert!(reaches(&host, "in-one", &one));
    assert!(!reaches(&host, "in-one", &two), "networks reach each other");
    assert!(!reaches(&host, "in-bridge", &one), "the default network reaches others");
    assert!(reaches(&host, "in-inner", &inner));
    assert!(!reaches(&host, "in-inner", &one), "an internal network has a way out");
    assert!(!reaches(&host, "in-one", &inner), "an internal network has a way in");
    assert!(!reaches(&host, "in-silent", &silent), "members of a network without icc reach each other");
    let out = |name: &str| host.docker(&["exec", name, "ping", "-c", "1", "-W", "2", "192.0.2.1"]).code == 0;
    assert!(out("in-one"), "a network has no way out");
    assert!(!out("in-inner"), "an internal network has a way out");
}

#[test]
fn networks_and_their_containers_survive_the_daemon() {
    if sampan_tests::sampan_only() {
        return;
    }
    let mut host = Host::new();
    host.docker(&["network", "create", "--ipv6", "--label", "kept=yes", "back"]).ok();
    let web = serve(&host, "web", "back");
    let before = host.docker(&["network", "inspect", "-f", "{{.Id}} {{.IPAM.Config}} {{.Created}}", "back"]);
    host.kill_daemon();
    host.start_daemon();
    let after = host.docker(&["network", "inspect", "-f", "{{.Id}} {{.IPAM.Config}} {{.Created}}", "back"]);
    assert_eq!(after.ok(), before.ok());
    host.docker(&["run", "-d", "--name", "peer", "--network", "back", "busybox", "sleep", "1000"]).ok();
    assert!(reaches(&host, "peer", &web), "a container of before cannot be reached");
    assert_ne!(address(&host, "peer", "back"), web, "an address was given twice");
    let six = host.docker(&["exec", "peer", "ip", "-6", "addr", "show", "dev", "eth0", "scope", "global"]);
    assert!(six.ok().contains("inet6 fd"), "{six}");
    host.docker(&["rm", "-f", "web", "peer"]).ok();
    let pruned = host.docker(&["network", "prune", "-f", "--filter", "label!=kept"]);
    assert!(!pruned.ok().contains("back"), "{pruned}");
    let pruned = host.docker(&["network", "prune", "-f"]);
    assert!(pruned.ok().contains("Deleted Networks:\nback"), "{pruned}");
    let left = host.docker(&["network", "ls", "--format", "{{.Name}}"]);
    assert_eq!(left.ok().lines().count(), 3, "{left}");
}

#[test]
fn several_networks_at_once() {
    let host = Host::with(Options::default());
    host.import(sampan_tests::BUSYBOX);
    host.docker(&["network", "create", "front"]).ok();
    host.docker(&["network", "create", "back"]).ok();
    let (front, back) = (serve(&host, "web-front", "front"), serve(&host, "web-back", "back"));
    host.docker(&[
        "run",
        "-d",
        "--name",
        "both",
        "--network",
        "front",
        "--network",
        "back",
        "busybox",
        "sleep",
        "1000",
    ])
    .ok();
    assert!(reaches(&host, "both", &front) && reaches(&host, "both", &back));
    host.docker(&["create", "--name", "lost", "--network", "nowhere", "busybox", "true"]);
    host.docker(&["start", "lost"]).fails(1, "network nowhere not found");
}

#[test]
fn containers_come_and_go() {
    let host = Host::new();
    host.docker(&["network", "create", "--subnet", "10.66.0.0/24", "back"]).ok();
    let web = serve(&host, "web", "back");
    host.docker(&["run", "-d", "--name", "app", "busybox", "sleep", "1000"]).ok();
    assert!(!reaches(&host, "app", &web));
    host.docker(&["network", "connect", "--ip", "10.66.0.99", "back", "app"]).ok();
    assert_eq!(address(&host, "app", "back"), "10.66.0.99");
    assert!(reaches(&host, "app", &web), "a connected container reaches nothing");
    let way_out = host.docker(&["exec", "app", "ping", "-c", "1", "-W", "2", "192.0.2.1"]);
    assert_eq!(way_out.code, 0, "the first network is the way out still: {way_out}");
    host.docker(&["network", "connect", "back", "app"]).fails(1, "already exists in network back");
    host.docker(&["restart", "-t", "0", "app"]).ok();
    assert_eq!(address(&host, "app", "back"), "10.66.0.99", "it is connected after a restart");
    host.docker(&["network", "disconnect", "back", "app"]).ok();
    assert!(!reaches(&host, "app", &web), "a disconnected container reaches the network");
    host.docker(&["network", "disconnect", "back", "app"]).fails(1, "is not connected to network back");
    // The address is free again; a stopped container takes it with its start.
    host.docker(&["create", "--name", "later", "busybox", "sleep", "1000"]).ok();
    host.docker(&["network", "connect", "--ip", "10.66.0.99", "back", "later"]).ok();
    host.docker(&["start", "later"]).ok();
    assert!(reaches(&host, "later", &web));
    host.docker(&["run", "-d", "--name", "alone", "--network", "none", "busybox", "sleep", "1000"]).ok();
    host.docker(&["network", "connect", "back", "alone"]).fails(1, "private (none) mode");
    host.docker(&["run", "-d", "--name", "wide", "--network", "host", "busybox", "sleep", "1000"]).ok();
    host.docker(&["network", "connect", "back", "wide"]).fails(1, "cannot be connected to any other network");
    host.docker(&["rm", "-f", "web", "app", "later", "alone", "wide"]).ok();
    host.docker(&["network", "rm", "back"]).ok();
}

fn default_route(host: &Host, container: &str) -> String {
    host.docker(&["exec", container, "ip", "route", "show", "default"]).ok().to_owned()
}

/// The network that leads out gives the default route and the published ports; when it is left, another one does.
#[test]
fn another_network_leads_out_when_the_first_is_left() {
    let host = Host::new();
    host.docker(&["network", "create", "--internal", "a-closed"]).ok();
    host.docker(&["network", "create", "--subnet", "10.81.0.0/24", "b-open"]).ok();
    host.docker(&["network", "create", "--subnet", "10.82.0.0/24", "c-open"]).ok();
    let page = "mkdir -p /www; echo page >/www/page; httpd -f -h /www";
    host.docker(&[
        "create",
        "--name",
        "web",
        "--network",
        "a-closed",
        "-p",
        "8088:80",
        "busybox",
        "sh",
        "-c",
        page,
    ])
    .ok();
    host.docker(&["network", "connect", "c-open", "web"]).ok();
    host.docker(&["start", "web"]).ok();
    assert!(default_route(&host, "web").contains("via 10.82.0.1"), "an internal network does not lead out");
    let published = || host.curl(&["-s", "--max-time", "2", "http://127.0.0.1:8088/page"]).stdout == "page\n";
    until("the port is published", published);

    host.docker(&["network", "connect", "b-open", "web"]).ok();
    assert!(default_route(&host, "web").contains("via 10.81.0.1"), "the first by name leads out");
    until("the port is published at the other network", published);
    host.docker(&["network", "disconnect", "b-open", "web"]).ok();
    assert!(default_route(&host, "web").contains("via 10.82.0.1"), "{}", default_route(&host, "web"));
    until("the port is published at the first network again", published);
    assert_eq!(host.docker(&["port", "web"]).ok().lines().next(), Some("80/tcp -> 0.0.0.0:8088"));
    host.docker(&["network", "disconnect", "c-open", "web"]).ok();
    assert!(!default_route(&host, "web").contains("via"));
    assert!(!published(), "nothing leads out");
    assert_eq!(host.docker(&["port", "web"]).ok(), "");
    host.docker(&["network", "connect", "c-open", "web"]).ok();
    until("the port is published once more", published);
    host.docker(&["restart", "-t", "0", "web"]).ok();
    until("the port is published after a restart", published);
}

/// Members of a network without `icc` reach the world and the host, and not each other.
#[test]
fn members_can_be_kept_from_each_other() {
    let host = Host::new();
    host.docker(&["network", "create", "-o", "com.docker.network.bridge.enable_icc=false", "apart"]).ok();
    let web = serve(&host, "web", "apart");
    host.docker(&["run", "-d", "--name", "other", "--network", "apart", "busybox", "sleep", "1h"]).ok();
    assert!(!reaches(&host, "other", &web));
    assert_eq!(host.curl(&["-s", "--max-time", "2", &format!("http://{web}/page")]).stdout, "page\n");
}
