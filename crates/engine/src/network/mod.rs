//! A container's network: its sandbox, its endpoints, its published ports and its name files, made for a
//! start and given back at the end.

mod balance;
mod files;
mod firewall;
mod gateway;
mod join;
mod names;
mod own;
mod pass_on;
mod ports;
mod republish;
mod settle;

pub(crate) use balance::Balanced;
pub use own::{Network, NetworkRequest, SubnetRequest};
pub(crate) use settle::relays;

use crate::Engine;
use crate::containers::{ContainerRecord, EndpointRecord, NetworkHold, PublishedPort};
use crate::error::Error;
use crate::spec::NetworkMode;
use sampan_error::Result;
use sampan_network::{BindingRequest, EndpointRequest, NameSockets, Published, Sandbox};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::OwnedFd;

/// What a start gets from the network.
#[derive(Default)]
pub(crate) struct Connected {
    /// The namespace to join; `None` for the host's and another container's.
    pub(crate) namespace: Option<OwnedFd>,
    /// Endpoints with their addresses, by network name.
    pub(crate) endpoints: BTreeMap<String, EndpointRecord>,
    /// Published ports as they are shown.
    pub(crate) ports: Vec<PublishedPort>,
    /// What has to be given back.
    pub(crate) hold: NetworkHold,
    /// Sockets that hold host ports.
    pub(crate) reservations: Vec<OwnedFd>,
    /// Sockets that the shim relays.
    pub(crate) relays: Vec<sampan_network::RelaySocket>,
    /// The name server's sockets, where the container has one.
    pub(crate) names: Option<NameSockets>,
    /// Ports that lead elsewhere, with their sockets.
    pub(crate) passes: (Vec<sampan_shim::protocol::Relay>, Vec<OwnedFd>),
}

impl Engine {
    /// Connects a container that is about to start. On failure nothing is left.
    ///
    /// # Errors
    /// No address or port left, a port in use, the kernel's refusal.
    pub(crate) fn connect_network(&self, record: &ContainerRecord) -> Result<Connected> {
        let mut connected = Connected { endpoints: record.endpoints.clone(), ..Default::default() };
        match &record.spec.host.network_mode {
            NetworkMode::Host | NetworkMode::Container(_) => return Ok(connected),
            _ if record.spec.process.network_disabled => {
                connected.namespace = Some(descriptor(&self.inner.sandboxes.take_isolated()?)?);
                return Ok(connected);
            }
            NetworkMode::None => {
                connected.namespace = Some(descriptor(&self.inner.sandboxes.take_isolated()?)?);
                return Ok(connected);
            }
            NetworkMode::Bridge | NetworkMode::Named(_) => {}
        }
        let sandbox = self.inner.sandboxes.take()?;
        let outcome = self
            .connect_endpoints(record, &sandbox, &mut connected)
            .and_then(|()| self.publish_ports(record, &mut connected))
            .and_then(|()| {
                if names::has_name_server(&connected.endpoints) {
                    connected.names = Some(sandbox.open_name_sockets()?);
                }
                connected.passes = pass_on::open(&sandbox, record)?;
                Ok(())
            });
        if let Err(error) = outcome {
            self.release_network(&connected.hold);
            return Err(error);
        }
        connected.namespace = Some(descriptor(&sandbox)?);
        Ok(connected)
    }

    fn connect_endpoints(
        &self,
        record: &ContainerRecord,
        sandbox: &Sandbox,
        connected: &mut Connected,
    ) -> Result<()> {
        let gateways = self.gateways(&connected.endpoints)?;
        for (network, endpoint) in &mut connected.endpoints {
            let default_route = gateways.each_ref().map(|gateway| gateway.as_ref() == Some(network));
            let request = request(record, endpoint, default_route)?;
            let made = self.inner.network.connect(sandbox, network, &request)?;
            fill(endpoint, &made);
            endpoint.dns_names = names::names(record, network, endpoint);
            connected.hold.endpoints.push(made);
        }
        Ok(())
    }

    fn publish_ports(&self, record: &ContainerRecord, connected: &mut Connected) -> Result<()> {
        self.publish(record, ports::bindings(record), connected)
    }

    fn publish(
        &self,
        record: &ContainerRecord,
        bindings: Vec<BindingRequest>,
        connected: &mut Connected,
    ) -> Result<()> {
        let endpoint = self.published_at(&connected.endpoints, &connected.hold.endpoints)?;
        let Some(endpoint) = endpoint.filter(|_| !bindings.is_empty()) else {
            return Ok(());
        };
        let request = sampan_network::PublishRequest { endpoint: endpoint.clone(), bindings };
        let Published { record: published, reservations, relays, notes } =
            self.inner.network.publish(&request)?;
        for note in notes {
            tracing::warn!(container = %record.id, "{note}");
        }
        connected.ports = ports::shown(&published, self.inner.config.published_reach);
        connected.reservations = reservations.into_iter().map(|it| it.socket).collect();
        connected.relays = relays;
        connected.hold.published.push(published);
        Ok(())
    }

    /// Gives ports and addresses back. Failures are logged: the end of a container goes on.
    pub(crate) fn release_network(&self, hold: &NetworkHold) {
        for published in &hold.published {
            if let Err(error) = self.inner.network.unpublish(published) {
                tracing::warn!(%error, "published ports could not be taken back in full");
            }
        }
        for endpoint in &hold.endpoints {
            if let Err(error) = self.inner.network.disconnect(endpoint) {
                tracing::warn!(%error, "an endpoint could not be taken back in full");
            }
        }
    }
}

fn descriptor(sandbox: &Sandbox) -> Result<OwnedFd> {
    Ok(sandbox.descriptor().try_clone_to_owned()?)
}

fn request(
    record: &ContainerRecord,
    endpoint: &EndpointRecord,
    default_route: [bool; 2],
) -> Result<EndpointRequest> {
    let options = &endpoint.options;
    let address = |text: &Option<String>| -> Result<Option<IpAddr>> {
        text.as_deref()
            .filter(|text| !text.is_empty())
            .map(|text| {
                text.parse().map_err(|_| Error::Invalid(format!("invalid IP address: {text}")).into())
            })
            .transpose()
    };
    let mac = options.mac_address.as_ref().or(record.spec.process.mac_address.as_ref());
    Ok(EndpointRequest {
        endpoint_id: crate::identity::random_id(),
        container_id: record.id.clone(),
        interface: None,
        ipv4: match address(&options.ipv4_address)? {
            Some(IpAddr::V4(address)) => Some(address),
            _ => None,
        },
        ipv6: match address(&options.ipv6_address)? {
            Some(IpAddr::V6(address)) => Some(address),
            _ => None,
        },
        mac: mac
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().map_err(|_| Error::Invalid(format!("invalid MAC address: {text}"))))
            .transpose()?,
        default_route,
    })
}

/// Takes over what the network gave.
fn fill(endpoint: &mut EndpointRecord, made: &sampan_network::EndpointRecord) {
    endpoint.endpoint_id.clone_from(&made.id);
    endpoint.network_id.clone_from(&made.network_id);
    for address in &made.addresses {
        match address.addr() {
            IpAddr::V4(_) => endpoint.ipv4 = Some((address.addr(), address.prefix_len())),
            IpAddr::V6(v6) => endpoint.ipv6 = Some((v6, address.prefix_len())),
        }
    }
    (endpoint.gateway, endpoint.ipv6_gateway) = (None, None);
    for gateway in &made.gateways {
        match gateway {
            IpAddr::V4(_) => endpoint.gateway = Some(*gateway),
            IpAddr::V6(v6) => endpoint.ipv6_gateway = Some(*v6),
        }
    }
    endpoint.mac_address = made.mac.map(|mac| mac.to_string()).unwrap_or_default();
}
