//! Opening: the default networks, the bridge, the ruleset, what the last daemon left.

use std::sync::{Arc, Mutex, RwLock};

use ipnet::IpNet;
use sampan_sys::netlink::NetlinkSocket;

use super::{Manager, ManagerConfig, Network, first_gateway};
use crate::drivers::bridge::{Bridge, is_ours};
use crate::drivers::host::Host;
use crate::drivers::none::NoNetwork;
use crate::error::{NetworkError, Result};
use crate::firewall::Firewall;
use crate::ipam::{self, AddressBook};
use crate::netlink::netfilter::NetfilterSocket;
use crate::netlink::{address, link};
use crate::nftables::Family;
use crate::nftables::elements;
use crate::record::{DriverName, EndpointRecord, NetworkRecord, PublishedRecord, Records, Subnet};
use crate::sandbox::{device_prefix, lock, route_socket};
use crate::{fingerprint, host, sandbox};

/// The networks that every instance has.
pub(super) const PREDEFINED: [&str; 3] = ["bridge", "host", "none"];

impl Manager {
    /// Makes or finds the default bridge and the ruleset, and takes the records over.
    ///
    /// What an earlier daemon of this instance left in the kernel goes on working. Endpoints and ports that the
    /// records do not name can be handed in by [`Self::adopt`]; then [`Self::reconcile`] removes what nobody owns.
    /// Takes about a millisecond.
    ///
    /// # Errors
    /// A wrong configuration, a range that clashes, the kernel's refusal.
    pub fn open(config: ManagerConfig, records: &Records) -> Result<Self> {
        device_prefix(&config.instance)?;
        let netfilter = Arc::new(NetfilterSocket::default());
        let firewall = Arc::new(Firewall::new(&config.instance, config.reach, Arc::clone(&netfilter)));
        let drivers: Vec<Box<dyn crate::NetworkDriver>> = vec![
            Box::new(Bridge::new(&config.instance, Arc::clone(&firewall))),
            Box::new(Host),
            Box::new(NoNetwork),
        ];
        let socket = route_socket()?;
        let manager = Self {
            state: Mutex::default(),
            ports: Mutex::default(),
            gate: RwLock::new(()),
            forgetting: Arc::default(),
            netfilter,
            config,
            drivers,
            firewall,
        };
        let networks = manager.all_networks(&socket, records)?;
        manager.turn_forwarding_on(&socket, &networks)?;
        manager.restore(&networks, records);
        for network in &networks {
            manager.firewall.remember(network);
        }
        // The rules come before the bridges, which let loopback addresses in. Rules of an earlier daemon stay with
        // the ports that it published, until `reconcile` has heard of all containers.
        let published = elements::Published::of(records.published.iter()).with_balanced(&records.balanced);
        let stays = manager.firewall.is_laid_down()?
            && ((records.published.is_empty() && records.balanced.is_empty())
                || manager.firewall.is_intact(&published)?);
        if !stays {
            manager.firewall.lay_down(&published)?;
        }
        manager.firewall.make_user_chain()?;
        for network in &networks {
            manager.driver(network.driver)?.restore_network(network)?;
        }
        manager.restore_endpoints()?;
        manager.remove_unattached()?;
        Ok(manager)
    }

    /// The predefined networks, then those of the records.
    fn all_networks(&self, socket: &NetlinkSocket, records: &Records) -> Result<Vec<NetworkRecord>> {
        let recorded = |name: &str| records.networks.iter().find(|network| network.name == name);
        let mut networks = vec![self.default_bridge(socket, recorded("bridge"))?];
        for (name, driver) in [("host", DriverName::Host), ("none", DriverName::None)] {
            networks.push(match recorded(name) {
                Some(network) => network.clone(),
                None => plain(&self.config.instance, name, driver),
            });
        }
        let others = records.networks.iter().filter(|network| !PREDEFINED.contains(&network.name.as_str()));
        networks.extend(others.cloned());
        for network in &networks {
            self.driver(network.driver)?.validate(network)?;
        }
        Ok(networks)
    }

    /// The network `bridge`: settings from the configuration, the range from there, from the record, from the
    /// device as it is, or the first free one.
    fn default_bridge(
        &self,
        socket: &NetlinkSocket,
        recorded: Option<&NetworkRecord>,
    ) -> Result<NetworkRecord> {
        let config = &self.config;
        let mut network = match recorded {
            Some(network) => network.clone(),
            None => plain(&config.instance, "bridge", DriverName::Bridge),
        };
        network.device.clone_from(&config.bridge);
        network.icc = config.icc;
        network.masquerade = config.masquerade;
        network.binding_address = config.binding_address;
        network.mtu = match config.mtu {
            Some(mtu) => mtu,
            None => host::uplink_mtu(socket)?,
        };
        let in_use = host::ranges_in_use(socket, &network.device)?;
        let mut subnet = match config.bridge_address {
            Some(address) => {
                ipam::check_free(address, &in_use)?;
                Subnet { gateway: address.addr(), ..first_gateway(address) }
            }
            None => match self.known_range(socket, &network, &in_use)? {
                Some(subnet) => subnet,
                None => first_gateway(ipam::choose(&in_use)?.into()),
            },
        };
        subnet.range = config.fixed_range;
        network.subnets.retain(|other| matches!(other.subnet, IpNet::V6(_)));
        network.subnets.insert(0, subnet);
        Ok(network)
    }

    /// The range of the record or of the bridge that is there, unless the host uses it elsewhere by now.
    fn known_range(
        &self,
        socket: &NetlinkSocket,
        network: &NetworkRecord,
        in_use: &[IpNet],
    ) -> Result<Option<Subnet>> {
        if let Some(subnet) = network.ipv4() {
            return Ok(ipam::check_free(subnet.subnet, in_use).is_ok().then(|| subnet.clone()));
        }
        let Some(bridge) =
            link::find(socket, &network.device)?.filter(|link| is_ours(link, &self.config.instance))
        else {
            return Ok(None);
        };
        let addresses = address::list(socket)?;
        let own = addresses.iter().find(|(index, net)| *index == bridge.index && matches!(net, IpNet::V4(_)));
        Ok(own
            .filter(|(_, net)| ipam::check_free(*net, in_use).is_ok())
            .map(|(_, net)| Subnet { gateway: net.addr(), ..first_gateway(*net) }))
    }

    /// Turns forwarding on where a network needs it; then nothing foreign may be forwarded, and the ruleset must be
    /// laid down again, which is what the answer says.
    pub(super) fn turn_forwarding_on(
        &self,
        socket: &NetlinkSocket,
        networks: &[NetworkRecord],
    ) -> Result<bool> {
        let mut changed = false;
        if !self.config.forward {
            return Ok(changed);
        }
        for (family, ipv6) in [(Family::Ipv4, false), (Family::Ipv6, true)] {
            let is_needed = networks.iter().any(|network| {
                !network.internal && if ipv6 { network.ipv6().is_some() } else { network.ipv4().is_some() }
            });
            if !is_needed {
                continue;
            }
            if !host::forwards(ipv6) {
                host::forward(socket, ipv6)?;
                self.firewall.guard(family);
                changed = true;
            } else if self.firewall.has_guard(family) {
                // A former daemon of this instance turned it on.
                self.firewall.guard(family);
            }
        }
        Ok(changed)
    }

    fn restore(&self, networks: &[NetworkRecord], records: &Records) {
        let of = |record: &NetworkRecord| Network { record: record.clone(), book: AddressBook::new(record) };
        sandbox::lock(&self.state).networks = networks.iter().map(of).collect();
        self.adopt(&records.endpoints, &records.published);
        let balanced = records.balanced.iter().map(|record| (record.name.clone(), record.clone()));
        lock(&self.state).balanced.extend(balanced);
    }

    /// Takes over what containers of an earlier daemon hold: their addresses and ports are taken. What is known
    /// already stays as it is.
    pub fn adopt(&self, endpoints: &[EndpointRecord], published: &[PublishedRecord]) {
        let mut state = sandbox::lock(&self.state);
        for endpoint in endpoints {
            if state.endpoints.insert(endpoint.id.clone(), endpoint.clone()).is_none()
                && let Ok(network) = state.network(&endpoint.network_id)
            {
                network.book.restore(&endpoint.addresses);
            }
        }
        let mut new = Vec::new();
        for record in published {
            if state.published.insert(record.endpoint_id.clone(), record.clone()).is_none() {
                new.extend_from_slice(&record.bindings);
            }
        }
        drop(state);
        sandbox::lock(&self.ports).restore(&new);
    }
}

/// A predefined network. Its id follows from the instance: an engine that lost its records finds it again.
fn plain(instance: &str, name: &str, driver: DriverName) -> NetworkRecord {
    let part = |seed| format!("{:016x}", fingerprint::of(seed, format!("{instance} {name}").as_bytes()));
    NetworkRecord {
        id: (0..4).map(part).collect(),
        name: name.to_owned(),
        driver,
        device: String::new(),
        subnets: Vec::new(),
        mtu: 0,
        internal: false,
        icc: true,
        masquerade: true,
        binding_address: None,
    }
}

/// 64 random hexadecimal digits.
pub(super) fn random_id() -> Result<String> {
    use std::fmt::Write;
    let mut bytes = [0_u8; 32];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty())
        .map_err(NetworkError::system("no random numbers"))?;
    Ok(bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}
