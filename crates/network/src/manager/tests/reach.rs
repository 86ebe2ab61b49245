//! Who reaches whom, and who does not.

use super::*;

/// Two containers, the first with port 80 published as 8080 on all addresses and as 8081 on loopback.
fn reachability(bridge_nf: &'static str) {
    with_lab(move |lab| {
        let manager = lab.manager();
        bridge_netfilter(bridge_nf);
        let (web, endpoint) = lab.container(&manager, "bridge");
        let (client, _) = lab.container(&manager, "bridge");
        let mut bindings = Vec::new();
        for protocol in BOTH {
            bindings.push(binding(protocol, 8080, 80));
            let host_ip = Some("127.0.0.1".parse().unwrap());
            bindings.push(BindingRequest {
                protocol,
                container_port: 80,
                host_ip,
                host_port: HostPort::Fixed(8081),
            });
        }
        let published = publish(&manager, &endpoint, bindings);
        let _server = serve(&web, "0.0.0.0", 80);
        let to_host = format!("{HOST}:8080");
        for protocol in BOTH {
            // The host itself: by loopback, by its own address, by the container's.
            assert_eq!(call(protocol, "127.0.0.1:8080").unwrap(), "172.17.0.1", "{protocol:?}");
            assert_eq!(call(protocol, "127.0.0.1:8081").unwrap(), "172.17.0.1");
            assert_eq!(call(protocol, &to_host).unwrap(), HOST);
            assert_eq!(call(protocol, "172.17.0.1:8080").unwrap(), "172.17.0.1");
            assert_eq!(call(protocol, "172.17.0.2:80").unwrap(), "172.17.0.1");
            // Another host: by the published port, with its own address; by nothing else.
            assert_eq!(call_from(&lab.other, protocol, &to_host).unwrap(), OTHER);
            assert!(is_cut_off_from(&lab.other, protocol, &format!("{HOST}:8081")));
            assert!(is_cut_off_from(&lab.other, protocol, "172.17.0.2:80"));
            // Another container: directly, and by the host's addresses.
            assert_eq!(call_from(&client, protocol, "172.17.0.2:80").unwrap(), "172.17.0.3");
            assert_eq!(call_from(&client, protocol, &to_host).unwrap(), "172.17.0.1");
            assert_eq!(call_from(&client, protocol, "172.17.0.1:8080").unwrap(), "172.17.0.1");
            assert!(is_cut_off_from(&client, protocol, &format!("{HOST}:8081")));
            // The container itself, by the host's address.
            assert_eq!(call_from(&web, protocol, &to_host).unwrap(), "172.17.0.1");
        }
        // Out to the world, with the host's address.
        let _world = serve(&lab.other, "0.0.0.0", 99);
        for protocol in BOTH {
            assert_eq!(call_from(&web, protocol, &format!("{OTHER}:99")).unwrap(), HOST);
        }
        manager.unpublish(&published.record).unwrap();
        for protocol in BOTH {
            assert!(is_cut_off(protocol, "127.0.0.1:8080"));
            assert!(is_cut_off_from(&lab.other, protocol, &to_host));
        }
    });
}

#[test]
fn everybody_who_may_reaches_a_published_port() {
    reachability("0");
}

#[test]
fn the_same_where_bridged_packets_pass_the_packet_filter() {
    reachability("1");
}

/// What an attacker on the wire can try: packets for loopback and container addresses.
#[test]
fn a_port_published_on_loopback_is_reached_from_nowhere_else() {
    for bridge_nf in ["0", "1"] {
        with_lab(move |lab| {
            let manager = lab.manager();
            bridge_netfilter(bridge_nf);
            let (web, endpoint) = lab.container(&manager, "bridge");
            let (client, _) = lab.container(&manager, "bridge");
            let host_ip = Some("127.0.0.1".parse().unwrap());
            let bindings = BOTH.map(|protocol| BindingRequest {
                protocol,
                container_port: 80,
                host_ip,
                host_port: HostPort::Fixed(8081),
            });
            let _published = publish(&manager, &endpoint, bindings.to_vec());
            let _server = serve(&web, "0.0.0.0", 80);
            let host = Sandbox::host().unwrap();
            let _own = serve(&host, "127.0.0.1", 9000);
            for attacker in [&lab.other, &client] {
                // Send loopback addresses over the wire, and accept answers from there.
                inside(attacker, || {
                    host::set("/proc/sys/net/ipv4/conf/eth0/route_localnet", "1").unwrap();
                    host::set("/proc/sys/net/ipv4/conf/all/rp_filter", "0").unwrap();
                    let gateway = tool("ip", &["-4", "route", "show", "default"]);
                    let gateway = gateway.split_whitespace().nth(2).unwrap().to_owned();
                    tool("ip", &["addr", "del", "127.0.0.1/8", "dev", "lo"]);
                    tool("ip", &["route", "flush", "table", "local", "127.0.0.0/8"]);
                    tool("ip", &["route", "add", "127.0.0.0/8", "via", &gateway, "dev", "eth0"]);
                });
                for protocol in BOTH {
                    for port in [8081, 9000] {
                        assert!(is_cut_off_from(attacker, protocol, &format!("127.0.0.1:{port}")));
                        assert!(is_cut_off_from(attacker, protocol, &format!("{HOST}:{port}")));
                    }
                }
            }
            for protocol in BOTH {
                assert!(is_cut_off_from(&lab.other, protocol, "172.17.0.2:80"));
                assert!(call(protocol, "127.0.0.1:8081").is_ok());
            }
            // The test itself would get through without our rules.
            tool("nft", &["flush", "chain", "ip", "sampan_0123abcd0123", "raw"]);
            for protocol in BOTH {
                assert!(call_from(&client, protocol, "127.0.0.1:9000").is_ok());
            }
            tool("nft", &["flush", "chain", "ip", "sampan_0123abcd0123", "into_sampan0"]);
            assert!(call_from(&lab.other, Protocol::Tcp, "172.17.0.2:80").is_ok());
        });
    }
}

#[test]
fn a_flushed_ruleset_is_laid_down_again() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (web, endpoint) = lab.container(&manager, "bridge");
        let published = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        let _server = serve(&web, "0.0.0.0", 80);
        assert_eq!(manager.reconcile().unwrap(), Reconciled::default());
        let tables = || {
            let ours = tool("nft", &["list", "table", "ip", "sampan_0123abcd0123"]);
            (ours, tool("nft", &["list", "table", "inet", "sampan_user"]))
        };
        let whole = tables();
        let element = "{ tcp . 8080 }";
        let damages: [&[&str]; 3] = [
            &["flush", "ruleset"],
            &["flush", "chain", "ip", "sampan_0123abcd0123", "forward"],
            &["delete", "element", "ip", "sampan_0123abcd0123", "published", element],
        ];
        for damage in damages {
            tool("nft", damage);
            assert!(manager.reconcile().unwrap().ruleset_repaired, "{damage:?}");
            assert_eq!(tables(), whole, "{damage:?}");
        }
        assert_eq!(call(Protocol::Tcp, "127.0.0.1:8080").unwrap(), "172.17.0.1");
        // Somebody else's tables stay.
        tool("nft", &["add", "table", "ip", "theirs"]);
        tool("nft", &["delete", "table", "ip", "sampan_0123abcd0123"]);
        manager.reconcile().unwrap();
        assert!(tool("nft", &["list", "tables"]).contains("table ip theirs"));
        // Taking back what is not there any more is no failure.
        tool("nft", &["flush", "ruleset"]);
        manager.unpublish(&published.record).unwrap();
        manager.disconnect(&endpoint).unwrap();
    });
}

#[test]
fn two_instances_do_not_notice_each_other() {
    with_lab(|lab| {
        let one = lab.manager_of("aaaaaaaa1111", true);
        let two = lab.manager_of("bbbbbbbb2222", false);
        assert_eq!(
            (one.default_network().device.as_str(), two.default_network().device.as_str()),
            ("sampan0", "spn-bbbbbbbb")
        );
        let (first, first_endpoint) = lab.container(&one, "bridge");
        let (second, second_endpoint) = lab.container(&two, "bridge");
        assert_eq!(first_endpoint.ipv4().unwrap().to_string(), "172.17.0.2");
        assert_eq!(second_endpoint.ipv4().unwrap().to_string(), "172.18.0.2");
        let (_a, _b) = (serve(&first, "0.0.0.0", 80), serve(&second, "0.0.0.0", 80));
        let _first = publish(&one, &first_endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        let _second = publish(&two, &second_endpoint, vec![binding(Protocol::Tcp, 8081, 80)]);
        let _world = serve(&lab.other, "0.0.0.0", 99);
        let works = |sandbox: &Sandbox, port: u16| {
            assert_eq!(
                call(Protocol::Tcp, &format!("127.0.0.1:{port}")).unwrap(),
                "172.1*.0.1".replace('*', if port == 8080 { "7" } else { "8" })
            );
            assert_eq!(call_from(&lab.other, Protocol::Tcp, &format!("{HOST}:{port}")).unwrap(), OTHER);
            assert_eq!(call_from(sandbox, Protocol::Tcp, &format!("{OTHER}:99")).unwrap(), HOST);
        };
        works(&first, 8080);
        works(&second, 8081);
        // One container reaches the other instance's only by what it publishes.
        assert!(is_cut_off_from(&first, Protocol::Tcp, "172.18.0.2:80"));
        assert!(call_from(&first, Protocol::Tcp, &format!("{HOST}:8081")).is_ok());
        // A port that the other instance holds is in use.
        let taken = one.publish(&PublishRequest {
            endpoint: first_endpoint.clone(),
            bindings: vec![binding(Protocol::Tcp, 8081, 80)],
        });
        assert_eq!(
            taken.unwrap_err().to_string(),
            "failed to bind host port 0.0.0.0:8081/tcp: address already in use"
        );
        // One ends, and starts again.
        one.teardown().unwrap();
        works(&second, 8081);
        assert_eq!(two.reconcile().unwrap(), Reconciled::default());
        let again = lab.manager_of("aaaaaaaa1111", true);
        assert_eq!(two.reconcile().unwrap(), Reconciled::default());
        drop(again);
        works(&second, 8081);
    });
}

#[test]
fn nothing_foreign_is_forwarded_where_we_turned_forwarding_on() {
    for already in [false, true] {
        with_lab(move |lab| {
            // A new network begins with what this machine has.
            host::set("/proc/sys/net/ipv4/ip_forward", if already { "1" } else { "0" }).unwrap();
            // A second network behind this host that is not ours.
            let third = Sandbox::create_isolated().unwrap();
            let pair = third.take_pair("vforeign0", Some("eth0"), 1500).unwrap();
            tool("ip", &["addr", "add", "198.51.100.1/24", "dev", &pair.host_device]);
            inside(&third, || {
                tool("ip", &["addr", "add", "198.51.100.9/24", "dev", "eth0"]);
                tool("ip", &["route", "add", "default", "via", "198.51.100.1"]);
            });
            let _server = serve(&third, "0.0.0.0", 80);
            let manager = lab.manager();
            assert!(host::forwards(false));
            let reached = || call_from(&lab.other, Protocol::Tcp, "198.51.100.9:80").is_ok();
            assert_eq!(reached(), already);
            // A new daemon of the same instance knows who turned it on.
            drop(manager);
            let manager = lab.manager();
            assert_eq!(reached(), already);
            let (web, _) = lab.container(&manager, "bridge");
            assert_eq!(call_from(&web, Protocol::Tcp, "198.51.100.9:80").unwrap(), "198.51.100.1");
        });
    }
}

/// Beside a firewall that drops: one sentence says which rules are missing, with them it works, and nothing of
/// theirs changes by us.
#[test]
fn beside_a_dropping_firewall_the_missing_rules_are_named() {
    for program in ["iptables-nft", "iptables-legacy"] {
        with_lab(move |lab| {
            let theirs = || tool(program, &["-S"]) + &tool(program, &["-t", "nat", "-S"]);
            tool(program, &["-P", "FORWARD", "DROP"]);
            tool(program, &["-t", "nat", "-A", "POSTROUTING", "-s", "10.0.0.0/8", "-j", "MASQUERADE"]);
            let before = theirs();
            let manager = lab.manager();
            let (web, endpoint) = lab.container(&manager, "bridge");
            let _published = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
            let (_server, _world) = (serve(&web, "0.0.0.0", 80), serve(&lab.other, "0.0.0.0", 99));
            let out = format!("{OTHER}:99");
            assert!(is_cut_off_from(&web, Protocol::Tcp, &out));
            // What does not pass the host's forwarding works all the same.
            assert!(call(Protocol::Tcp, "127.0.0.1:8080").is_ok());
            assert_eq!(theirs(), before);
            let told = manager.warnings();
            assert_eq!(told.len(), 1, "{told:?}");
            let commands: Vec<_> = told[0].split('`').filter(|part| part.starts_with("iptables")).collect();
            assert_eq!(commands.len(), 2, "{told:?}");
            for command in commands {
                let words: Vec<_> = command.split(' ').skip(1).collect();
                tool(program, &words);
            }
            assert_eq!(call_from(&web, Protocol::Tcp, &out).unwrap(), HOST);
            assert_eq!(call_from(&lab.other, Protocol::Tcp, &format!("{HOST}:8080")).unwrap(), OTHER);
            assert_eq!(manager.warnings(), Vec::<String>::new());
        });
    }
}

#[test]
fn a_bridge_that_somebody_removed_comes_back_with_its_containers() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (web, endpoint) = lab.container(&manager, "bridge");
        let _published = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        let _server = serve(&web, "0.0.0.0", 80);
        tool("ip", &["link", "del", "sampan0"]);
        assert!(is_cut_off(Protocol::Tcp, "127.0.0.1:8080"));
        manager.reconcile().unwrap();
        assert!(call(Protocol::Tcp, "127.0.0.1:8080").is_ok());
        assert!(call_from(&web, Protocol::Tcp, &format!("{HOST}:8080")).is_ok());
    });
}
