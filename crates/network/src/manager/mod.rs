//! The door to this crate: one `Manager` for each daemon.

mod balance;
mod connect;
mod open;
mod publish;
mod reconcile;
mod types;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, RwLock};

pub use types::{
    ManagerConfig, PublishRequest, Published, Reconciled, RelaySocket, Reservation, Statistics,
    default_bridge_device,
};

use crate::drivers::NetworkDriver;
use crate::error::{NetworkError, Result};
use crate::firewall::Firewall;
use crate::forget::Forgetting;
use crate::ipam::{self, AddressBook};
use crate::netlink::link;
use crate::netlink::netfilter::NetfilterSocket;
use crate::nftables::elements::Published as PublishedElements;
use crate::ports::PortTable;
use crate::record::{BalancedRecord, DriverName, EndpointRecord, NetworkRecord, PublishedRecord, Subnet};
use crate::sandbox::{lock, route_socket};
use crate::{host, warnings};

/// Container networking of one daemon. Every method may be called from any thread.
#[derive(Debug)]
pub struct Manager {
    config: ManagerConfig,
    drivers: Vec<Box<dyn NetworkDriver>>,
    firewall: Arc<Firewall>,
    netfilter: Arc<NetfilterSocket>,
    forgetting: Arc<Forgetting>,
    state: Mutex<State>,
    ports: Mutex<PortTable>,
    /// Held for reading while something comes or goes, for writing while the kernel is compared with the state.
    gate: RwLock<()>,
}

/// What there is. The lock is never held across a system call.
#[derive(Debug, Default)]
struct State {
    networks: Vec<Network>,
    endpoints: HashMap<String, EndpointRecord>,
    published: HashMap<String, PublishedRecord>,
    balanced: HashMap<String, BalancedRecord>,
}

#[derive(Debug)]
struct Network {
    record: NetworkRecord,
    book: AddressBook,
}

impl State {
    /// All elements that published ports have in the kernel.
    fn elements(&self) -> PublishedElements {
        PublishedElements::of(self.published.values()).with_balanced(self.balanced.values())
    }

    fn network(&mut self, name: &str) -> Result<&mut Network> {
        // A name goes before an id, as at Docker.
        let index = self
            .networks
            .iter()
            .position(|network| network.record.name == name)
            .or_else(|| self.networks.iter().position(|network| network.record.id == name));
        match index.and_then(|index| self.networks.get_mut(index)) {
            Some(network) => Ok(network),
            None => Err(NetworkError::NoSuchNetwork { name: name.to_owned() }),
        }
    }
}

impl Manager {
    /// The default network, `bridge`.
    pub fn default_network(&self) -> NetworkRecord {
        let mut networks = self.networks();
        // `open` makes it first, and it cannot be removed.
        networks.swap_remove(0)
    }

    /// What it was opened with.
    pub fn config(&self) -> &ManagerConfig {
        &self.config
    }

    /// All networks: `bridge`, `host` and `none` first.
    pub fn networks(&self) -> Vec<NetworkRecord> {
        lock(&self.state).networks.iter().map(|network| network.record.clone()).collect()
    }

    /// One network, by name or id.
    ///
    /// # Errors
    /// [`NetworkError::NoSuchNetwork`].
    pub fn network(&self, name: &str) -> Result<NetworkRecord> {
        lock(&self.state).network(name).map(|network| network.record.clone())
    }

    /// Makes a network. An empty `id` or `device`, no `subnets` and 0 as `mtu` are filled in; the result is to be
    /// stored.
    ///
    /// # Errors
    /// A wrong record, a clash, the kernel's refusal.
    pub fn create_network(&self, mut network: NetworkRecord) -> Result<NetworkRecord> {
        let _gate = self.standing_still();
        self.fill_in(&mut network)?;
        let driver = self.driver(network.driver)?;
        driver.validate(&network)?;
        {
            let mut state = lock(&self.state);
            let is_same = |other: &Network| {
                let other = &other.record;
                other.id == network.id || other.name == network.name || other.device == network.device
            };
            if state.networks.iter().any(is_same) {
                return Err(NetworkError::NetworkExists { name: network.name });
            }
            let book = AddressBook::new(&network);
            state.networks.push(Network { record: network.clone(), book });
        }
        let made = self.prepare_forwarding(&network).and_then(|()| driver.create_network(&network));
        made.inspect_err(|_| self.forget_network(&network.id))?;
        Ok(network)
    }

    /// Removes a network (by name or id) without endpoints. Takes about 20 ms.
    ///
    /// # Errors
    /// It is not there, is in use or is predefined, or the kernel refuses.
    pub fn remove_network(&self, name: &str) -> Result<()> {
        let _gate = self.standing_still();
        let network = self.network(name)?;
        if open::PREDEFINED.contains(&network.name.as_str()) {
            let reason = format!("{} is a pre-defined network and cannot be removed", network.name);
            return Err(NetworkError::Unsupported { reason });
        }
        if lock(&self.state).endpoints.values().any(|endpoint| endpoint.network_id == network.id) {
            return Err(NetworkError::NetworkInUse { name: network.name });
        }
        let removed = self.driver(network.driver)?.remove_network(&network);
        self.forget_network(&network.id);
        removed
    }

    /// Counters for `docker stats`, without entering the container: those of the host's end, the other way round.
    ///
    /// # Errors
    /// The link is gone.
    pub fn statistics(&self, endpoint: &EndpointRecord) -> Result<Statistics> {
        if endpoint.host_device.is_empty() {
            return Ok(Statistics::default());
        }
        let counters = link::counters(&route_socket()?, &endpoint.host_device)?.0;
        let [sent_packets, received_packets, sent_bytes, received_bytes, ..] = counters;
        let [.., sent_errors, received_errors, sent_dropped, received_dropped] = counters;
        Ok(Statistics {
            received_bytes,
            received_packets,
            received_errors,
            received_dropped,
            sent_bytes,
            sent_packets,
            sent_errors,
            sent_dropped,
        })
    }

    /// Sentences for the user about the host: what other firewalls drop, and which rule is missing there.
    pub fn warnings(&self) -> Vec<String> {
        let devices: Vec<String> = lock(&self.state)
            .networks
            .iter()
            .filter(|network| network.record.driver == DriverName::Bridge && !network.record.internal)
            .map(|network| network.record.device.clone())
            .collect();
        warnings::collect(&self.netfilter, &devices, self.firewall.is_guarding())
    }

    fn driver(&self, name: DriverName) -> Result<&dyn NetworkDriver> {
        let driver = self.drivers.iter().find(|driver| driver.name() == name);
        driver.map(Box::as_ref).ok_or_else(|| NetworkError::Unsupported {
            reason: format!("there is no network driver {}", name.as_docker()),
        })
    }

    fn coming_or_going(&self) -> std::sync::RwLockReadGuard<'_, ()> {
        self.gate.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn standing_still(&self) -> std::sync::RwLockWriteGuard<'_, ()> {
        self.gate.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Turns forwarding on where the first network of a family needs it, with the rule that goes with it.
    fn prepare_forwarding(&self, network: &NetworkRecord) -> Result<()> {
        if self.turn_forwarding_on(&route_socket()?, std::slice::from_ref(network))? {
            let elements = lock(&self.state).elements();
            self.firewall.lay_down(&elements)?;
        }
        Ok(())
    }

    fn forget_network(&self, id: &str) {
        lock(&self.state).networks.retain(|network| network.record.id != id);
    }

    /// Chooses what a record leaves open.
    fn fill_in(&self, network: &mut NetworkRecord) -> Result<()> {
        if network.id.is_empty() {
            network.id = open::random_id()?;
        }
        if network.driver != DriverName::Bridge {
            return Ok(());
        }
        if network.device.is_empty() {
            network.device = format!("spn-{}", &network.id[..network.id.len().min(11)]);
        }
        let socket = route_socket()?;
        if network.mtu == 0 {
            network.mtu = match self.config.mtu {
                Some(mtu) => mtu,
                None => host::uplink_mtu(&socket)?,
            };
        }
        let mut in_use = host::ranges_in_use(&socket, &network.device)?;
        in_use.extend(
            self.networks().iter().flat_map(|network| network.subnets.iter().map(|subnet| subnet.subnet)),
        );
        for subnet in &network.subnets {
            ipam::check_free(subnet.subnet, &in_use)?;
        }
        if network.ipv4().is_none() {
            network.subnets.insert(0, first_gateway(ipam::choose(&in_use)?.into()));
        }
        Ok(())
    }
}

/// A range whose first address is the gateway.
fn first_gateway(subnet: ipnet::IpNet) -> Subnet {
    let gateway = match subnet.network() {
        IpAddr::V4(network) => IpAddr::V4((u32::from(network) | 1).into()),
        IpAddr::V6(network) => IpAddr::V6((u128::from(network) | 1).into()),
    };
    Subnet { subnet: subnet.trunc(), range: None, gateway, reserved: Vec::new() }
}

#[cfg(test)]
mod tests;
