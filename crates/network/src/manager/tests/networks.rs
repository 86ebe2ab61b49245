//! Networks other than the default one, in every setting of the driver.

use super::*;
use crate::record::{EndpointRequest, Subnet};

fn network(name: &str, change: impl FnOnce(&mut NetworkRecord)) -> NetworkRecord {
    let mut record = NetworkRecord {
        id: String::new(),
        name: name.to_owned(),
        driver: DriverName::Bridge,
        device: String::new(),
        subnets: Vec::new(),
        mtu: 0,
        internal: false,
        icc: true,
        masquerade: true,
        binding_address: None,
    };
    change(&mut record);
    record
}

fn each_bridge_netfilter(test: fn(&Lab)) {
    for value in ["0", "1"] {
        with_lab(move |lab| {
            bridge_netfilter(value);
            test(lab);
        });
    }
}

#[test]
fn networks_are_apart_from_each_other() {
    each_bridge_netfilter(|lab| {
        let manager = lab.manager();
        let record = manager.create_network(network("app", |_| {})).unwrap();
        assert_eq!(record.subnets[0].subnet.to_string(), "172.18.0.0/16");
        assert_eq!(record.mtu, 1400);
        let (web, endpoint) = lab.container(&manager, "app");
        let (client, _) = lab.container(&manager, "bridge");
        let _server = serve(&web, "0.0.0.0", 80);
        let _published = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        assert!(is_cut_off_from(&client, Protocol::Tcp, "172.18.0.2:80"));
        assert_eq!(call_from(&client, Protocol::Tcp, &format!("{HOST}:8080")).unwrap(), "172.18.0.1");
        // A container with a place in both.
        let both = manager
            .connect(&client, "app", &EndpointRequest { default_route: [false; 2], ..lab.request() })
            .unwrap();
        assert_eq!(
            (both.interface.as_str(), both.ipv4().unwrap().to_string().as_str()),
            ("eth1", "172.18.0.3")
        );
        assert_eq!(call_from(&client, Protocol::Tcp, "172.18.0.2:80").unwrap(), "172.18.0.3");
        assert!(manager.remove_network("app").is_err());
        manager.disconnect_running(&both).unwrap();
        assert!(!inside(&client, || tool("ip", &["link"])).contains("eth1"));
        manager.disconnect(&endpoint).unwrap();
        manager.remove_network("app").unwrap();
        assert!(!tool("nft", &["list", "ruleset"]).contains(&record.device));
        assert!(!tool("ip", &["link"]).contains(&record.device));
        assert!(manager.remove_network("bridge").is_err());
    });
}

#[test]
fn members_of_a_network_without_icc_reach_only_what_is_published() {
    each_bridge_netfilter(|lab| {
        let manager = lab.manager();
        manager.create_network(network("apart", |record| record.icc = false)).unwrap();
        let (web, endpoint) = lab.container(&manager, "apart");
        let (client, _) = lab.container(&manager, "apart");
        let _server = serve(&web, "0.0.0.0", 80);
        let _published = publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        let _world = serve(&lab.other, "0.0.0.0", 99);
        assert!(is_cut_off_from(&client, Protocol::Tcp, "172.18.0.2:80"));
        assert!(call_from(&client, Protocol::Tcp, &format!("{HOST}:8080")).is_ok());
        assert!(call_from(&web, Protocol::Tcp, &format!("{HOST}:8080")).is_ok());
        assert!(call_from(&client, Protocol::Tcp, &format!("{OTHER}:99")).is_ok());
    });
}

#[test]
fn an_internal_network_has_no_way_in_or_out() {
    each_bridge_netfilter(|lab| {
        let manager = lab.manager();
        manager.create_network(network("inside", |record| record.internal = true)).unwrap();
        let (web, endpoint) = lab.container(&manager, "inside");
        let (client, _) = lab.container(&manager, "inside");
        let (public, public_endpoint) = lab.container(&manager, "bridge");
        let (_server, _public) = (serve(&web, "0.0.0.0", 80), serve(&public, "0.0.0.0", 80));
        let _published = publish(&manager, &public_endpoint, vec![binding(Protocol::Tcp, 8080, 80)]);
        assert!(publish(&manager, &endpoint, vec![binding(Protocol::Tcp, 8081, 80)]).bindings().is_empty());
        let _world = serve(&lab.other, "0.0.0.0", 99);
        assert!(call_from(&client, Protocol::Tcp, "172.18.0.2:80").is_ok());
        // Not even with a default route that the container gave itself.
        inside(&client, || tool("ip", &["route", "add", "default", "via", "172.18.0.1"]));
        for address in [format!("{OTHER}:99"), "172.17.0.2:80".to_owned(), format!("{HOST}:8080")] {
            assert!(is_cut_off_from(&client, Protocol::Tcp, &address), "{address}");
        }
        assert!(is_cut_off_from(&public, Protocol::Tcp, "172.18.0.2:80"));
        assert!(is_cut_off_from(&lab.other, Protocol::Tcp, "172.18.0.2:80"));
    });
}

#[test]
fn a_network_with_ipv6_translates_and_relays() {
    each_bridge_netfilter(|lab| {
        let socket = route_socket().unwrap();
        drop(socket);
        tool("ip", &["addr", "add", "fd00:192::2/64", "dev", "eth0", "nodad"]);
        inside(&lab.other, || {
            host::set("/proc/sys/net/ipv6/conf/eth0/accept_dad", "0").unwrap();
            tool("ip", &["addr", "add", "fd00:192::9/64", "dev", "eth0", "nodad"]);
            tool("ip", &["route", "add", "default", "via", "fd00:192::2"]);
        });
        let manager = lab.manager();
        let ipv6 = Subnet {
            subnet: "fd00:18::/64".parse().unwrap(),
            range: None,
            gateway: "fd00:18::1".parse().unwrap(),
            reserved: Vec::new(),
        };
        manager.create_network(network("six", |record| record.subnets = vec![ipv6])).unwrap();
        let (web, endpoint) = lab.container(&manager, "six");
        let (client, _) = lab.container(&manager, "six");
        assert_eq!(endpoint.ipv6().unwrap().to_string(), "fd00:18::2");
        let published =
            publish(&manager, &endpoint, BOTH.map(|protocol| binding(protocol, 8080, 80)).to_vec());
        let relays: Vec<_> = published.relays.iter().map(|relay| relay.target.to_string()).collect();
        assert_eq!(relays, ["[fd00:18::2]:80", "[fd00:18::2]:80"]);
        let _server = serve(&web, "::", 80);
        let _world = serve(&lab.other, "::", 99);
        for protocol in BOTH {
            assert_eq!(call(protocol, "[fd00:192::2]:8080").unwrap(), "fd00:192::2");
            assert_eq!(call_from(&lab.other, protocol, "[fd00:192::2]:8080").unwrap(), "fd00:192::9");
            assert!(is_cut_off_from(&lab.other, protocol, "[fd00:18::2]:80"));
            assert_eq!(call_from(&client, protocol, "[fd00:18::2]:80").unwrap(), "fd00:18::3");
            assert_eq!(call_from(&client, protocol, "[fd00:192::2]:8080").unwrap(), "fd00:18::1");
            assert_eq!(call_from(&web, protocol, "[fd00:192::2]:8080").unwrap(), "fd00:18::1");
            assert_eq!(call_from(&web, protocol, "[fd00:192::9]:99").unwrap(), "fd00:192::2");
        }
        assert_eq!(manager.reconcile().unwrap(), Reconciled::default());
        manager.unpublish(&published.record).unwrap();
        assert!(is_cut_off_from(&lab.other, Protocol::Tcp, "[fd00:192::2]:8080"));
    });
}

#[test]
fn a_container_without_ipv6_has_none() {
    with_lab(|lab| {
        let manager = lab.manager();
        let (web, _) = lab.container(&manager, "bridge");
        let addresses = inside(&web, || tool("ip", &["-6", "addr"]));
        assert!(!addresses.contains("eth0") && addresses.contains("::1/128"), "{addresses}");
        let device = "/proc/sys/net/ipv6/conf/sampan0/disable_ipv6";
        assert_eq!(std::fs::read_to_string(device).unwrap().trim(), "1");
    });
}

#[test]
fn wrong_networks_are_refused_and_leave_nothing() {
    with_lab(|lab| {
        let manager = lab.manager();
        let before = (tool("ip", &["-4", "-o", "addr"]), tool("nft", &["list", "ruleset"]));
        let subnet = |text: &str, gateway: &str| Subnet {
            subnet: text.parse().unwrap(),
            range: None,
            gateway: gateway.parse().unwrap(),
            reserved: Vec::new(),
        };
        let wrong = [
            network("a", |record| record.device = "a-name-that-is-too-long".to_owned()),
            network("b", |record| record.device = "eth0".to_owned()),
            network("c", |record| record.subnets = vec![subnet("192.0.2.0/25", "192.0.2.1")]),
            network("d", |record| record.subnets = vec![subnet("172.17.5.0/24", "172.17.5.1")]),
            network("e", |record| record.subnets = vec![subnet("10.9.0.0/24", "10.8.0.1")]),
            network("f", |record| record.subnets = vec![subnet("10.9.0.5/32", "10.9.0.5")]),
            network("g", |record| record.mtu = 9),
            network("bridge", |_| {}),
            network("h", |record| record.driver = DriverName::None).with(subnet("10.9.0.0/24", "10.9.0.1")),
        ];
        for record in wrong {
            let name = record.name.clone();
            assert!(manager.create_network(record).is_err(), "{name}");
        }
        assert_eq!((tool("ip", &["-4", "-o", "addr"]), tool("nft", &["list", "ruleset"])), before);
        assert_eq!(manager.networks().len(), 3);
    });
}

impl NetworkRecord {
    fn with(mut self, subnet: Subnet) -> Self {
        self.subnets.push(subnet);
        self
    }
}
