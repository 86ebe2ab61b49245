//! The ruleset against the real `nft` program: it must read ours as it reads the same rules in its own language.

use std::net::Ipv4Addr;

use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

use super::*;
use crate::netlink::netfilter::NetfilterSocket;
use crate::nftables::dump;
use crate::record::{Protocol, PublishedBinding, PublishedRecord};
use crate::testing::{in_own_namespace, tool};

const IPV4: &str = include_str!("expected_ipv4.nft");
const IPV6: &str = include_str!("expected_ipv6.nft");

fn ruleset() -> Ruleset {
    Ruleset { table: table_name("0123abcd"), guard: true, only_near: false }
}

fn bridges(ipv6: bool) -> Vec<BridgeRules> {
    let bridge = |device: &str, v4: &str, v6: &str, internal| BridgeRules {
        device: device.to_owned(),
        subnet: if ipv6 { v6.parse().unwrap() } else { v4.parse().unwrap() },
        internal,
        icc: true,
        masquerade: true,
    };
    vec![
        bridge("sampan0", "172.17.0.0/16", "fd00:17::/64", false),
        bridge("spn-inside", "172.18.0.0/16", "fd00:18::/64", true),
    ]
}

fn published() -> Published {
    let binding = |protocol, host_ip: &str, host_port, container_port| PublishedBinding {
        protocol,
        host_ip: host_ip.parse().unwrap(),
        host_port,
        container_port,
    };
    let mut bindings = vec![
        binding(Protocol::Tcp, "0.0.0.0", 8080, 80),
        binding(Protocol::Udp, "192.0.2.7", 53, 53),
        binding(Protocol::Tcp, "::", 8080, 80),
        binding(Protocol::Tcp, "::1", 8443, 443),
    ];
    for host_ip in ["0.0.0.0", "192.0.2.7", "::", "fd00::7"] {
        bindings.extend((20_000..30_000).map(|port| binding(Protocol::Tcp, host_ip, port, port)));
    }
    Published::of(&[PublishedRecord {
        endpoint_id: "e".to_owned(),
        ipv4: Some(Ipv4Addr::new(172, 17, 0, 2)),
        ipv6: Some("fd00:17::2".parse().unwrap()),
        bindings,
    }])
}

fn ours() -> Batch {
    let mut batch = Batch::new();
    ruleset().lay_down(&mut batch, Family::Ipv4, &bridges(false), &published());
    ruleset().lay_down(&mut batch, Family::Ipv6, &bridges(true), &published());
    batch
}

fn unmarked() -> Batch {
    let mut batch = Batch::new();
    for (family, ipv6) in [(Family::Ipv4, false), (Family::Ipv6, true)] {
        ruleset().lay_down_unmarked(&mut batch, family, &bridges(ipv6));
        ruleset().add_published(&mut batch, family, &published());
    }
    batch
}

/// The ruleset as text and as the expressions that the kernel holds.
fn held() -> (String, String) {
    (tool("nft", &["list", "ruleset"]), tool("nft", &["--debug=netlink", "list", "ruleset"]))
}

/// Before each rule stands its table, its chain and a running number.
fn without_number(line: &str) -> &str {
    let is_digit = |character: char| character.is_ascii_digit() || character == ' ';
    if line.starts_with("ip") { line.trim_end_matches(is_digit) } else { line }
}

/// The elements of a hash come in a different order each time, and `nft` marks that an interval map gives
/// nothing from zero on to its first range, which it gives anyway.
fn in_order(text: &str) -> Vec<&str> {
    let is_zero = |key: &str| key.chars().all(|digit| digit == '0' || digit == ' ');
    let is_mark = |line: &str| {
        line.strip_prefix("\telement ").and_then(|rest| rest.strip_suffix(": 1 [end]")).is_some_and(is_zero)
    };
    // Turning the bytes of a number of one byte around changes nothing; we leave it out.
    let is_idle = |line: &str| line.contains("[ byteorder") && line.ends_with(", 2, 1) ]");
    // A slot is a number without a name of its own: `nft` describes it by the expression, we by a type of its size.
    let is_slot = |line: &str| line.contains(" . numgen random mod 512 : ") || line.contains(" . mark : ");
    let counts = |line: &&str| !is_mark(line) && !is_idle(line) && !is_slot(line);
    let mut lines: Vec<&str> = text.lines().filter(counts).map(without_number).collect();
    for elements in lines.chunk_by_mut(|a, b| a.starts_with("\telement") == b.starts_with("\telement")) {
        if elements[0].starts_with("\telement") {
            elements.sort_unstable();
        }
    }
    lines
}

#[test]
fn is_what_nft_makes_of_the_same_rules() {
    let theirs = in_own_namespace(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("expected.nft");
        std::fs::write(&file, format!("{IPV4}{IPV6}")).unwrap();
        tool("nft", &["-f", file.to_str().unwrap()]);
        held()
    });
    let ours = in_own_namespace(|| {
        unmarked().commit(&NetfilterSocket::default()).unwrap();
        held()
    });
    for (ours, theirs) in [(&ours.0, &theirs.0), (&ours.1, &theirs.1)] {
        let (ours, theirs) = (in_order(ours), in_order(theirs));
        for (line, (left, right)) in ours.iter().zip(&theirs).enumerate() {
            assert_eq!(left, right, "line {line}");
        }
        assert_eq!(ours.len(), theirs.len(), "number of lines");
    }
}

#[test]
fn a_range_of_ten_thousand_ports_is_one_element() {
    in_own_namespace(|| {
        ours().commit(&NetfilterSocket::default()).unwrap();
        let socket = NetlinkSocket::open(NetlinkProtocol::Netfilter).unwrap();
        let count = |set| dump::element_count(&socket, Family::Ipv4, &ruleset().table, set).unwrap();
        assert_eq!((count(PUBLISHED_RANGES), count(PUBLISHED_RANGES_AT)), (1, 1));
        assert_eq!((count(PUBLISHED), count(PUBLISHED_AT)), (1, 1));
    });
}

#[test]
fn laying_it_down_again_replaces_it_and_what_is_taken_away_is_gone() {
    in_own_namespace(|| {
        ours().commit(&NetfilterSocket::default()).unwrap();
        let first = held().0;
        ours().commit(&NetfilterSocket::default()).unwrap();
        assert_eq!(held().0, first);
        let mut batch = Batch::new();
        for (family, ipv6) in [(Family::Ipv4, false), (Family::Ipv6, true)] {
            ruleset().remove_published(&mut batch, family, &published());
            for bridge in bridges(ipv6) {
                ruleset().remove_bridge(&mut batch, family, &bridge);
            }
        }
        batch.commit(&NetfilterSocket::default()).unwrap();
        let rest = held().0;
        assert!(
            !rest.contains("elements") && !rest.contains("sampan0") && !rest.contains("spn-inside"),
            "{rest}"
        );
    });
}

#[test]
fn the_rules_can_be_counted() {
    in_own_namespace(|| {
        ours().commit(&NetfilterSocket::default()).unwrap();
        let socket = NetlinkSocket::open(NetlinkProtocol::Netfilter).unwrap();
        for (family, ipv6) in [(Family::Ipv4, false), (Family::Ipv6, true)] {
            let mut count = 0;
            dump::rules(&socket, family.number(), &ruleset().table, |_, _| count += 1).unwrap();
            assert_eq!(count, ruleset().rule_count(family, &bridges(ipv6)));
            assert_eq!(dump::tables(&socket, family).unwrap(), [ruleset().table]);
        }
    });
}

/// Where ports are open to near addresses only, others find those that are published at one address, and no others.
#[test]
fn only_near_is_what_nft_reads() {
    let listed = in_own_namespace(|| {
        let near = Ruleset { only_near: true, ..ruleset() };
        let mut batch = Batch::new();
        near.lay_down(&mut batch, Family::Ipv4, &bridges(false), &published());
        near.lay_down(&mut batch, Family::Ipv6, &bridges(true), &published());
        batch.commit(&NetfilterSocket::default()).unwrap();
        let socket = NetlinkSocket::open(NetlinkProtocol::Netfilter).unwrap();
        let mut count = 0;
        dump::rules(&socket, Family::Ipv4.number(), &near.table, |_, _| count += 1).unwrap();
        assert_eq!(count, near.rule_count(Family::Ipv4, &bridges(false)));
        held().0
    });
    let squeezed: Vec<&str> = listed.split_whitespace().collect();
    let text = squeezed.join(" ");
    for part in [
        "set near { type ipv4_addr flags interval elements = { 10.0.0.0/8, 127.0.0.0/8, 169.254.0.0/16, 172.16.0.0/12, 192.168.0.0/16 } }",
        "set near { type ipv6_addr flags interval elements = { ::1, fc00::/7, fe80::/10 } }",
        "ip saddr @near fib daddr type local jump translate fib daddr type local jump translate_at }",
        "ip6 saddr @near fib daddr type local jump translate fib daddr type local jump translate_at }",
        "chain translate_at { dnat ip to ip daddr . meta l4proto . th dport . numgen random mod 512 map @balanced_at dnat ip to ip daddr . meta l4proto . th dport map @published_at dnat to ip daddr . meta l4proto . th dport map @published_ranges_at }",
    ] {
        assert!(text.contains(part), "{part}\nin\n{listed}");
    }
}

/// What several containers answer: as many slots for each, and in the kernel what `nft` puts there for the same.
#[test]
fn slots_are_shared_and_exchanged_at_once() {
    let binding = |host_ip: &str, host_port| PublishedBinding {
        protocol: Protocol::Tcp,
        host_ip: host_ip.parse().unwrap(),
        host_port,
        container_port: 80,
    };
    let record = |targets: &[u8]| crate::record::BalancedRecord {
        name: "web".to_owned(),
        bindings: vec![binding("0.0.0.0", 8080), binding("192.0.2.7", 81), binding("::", 8080)],
        targets: targets
            .iter()
            .map(|last| crate::record::BalancedTarget {
                ipv4: Some(Ipv4Addr::new(172, 17, 0, *last)),
                ipv6: None,
            })
            .collect(),
    };
    let of = |targets: &[u8]| Published::default().with_balanced([&record(targets)]);
    let (two, three) = (of(&[2, 3]), of(&[2, 3, 4]));
    let gone = two.without(&three);
    assert!(gone.each(Family::Ipv4).count() < two.each(Family::Ipv4).count(), "some slots stay");
    assert_eq!(two.each(Family::Ipv6).count(), 0);
    in_own_namespace(move || {
        ours().commit(&NetfilterSocket::default()).unwrap();
        let mut batch = Batch::new();
        ruleset().add_published(&mut batch, Family::Ipv4, &two);
        batch.commit(&NetfilterSocket::default()).unwrap();
        let mut batch = Batch::new();
        ruleset().remove_published(&mut batch, Family::Ipv4, &gone);
        ruleset().add_published(&mut batch, Family::Ipv4, &three.without(&two));
        batch.commit(&NetfilterSocket::default()).unwrap();
        let listed = held().0;
        for (last, count) in [(2, 171), (3, 171), (4, 170)] {
            let found = listed.matches(&format!(": 172.17.0.{last} . 80")).count();
            // Two ports for each, and one that is published to the first alone.
            assert_eq!(found, 2 * count + usize::from(last == 2), "{last} in {listed}");
        }
        assert!(listed.contains("192.0.2.7 . tcp . 81 . 0x000001ff"), "{listed}");
    });
}
