//! Who reaches whom: containers, their host, another host, and one that means harm.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use sampan_tests::names::network_of;
use sampan_tests::reach::{Line, Protocol, ask, serve, wrong};
use sampan_tests::{BUSYBOX, Host, until};

const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];
/// The host's addresses, as the outside world knows them.
const HOST: [&str; 2] = ["192.0.2.10", "2001:db8::10"];

/// Containers of every kind, each with a server on port 80.
struct Lab {
    host: Host,
    lines: Vec<Line>,
}

fn address(host: &Host, container: &str, network: &str, field: &str) -> String {
    let format = format!("{{{{(index .NetworkSettings.Networks \"{network}\").{field}}}}}");
    host.docker(&["inspect", "-f", &format, container]).ok().to_owned()
}

fn at(address: &str, port: u16) -> SocketAddr {
    SocketAddr::new(address.parse().expect("an address"), port)
}

impl Lab {
    fn new(bridge_filter: &str) -> Lab {
        let host = Host::new();
        for family in ["iptables", "ip6tables"] {
            let file = format!("/proc/sys/net/bridge/bridge-nf-call-{family}");
            host.shell("echo \"$1\" >\"$2\"", &[bridge_filter, &file]).ok();
        }
        host.docker(&["network", "create", "--ipv6", "open"]).ok();
        host.docker(&["network", "create", "--ipv6", "other"]).ok();
        host.docker(&["network", "create", "--ipv6", "--internal", "closed"]).ok();
        let published = [
            "-p",
            "8080:80",
            "-p",
            "8080:80/udp",
            "-p",
            "127.0.0.1:8081:80",
            "-p",
            "127.0.0.1:8081:80/udp",
            "-p",
            "[::1]:8082:80",
            "-p",
            "9000-9049:9000-9049",
        ];
        run(&host, "web", &[&["--network", "open"], &published[..]].concat());
        run(&host, "hidden", &["--network", "open"]);
        run(&host, "stranger", &["--network", "other"]);
        run(&host, "plain", &[]);
        run(&host, "inner", &["--network", "closed", "-p", "8090:80"]);
        run(&host, "neighbour", &["--network", "closed"]);
        for container in ["web", "hidden", "stranger", "plain", "inner", "neighbour"] {
            serve(network_of(&host, container), 80);
        }
        serve(network_of(&host, "web"), 9049);
        let mut lab = Lab { host, lines: Vec::new() };
        lab.attacker();
        lab.table();
        lab
    }

    /// The outside world knows the way to all containers, and sends loopback addresses to the host.
    fn attacker(&self) {
        for (container, network) in
            [("web", "open"), ("plain", "bridge"), ("inner", "closed"), ("stranger", "other")]
        {
            let address = address(&self.host, container, network, "IPAddress");
            self.host.run_outside(&["ip", "route", "add", &format!("{address}/16"), "via", HOST[0]]);
            self.host.run_outside(&["ip", "route", "add", &address, "via", HOST[0]]).ok();
        }
        for (container, network) in [("web", "open"), ("inner", "closed")] {
            let address = address(&self.host, container, network, "GlobalIPv6Address");
            self.host.run_outside(&["ip", "-6", "route", "add", &address, "via", HOST[1]]).ok();
        }
        let script = "sysctl -qw net.ipv4.conf.all.route_localnet=1 net.ipv4.conf.world0.route_localnet=1
            ip address del 127.0.0.1/8 dev lo; ip route flush table local 127.0.0.0/8
            ip route add 127.0.0.1 via 192.0.2.10 src 192.0.2.1";
        self.host.run_outside(&["sh", "-c", script]);
    }

    fn add(&mut self, from: &'static str, network: &Arc<OwnedFd>, to: &[SocketAddr], reached: bool) {
        for (to, protocol) in to.iter().flat_map(|to| BOTH.map(|protocol| (*to, protocol))) {
            self.lines.push(Line { from, network: Arc::clone(network), to, protocol, reached });
        }
    }

    fn own(&self, container: &str, network: &str) -> [SocketAddr; 2] {
        let of = |field: &str| at(&address(&self.host, container, network, field), 80);
        [of("IPAddress"), of("GlobalIPv6Address")]
    }

    #[rustfmt::skip]
    fn table(&mut self) {
        let inside = |container: &str| Arc::new(network_of(&self.host, container));
        let (web, hidden, stranger) = (inside("web"), inside("hidden"), inside("stranger"));
        let (plain, inner, neighbour) = (inside("plain"), inside("inner"), inside("neighbour"));
        let host = Arc::new(self.host.network());
        let world = Arc::new(self.host.outside_network());
        let direct = self.own("web", "open");
        let unpublished = self.own("hidden", "open");
        let closed = self.own("inner", "closed");
        let plain_address = [at(&address(&self.host, "plain", "bridge", "IPAddress"), 80)];
        let published = HOST.map(|address| at(address, 8080));
        let at_loopback = [at("127.0.0.1", 8081)];
        let gateway = |network: &str| at(&address(&self.host, if network == "closed" { "inner" } else { "web" }, network, "Gateway"), 8080);
        let open_gateway = [gateway("open")];
        let closed_published = HOST.map(|address| at(address, 8090));

        self.add("the host", &host, &published, true);
        self.add("the host", &host, &[at("127.0.0.1", 8080), at("::1", 8080)], true);
        self.add("the host", &host, &at_loopback, true);
        self.lines.push(Line { from: "the host", network: Arc::clone(&host), to: at("::1", 8082), protocol: Protocol::Tcp, reached: true });
        self.add("the host", &host, &[&direct[..], &unpublished, &plain_address, &closed].concat(), true);
        self.add("the host", &host, &open_gateway, true);
        self.add("the host", &host, &[closed_published[0], at("127.0.0.1", 8090)], false);
        self.add("the host", &host, &[at(HOST[0], 8081), at(HOST[1], 8082)], false);

        self.add("the world", &world, &published, true);
        self.add("the world", &world, &[at(HOST[0], 8081), at(HOST[1], 8082)], false);
        self.add("the world", &world, &[at("127.0.0.1", 8081), at("127.0.0.1", 8080)], false);
        self.add("the world", &world, &[&direct[..], &unpublished[..1], &plain_address, &closed].concat(), false);
        self.add("the world", &world, &closed_published, false);

        self.add("web", &web, &published, true);
        self.add("web", &web, &[&direct[..], &unpublished, &open_gateway].concat(), true);
        self.add("web", &web, &[at("127.0.0.1", 80), at("::1", 80)], true);
        self.add("web", &web, &at_loopback, false);
        self.add("web", &web, &[&plain_address[..], &closed].concat(), false);

        self.add("hidden", &hidden, &[&published[..], &direct, &open_gateway].concat(), true);
        self.add("hidden", &hidden, &[&at_loopback[..], &plain_address, &closed, &closed_published].concat(), false);

        self.add("stranger", &stranger, &published, true);
        self.add("stranger", &stranger, &[&direct[..], &unpublished, &plain_address, &closed].concat(), false);
        self.add("plain", &plain, &published[..1], true);
        self.add("plain", &plain, &[direct[0], unpublished[0], closed[0]], false);

        self.add("neighbour", &neighbour, &closed, true);
        for (from, network) in [("inner", &inner), ("neighbour", &neighbour)] {
            let away = [at("192.0.2.1", 80), at("2001:db8::1", 80)];
            self.add(from, network, &[&published[..], &direct, &plain_address, &away].concat(), false);
        }
        for network in [&world, &host, &hidden] {
            let line = |port, reached| Line { from: "anybody", network: Arc::clone(network), to: at(HOST[0], port), protocol: Protocol::Tcp, reached };
            self.lines.push(line(9049, true));
            self.lines.push(line(9050, false));
        }
    }

    #[track_caller]
    fn holds(&self, when: &str) {
        let wrong = wrong(&self.lines);
        assert!(wrong.is_empty(), "{when}: {} of {} are wrong: {wrong:#?}", wrong.len(), self.lines.len());
    }
}

fn run(host: &Host, name: &str, words: &[&str]) {
    host.docker(&[&["run", "-d", "--name", name], words, &[BUSYBOX, "sleep", "1h"]].concat()).ok();
}

fn all_reach_whom_they_should(bridge_filter: &str) {
    let mut lab = Lab::new(bridge_filter);
    if sampan_tests::sampan_only() {
        // Docker lets in what comes from outside for 127.0.0.1.
        let loopback = |line: &Line| line.from == "the world" && line.to.ip().is_loopback();
        lab.lines.retain(|line| !loopback(line));
        lab.holds("with Docker");
        return;
    }
    lab.holds("at first");
    lab.host.run(&["nft", "flush", "ruleset"]).ok();
    let world = lab.host.outside_network();
    until("the flush is repaired", || {
        ask(&world, Protocol::Tcp, at(HOST[0], 8080), Duration::from_millis(300)).is_some()
    });
    lab.holds("after a flush of the ruleset");
    lab.host.stop_daemon();
    lab.holds("without a daemon");
    lab.host.start_daemon();
    lab.holds("after a restart of the daemon");
    lab.host.kill_daemon();
    lab.host.start_daemon();
    lab.holds("after kill -9 of the daemon");
}

#[test]
fn all_reach_whom_they_should_with_bridged_packets_filtered() {
    all_reach_whom_they_should("1");
}

#[test]
fn all_reach_whom_they_should_without_bridged_packets_filtered() {
    all_reach_whom_they_should("0");
}

/// A peer that goes on sending from the same port finds the restarted container at its new address.
#[test]
fn a_flow_of_datagrams_goes_on_after_a_restart() {
    let host = Host::new();
    run(&host, "web", &["-p", "8080:80/udp"]);
    serve(network_of(&host, "web"), 80);
    let open = |network: OwnedFd, to: &'static str| {
        std::thread::spawn(move || {
            sampan_tests::enter(&network);
            let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
            socket.connect(to).expect("a way");
            socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout");
            socket
        })
        .join()
        .expect("the thread ends well")
    };
    let flows = [open(host.outside_network(), "192.0.2.10:8080"), open(host.network(), "127.0.0.1:8080")];
    let answered = |socket: &UdpSocket| {
        let mut buffer = [0; 64];
        // A refusal of an earlier datagram comes here, too.
        socket.send(b"?").is_ok() && socket.recv(&mut buffer).is_ok()
    };
    for flow in &flows {
        until("the first answer", || answered(flow));
    }
    host.docker(&["run", "-d", BUSYBOX, "sleep", "1h"]).ok();
    host.docker(&["stop", "-t", "0", "web"]).ok();
    // Somebody else takes its address meanwhile.
    host.docker(&["run", "-d", BUSYBOX, "sleep", "1h"]).ok();
    for flow in &flows {
        assert!(!answered(flow));
    }
    host.docker(&["start", "web"]).ok();
    serve(network_of(&host, "web"), 80);
    for flow in &flows {
        until("an answer after the restart", || answered(flow));
    }
}

/// Ports are published and taken back while the container runs; connections through the others go on.
#[test]
fn published_ports_change_while_the_container_runs() {
    if sampan_tests::sampan_only() {
        return;
    }
    let mut host = Host::new();
    run(&host, "web", &["-p", "8080:80"]);
    serve(network_of(&host, "web"), 80);
    serve(network_of(&host, "web"), 81);
    let own = host.network();
    let answers = |address: &str, port| {
        ask(&own, Protocol::Tcp, at(address, port), Duration::from_millis(400)).is_some()
    };
    // A flow that must not break: of datagrams through a port that stays.
    host.sampan(&["update", "-p", "8053:80/udp", "web"]).ok();
    let flow = std::thread::spawn({
        let network = host.network();
        move || {
            sampan_tests::enter(&network);
            let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
            socket.connect("127.0.0.1:8053").expect("a way");
            socket.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
            socket
        }
    })
    .join()
    .expect("the thread ends well");
    let flows = || flow.send(b"?").is_ok() && flow.recv(&mut [0; 64]).is_ok();
    assert!(flows());

    host.sampan(&["update", "-p", "8081:81", "web"]).ok();
    for (address, port) in [("127.0.0.1", 8080), ("127.0.0.1", 8081), ("::1", 8081)] {
        assert!(answers(address, port), "{address}:{port}");
    }
    host.sampan(&["update", "-p", "9081:81", "web"]).ok();
    assert!(!answers("127.0.0.1", 8081) && !answers("::1", 8081), "it moved");
    assert!(answers("127.0.0.1", 9081) && answers("::1", 9081));
    // A port that somebody has changes nothing.
    host.docker(&["run", "-d", "-p", "7000:80", BUSYBOX, "sleep", "1h"]).ok();
    host.sampan(&["update", "-p", "7000:81", "web"]).fails(1, "port is already allocated");
    assert!(answers("127.0.0.1", 9081) && answers("::1", 9081), "it is as before");
    host.sampan(&["update", "--unpublish", "81", "web"]).ok();
    assert!(!answers("127.0.0.1", 9081) && !answers("::1", 9081));
    // What was let go others can have.
    host.docker(&["run", "-d", "-p", "9081:80", BUSYBOX, "sleep", "1h"]).ok();
    host.kill_daemon();
    host.start_daemon();
    assert!(answers("127.0.0.1", 8080) && flows());
    let shown = host.docker(&["port", "web"]).ok().to_owned();
    assert!(shown.contains("80/tcp -> 0.0.0.0:8080") && shown.contains("80/udp -> 0.0.0.0:8053"), "{shown}");
    host.docker(&["stop", "-t", "0", "web"]).ok();
    host.sampan(&["update", "-p", "8090:80", "web"]).ok();
    host.docker(&["start", "web"]).ok();
    assert!(host.docker(&["port", "web"]).ok().contains("80/tcp -> 0.0.0.0:8090"));
}
