//! The manager against the real kernel: who reaches whom.

use super::*;
use crate::record::{BindingRequest, HostPort, Protocol};
use crate::sandbox::Sandbox;
use crate::testing::lab::{HOST, OTHER, binding, call, call_from, inside, serve, with_lab};
use crate::testing::tool;

const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];

fn publish(manager: &Manager, endpoint: &EndpointRecord, bindings: Vec<BindingRequest>) -> Published {
    manager.publish(&PublishRequest { endpoint: endpoint.clone(), bindings }).unwrap()
}

fn bridge_netfilter(value: &str) {
    host::set("/proc/sys/net/bridge/bridge-nf-call-iptables", value).unwrap();
}

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
            assert!(call_from(&lab.other, protocol, &format!("{HOST}:8081")).is_err());
            assert!(call_from(&lab.other, protocol, "172.17.0.2:80").is_err());
            // Another container: directly, and by the host's addresses.
            assert_eq!(call_from(&client, protocol, "172.17.0.2:80").unwrap(), "172.17.0.3");
            assert_eq!(call_from(&client, protocol, &to_host).unwrap(), "172.17.0.1");
            assert_eq!(call_from(&client, protocol, "172.17.0.1:8080").unwrap(), "172.17.0.1");
            assert!(call_from(&client, protocol, &format!("{HOST}:8081")).is_err());
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
            assert!(call(protocol, "127.0.0.1:8080").is_err());
            assert!(call_from(&lab.other, protocol, &to_host).is_err());
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
