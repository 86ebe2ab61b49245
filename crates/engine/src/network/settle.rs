//! What follows when a running container came into a network or left one: routes, names, files, published ports.

use super::files::{add_hosts, remove_hosts};
use super::join::sandbox_of;
use super::{Connected, names, ports};
use crate::Engine;
use crate::containers::container::Container;
use crate::containers::{ContainerRecord, EndpointRecord};
use sampan_error::Result;
use sampan_network::RelaySocket;
use sampan_shim::protocol::{Relay, RelayProtocol, SetSockets};
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

impl Engine {
    /// Brings a container that runs in line with its new networks; `before` is its record as it was. A container that
    /// does not run gets all this with its next start.
    ///
    /// # Errors
    /// The kernel's refusal; its supervisor is gone.
    pub(super) async fn settle_network(
        &self,
        container: &Arc<Container>,
        before: &Arc<ContainerRecord>,
    ) -> Result<()> {
        if !container.record().is_running() {
            return Ok(());
        }
        let (engine, inside, earlier) = (self.clone(), Arc::clone(container), Arc::clone(before));
        let sockets = crate::blocking(move || {
            engine.settle_routes(&inside, &earlier)?;
            let sockets = engine.settle_names(&inside)?;
            engine.settle_files(&inside.record(), &earlier)?;
            Ok(sockets)
        })
        .await?;
        if let (Some(sockets), Some(live)) = (sockets, container.live()) {
            live.supervisor.hold_name_sockets(sockets).await?;
        }
        self.settle_ports(container).await
    }

    /// The network that leads out may be another one now.
    fn settle_routes(&self, container: &Container, before: &ContainerRecord) -> Result<()> {
        let record = container.record();
        let old = self.gateways(&before.endpoints)?;
        let new = self.gateways(&record.endpoints)?;
        let sandbox = sandbox_of(container)?;
        for (family, (old, new)) in old.iter().zip(&new).enumerate() {
            let Some(name) = new.as_ref().filter(|_| old != new) else { continue };
            let id = record.endpoints.get(name).map(|endpoint| endpoint.network_id.as_str());
            let made = record.network.endpoints.iter().find(|made| Some(made.network_id.as_str()) == id);
            if let Some(made) = made {
                sandbox.route_by(made, [family == 0, family == 1])?;
            }
        }
        Ok(())
    }

    /// Others know it by its names there; on its first network with names it gets a name server.
    fn settle_names(&self, container: &Container) -> Result<Option<Vec<OwnedFd>>> {
        let record = container.record();
        if !names::has_name_server(&record.endpoints) || self.inner.names.is_serving(&record.id) {
            self.renew_names(&record)?;
            return Ok(None);
        }
        let sandbox = sandbox_of(container)?;
        let mut connected = Connected {
            namespace: Some(super::descriptor(&sandbox)?),
            endpoints: record.endpoints.clone(),
            names: Some(sandbox.open_name_sockets()?),
            ..Connected::default()
        };
        self.serve_names(&record, &mut connected).map(Some)
    }

    fn settle_files(&self, record: &ContainerRecord, before: &ContainerRecord) -> Result<()> {
        let (old, new) = (addresses(before), addresses(record));
        let is_gone = |address: &&IpAddr| !new.contains(address);
        remove_hosts(record, &old.iter().filter(is_gone).copied().collect::<Vec<_>>())?;
        add_hosts(record, &new.iter().filter(|address| !old.contains(address)).copied().collect::<Vec<_>>())?;
        if names::has_name_server(&record.endpoints) != names::has_name_server(&before.endpoints) {
            let connected = Connected { endpoints: record.endpoints.clone(), ..Connected::default() };
            self.write_resolver(record, &connected)?;
        }
        Ok(())
    }

    /// Ports are published at the network that leads out: with the same numbers when it is another one now.
    async fn settle_ports(&self, container: &Arc<Container>) -> Result<()> {
        let record = container.record();
        let at = self.published_at(&record.endpoints, &record.network.endpoints)?;
        let is_there = match record.network.published.first() {
            Some(published) => at.is_some_and(|endpoint| endpoint.id == published.endpoint_id),
            None => ports::bindings(&record).is_empty() || at.is_none() && record.published.is_empty(),
        };
        if is_there {
            return Ok(());
        }
        self.publish_again(container, ports::bindings_as_before(&record)).await
    }

    /// Takes a running container's published ports back and publishes these. When that fails none is left, and
    /// the record says so.
    ///
    /// # Errors
    /// A port is taken; the kernel's refusal; the supervisor is gone.
    pub(crate) async fn publish_again(
        &self,
        container: &Arc<Container>,
        bindings: Vec<sampan_network::BindingRequest>,
    ) -> Result<()> {
        let record = container.record();
        let Some(live) = container.live() else { return Ok(()) };
        let (engine, old) = (self.clone(), record.network.published.clone());
        crate::blocking(move || {
            for published in &old {
                engine.inner.network.unpublish(published)?;
            }
            Ok(())
        })
        .await?;
        container.change(|record| {
            record.network.published.clear();
            record.published.clear();
        });
        // The supervisor holds the ports: it lets go of them first.
        live.supervisor.set_sockets(&SetSockets::default(), Vec::new(), Vec::new()).await?;
        let (engine, record) = (self.clone(), container.record());
        let connected = crate::blocking(move || {
            let mut connected = Connected {
                endpoints: record.endpoints.clone(),
                hold: crate::containers::NetworkHold {
                    endpoints: record.network.endpoints.clone(),
                    published: Vec::new(),
                },
                ..Connected::default()
            };
            engine.publish(&record, bindings, &mut connected)?;
            Ok(connected)
        })
        .await?;
        let (relays, listeners) = relays(connected.relays);
        container.change(|record| {
            record.network.published = connected.hold.published;
            record.published = connected.ports;
        });
        live.supervisor.set_sockets(&SetSockets { relays }, connected.reservations, listeners).await
    }
}

/// What the supervisor relays, and the sockets that go with it.
pub(crate) fn relays(sockets: Vec<RelaySocket>) -> (Vec<Relay>, Vec<OwnedFd>) {
    let both = sockets.into_iter().map(|relay| {
        let protocol = match relay.protocol {
            sampan_network::Protocol::Udp => RelayProtocol::Udp,
            _ => RelayProtocol::Tcp,
        };
        let (target, only_near) = (relay.target, relay.only_near);
        (Relay { protocol, target, only_near, name: String::new(), held: false }, relay.listener)
    });
    both.unzip()
}

fn addresses(record: &ContainerRecord) -> Vec<IpAddr> {
    let of = |endpoint: &EndpointRecord| {
        let ipv4 = endpoint.ipv4.map(|(address, _)| address);
        ipv4.into_iter().chain(endpoint.ipv6.map(|(address, _)| IpAddr::V6(address))).collect::<Vec<_>>()
    };
    record.endpoints.values().flat_map(of).collect()
}
