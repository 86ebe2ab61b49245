//! What every driver must do: the contract of [`NetworkDriver`], one case after the other.

use std::sync::Arc;

use super::bridge::Bridge;
use super::host::Host;
use super::none::NoNetwork;
use super::*;
use crate::firewall::Firewall;
use crate::near::Reach;
use crate::netlink::netfilter::NetfilterSocket;
use crate::nftables::elements::Published;
use crate::record::Subnet;
use crate::testing::lab::{inside, with_lab};
use crate::testing::tool;

const INSTANCE: &str = "0123abcd0123";

/// A driver, a network that it can serve, and one that it cannot.
struct Candidate {
    driver: Box<dyn NetworkDriver>,
    good: NetworkRecord,
    bad: NetworkRecord,
}

fn candidates() -> Vec<Candidate> {
    let subnet = Subnet {
        subnet: "10.77.0.0/24".parse().unwrap(),
        range: None,
        gateway: "10.77.0.1".parse().unwrap(),
        reserved: Vec::new(),
    };
    let record = |driver, subnets| NetworkRecord {
        id: "7".repeat(64),
        name: "suite".to_owned(),
        driver,
        device: if driver == DriverName::Bridge { "suite0".to_owned() } else { String::new() },
        subnets,
        mtu: 1300,
        internal: false,
        icc: true,
        masquerade: true,
        binding_address: None,
    };
    let firewall = Arc::new(Firewall::new(INSTANCE, Reach::World, Arc::<NetfilterSocket>::default()));
    firewall.lay_down(&Published::default()).unwrap();
    vec![
        Candidate {
            driver: Box::new(Bridge::new(INSTANCE, firewall)),
            good: record(DriverName::Bridge, vec![subnet.clone()]),
            bad: record(DriverName::Bridge, Vec::new()),
        },
        Candidate {
            driver: Box::new(Host),
            good: record(DriverName::Host, Vec::new()),
            bad: record(DriverName::Host, vec![subnet.clone()]),
        },
        Candidate {
            driver: Box::new(NoNetwork),
            good: record(DriverName::None, Vec::new()),
            bad: record(DriverName::None, vec![subnet]),
        },
    ]
}

fn endpoint(network: &NetworkRecord) -> EndpointRecord {
    let addresses = network.ipv4().map(|_| "10.77.0.9/24".parse().unwrap());
    EndpointRecord {
        id: "9".repeat(64),
        network_id: network.id.clone(),
        container_id: "8".repeat(64),
        host_device: String::new(),
        interface: String::new(),
        addresses: addresses.into_iter().collect(),
        gateways: network.subnets.iter().map(|subnet| subnet.gateway).collect(),
        mac: network.ipv4().map(|_| "02:42:0a:4d:00:09".parse().unwrap()),
    }
}

/// Everything on the host that a driver could change, without what changes by itself (a link that is coming up).
fn host_state() -> [String; 3] {
    let links = tool("ip", &["-br", "link"]);
    let names: Vec<_> = links.lines().filter_map(|line| line.split_whitespace().next()).collect();
    [names.join(" "), tool("ip", &["-4", "-o", "addr"]), tool("nft", &["list", "ruleset"])]
}

fn each_driver(case: fn(&Candidate)) {
    with_lab(move |_| candidates().iter().for_each(case));
}

#[test]
fn its_name_is_the_networks() {
    each_driver(|it| assert_eq!(it.driver.name(), it.good.driver));
}

#[test]
fn what_it_cannot_serve_is_refused_before_anything_is_made() {
    each_driver(|it| {
        let before = host_state();
        assert!(it.driver.validate(&it.good).is_ok());
        assert!(it.driver.validate(&it.bad).is_err());
        assert!(it.driver.create_network(&it.bad).is_err());
        assert_eq!(host_state(), before);
    });
}

#[test]
fn a_network_comes_and_goes_and_nothing_is_left() {
    each_driver(|it| {
        let before = host_state();
        it.driver.create_network(&it.good).unwrap();
        let there = host_state();
        // After a restart of the daemon it is found as it is.
        it.driver.restore_network(&it.good).unwrap();
        assert_eq!(host_state(), there);
        it.driver.remove_network(&it.good).unwrap();
        assert_eq!(host_state(), before);
        // What is gone is gone.
        it.driver.remove_network(&it.good).unwrap();
    });
}

#[test]
fn an_endpoint_has_what_its_record_says() {
    each_driver(|it| {
        it.driver.create_network(&it.good).unwrap();
        let sandbox = Sandbox::create(INSTANCE, 1500).unwrap();
        let request = EndpointRequest { default_route: [true; 2], ..EndpointRequest::default() };
        let made = it.driver.connect(&sandbox, &it.good, endpoint(&it.good), &request).unwrap();
        let named = (made.host_device.is_empty(), made.interface.is_empty());
        let has_link = it.driver.name() == DriverName::Bridge;
        assert_eq!(named, (!has_link, !has_link));
        let view = inside(&sandbox, || tool("ip", &["addr"]) + &tool("ip", &["route"]));
        for address in &made.addresses {
            assert!(view.contains(&address.to_string()) && view.contains("mtu 1300"), "{view}");
        }
        for gateway in &made.gateways {
            assert!(view.contains(&format!("default via {gateway}")), "{view}");
        }
        it.driver.disconnect(&it.good, &made, true).unwrap();
        assert!(made.host_device.is_empty() || !host_state()[0].contains(&made.host_device));
        // Twice is once.
        it.driver.disconnect(&it.good, &made, true).unwrap();
        it.driver.remove_network(&it.good).unwrap();
    });
}

#[test]
fn a_failed_connect_leaves_nothing_behind() {
    each_driver(|it| {
        if it.driver.name() != DriverName::Bridge {
            return;
        }
        // The bridge is not there.
        let before = host_state();
        let sandbox = Sandbox::create_isolated().unwrap();
        let made = it.driver.connect(&sandbox, &it.good, endpoint(&it.good), &EndpointRequest::default());
        assert!(made.is_err());
        assert_eq!(host_state(), before);
    });
}

#[test]
fn a_device_of_somebody_else_is_not_touched() {
    each_driver(|it| {
        if it.good.device.is_empty() {
            return;
        }
        tool("ip", &["link", "add", &it.good.device, "type", "bridge"]);
        let before = host_state();
        let refused = it.driver.create_network(&it.good).unwrap_err();
        assert!(refused.to_string().contains("is not ours"), "{refused}");
        it.driver.remove_network(&it.good).unwrap();
        assert_eq!(host_state(), before);
    });
}

#[test]
fn without_a_packet_filter_for_bridged_packets_ports_are_isolated() {
    with_lab(|_| {
        use crate::netlink::{Request, link};
        use crate::sandbox::route_socket;
        tool("ip", &["link", "add", "br0", "type", "bridge"]);
        tool("ip", &["link", "set", "eth0", "master", "br0"]);
        let socket = route_socket().unwrap();
        let index = link::find(&socket, "eth0").unwrap().unwrap().index;
        let mut request = Request::new();
        request.change_port(index, Some(true), Some(true), "isolate".to_owned());
        request.execute(&socket).unwrap();
        let port = tool("bridge", &["-d", "link", "show", "dev", "eth0"]);
        assert!(port.contains("isolated on") && port.contains("hairpin on"), "{port}");
    });
}
