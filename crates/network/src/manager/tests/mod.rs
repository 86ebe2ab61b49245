//! The manager against the real kernel.

mod lifecycle;
mod networks;
mod ports;
mod reach;

use super::*;
use crate::record::{BindingRequest, HostPort, Protocol, Records};
use crate::sandbox::Sandbox;
use crate::testing::lab::{
    HOST, Lab, OTHER, binding, call, call_from, inside, is_cut_off, is_cut_off_from, serve, with_lab,
};
use crate::testing::tool;

const BOTH: [Protocol; 2] = [Protocol::Tcp, Protocol::Udp];

fn publish(manager: &Manager, endpoint: &EndpointRecord, bindings: Vec<BindingRequest>) -> Published {
    // A tool that another test starts at this moment holds every descriptor of this process until its exec.
    for _ in 0..100 {
        match try_publish(manager, endpoint, bindings.clone()) {
            Err(error) if error.to_string().contains("address already in use") => {
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            other => return other.unwrap(),
        }
    }
    try_publish(manager, endpoint, bindings).unwrap()
}

fn try_publish(
    manager: &Manager,
    endpoint: &EndpointRecord,
    bindings: Vec<BindingRequest>,
) -> Result<Published> {
    manager.publish(&PublishRequest { endpoint: endpoint.clone(), bindings })
}

fn bridge_netfilter(value: &str) {
    for name in ["bridge-nf-call-iptables", "bridge-nf-call-ip6tables"] {
        host::set(&format!("/proc/sys/net/bridge/{name}"), value).unwrap();
    }
}

/// A binding on one host address.
fn binding_at(protocol: Protocol, host_ip: &str, host_port: u16, container_port: u16) -> BindingRequest {
    let host_ip = Some(host_ip.parse().unwrap());
    BindingRequest { protocol, container_port, host_ip, host_port: HostPort::Fixed(host_port) }
}

/// Waits for what the kernel does in the background.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("this did not happen within ten seconds: {what}");
}
