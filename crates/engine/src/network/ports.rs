//! Which ports are published: the bindings asked for, and with `-P` every exposed port.

use crate::containers::{ContainerRecord, PublishedPort};
use crate::spec::{PortBinding, PortKey, PortProtocol};
use sampan_network::{BindingRequest, HostPort, Protocol, PublishedBinding, PublishedRecord, Reach};

fn protocol(protocol: PortProtocol) -> Protocol {
    match protocol {
        PortProtocol::Tcp => Protocol::Tcp,
        PortProtocol::Udp => Protocol::Udp,
        PortProtocol::Sctp => Protocol::Sctp,
    }
}

/// The bindings to make, in the order of the container's ports.
pub(super) fn bindings(record: &ContainerRecord) -> Vec<BindingRequest> {
    let host = &record.spec.host;
    let mut bindings: Vec<BindingRequest> = host.port_bindings.iter().map(binding).collect();
    if host.publish_all_ports {
        let asked_for = |port: &PortKey| host.port_bindings.iter().any(|binding| binding.container == *port);
        bindings.extend(record.resolved.exposed_ports.iter().filter(|port| !asked_for(port)).map(|port| {
            BindingRequest {
                protocol: protocol(port.protocol),
                container_port: port.port,
                host_ip: None,
                host_port: HostPort::Any,
            }
        }));
    }
    bindings.sort_by_key(|binding| (binding.container_port, binding.protocol));
    bindings
}

/// What is asked for as the network takes it.
pub(super) fn binding(binding: &PortBinding) -> BindingRequest {
    BindingRequest {
        protocol: protocol(binding.container.protocol),
        container_port: binding.container.port,
        host_ip: binding.host_ip,
        host_port: match binding.host_port {
            None | Some((0, _)) => HostPort::Any,
            Some((first, last)) if first == last => HostPort::Fixed(first),
            Some((first, last)) => HostPort::Between(first, last),
        },
    }
}

/// What was published, to publish it once more.
pub(super) fn binding_again(binding: &PublishedBinding) -> BindingRequest {
    BindingRequest {
        protocol: binding.protocol,
        container_port: binding.container_port,
        host_ip: Some(binding.host_ip),
        host_port: HostPort::Fixed(binding.host_port),
    }
}

/// The container's port of what was published.
pub(super) fn key(binding: &PublishedBinding) -> PortKey {
    PortKey {
        port: binding.container_port,
        protocol: match binding.protocol {
            Protocol::Tcp => PortProtocol::Tcp,
            Protocol::Udp => PortProtocol::Udp,
            Protocol::Sctp => PortProtocol::Sctp,
        },
    }
}

/// The same with the host's ports that were chosen before, so that nobody who knows them is lost.
pub(super) fn bindings_as_before(record: &ContainerRecord) -> Vec<BindingRequest> {
    let mut bindings = bindings(record);
    for binding in &mut bindings {
        let before = record.published.iter().find(|published| {
            published.container.port == binding.container_port
                && protocol(published.container.protocol) == binding.protocol
                && binding.host_ip.is_none_or(|address| address == published.host_ip)
        });
        if let Some(before) = before {
            binding.host_port = HostPort::Fixed(before.host_port);
        }
    }
    bindings
}

/// The published ports as the engine shows them.
pub(super) fn shown(published: &PublishedRecord, reach: Reach) -> Vec<PublishedPort> {
    published
        .bindings
        .iter()
        .map(|binding| PublishedPort {
            container: key(binding),
            host_ip: binding.host_ip,
            host_port: binding.host_port,
            only_near: reach == Reach::Lan && binding.host_ip.is_unspecified(),
        })
        .collect()
}
