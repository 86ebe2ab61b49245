//! The driver `bridge`: a Linux bridge for each network, a veth pair for each container.

mod device;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use ipnet::IpNet;

use crate::drivers::NetworkDriver;
use crate::error::{ErrorList, NetworkError, Result};
use crate::firewall::Firewall;
use crate::netlink::{Request, link};
use crate::record::{DriverName, EndpointRecord, EndpointRequest, NetworkRecord};
use crate::sandbox::{
    InterfaceSettings, Sandbox, VethPair, anchor_prefix, device_prefix, lock, route_socket,
};

pub(crate) use device::is_ours;

/// The largest device name in bytes (`IFNAMSIZ` without its closing zero).
const LONGEST_NAME: usize = 15;
/// RFC 791: every host must take packets of this size.
const SMALLEST_MTU: u32 = 68;

/// Bridges of one instance.
#[derive(Debug)]
pub(crate) struct Bridge {
    instance: String,
    firewall: Arc<Firewall>,
    /// By device, what keeps each bridge awake.
    anchors: Mutex<HashMap<String, Anchor>>,
}

/// A port that is always there.
///
/// A bridge without ports is asleep, and the kernel wakes it up in the background (linkwatch) after the first
/// container came: what the host sends to that container until then is lost, which costs a second, the time until
/// it is sent again. The port's other end is in a namespace of its own, and goes with this program.
#[derive(Debug)]
struct Anchor {
    _sandbox: Sandbox,
    device: String,
}

impl Bridge {
    /// The driver; it makes nothing by itself.
    pub(crate) fn new(instance: &str, firewall: Arc<Firewall>) -> Self {
        Self { instance: instance.to_owned(), firewall, anchors: Mutex::default() }
    }

    /// Keeps a bridge awake, if nothing does yet.
    fn anchor(&self, network: &NetworkRecord) -> Result<()> {
        let socket = route_socket()?;
        let Some(bridge) = link::find(&socket, &network.device)? else { return Ok(()) };
        let old = lock(&self.anchors).get(&network.device).map(|anchor| anchor.device.clone());
        if let Some(old) = old
            && link::find(&socket, &old)?.is_some_and(|end| end.master == Some(bridge.index))
        {
            return Ok(());
        }
        let sandbox = Sandbox::create_isolated()?;
        let pair = sandbox.take_pair(&anchor_prefix(&self.instance)?, None, network.mtu)?;
        let device = pair.host_device;
        let mut request = Request::new();
        let change = link::Change { master: Some(bridge.index), ..Default::default() };
        request.change_link(pair.host_index, &change, format!("attach {device} to {}", network.device));
        request.execute(&socket)?;
        lock(&self.anchors).insert(network.device.clone(), Anchor { _sandbox: sandbox, device });
        Ok(())
    }

    /// Enslaves the host's end and pins the container's MAC address to it, then sets up the inside.
    fn plug(
        &self,
        sandbox: &Sandbox,
        network: &NetworkRecord,
        pair: &VethPair,
        endpoint: &EndpointRecord,
        default_route: [bool; 2],
    ) -> Result<()> {
        let socket = route_socket()?;
        let device = &network.device;
        let Some(bridge) = link::find(&socket, device)? else {
            return Err(NetworkError::InvalidNetwork {
                network: network.name.clone(),
                reason: format!("its bridge {device} is gone; restart the daemon to make it again"),
            });
        };
        let mtu = (pair.mtu != network.mtu).then_some(network.mtu);
        let mut request = Request::new();
        attach(&mut request, network, &bridge, pair.host_index, mtu, endpoint);
        request.execute(&socket)?;
        let gateways = &endpoint.gateways_of(default_route);
        let settings = InterfaceSettings {
            mac: endpoint.mac,
            mtu,
            addresses: &endpoint.addresses,
            gateways,
            gateway_mac: bridge.mac,
        };
        sandbox.set_up(pair, &settings)
    }
}

impl NetworkDriver for Bridge {
    fn name(&self) -> DriverName {
        DriverName::Bridge
    }

    fn validate(&self, network: &NetworkRecord) -> Result<()> {
        let refuse =
            |reason: String| Err(NetworkError::InvalidNetwork { network: network.name.clone(), reason });
        check_device_name(&network.device)?;
        if network.subnets.is_empty() {
            return refuse("a bridge network needs a subnet".to_owned());
        }
        if network.mtu < SMALLEST_MTU || network.mtu > 65_535 {
            return refuse(format!("the MTU {} is not between {SMALLEST_MTU} and 65535", network.mtu));
        }
        for (index, subnet) in network.subnets.iter().enumerate() {
            let is_ipv6 = |net: IpNet| matches!(net, IpNet::V6(_));
            if network.subnets[..index].iter().any(|other| is_ipv6(other.subnet) == is_ipv6(subnet.subnet)) {
                return refuse("a bridge network has at most one subnet of each family".to_owned());
            }
            if !subnet.subnet.contains(&subnet.gateway) {
                return refuse(format!("the gateway {} is not in {}", subnet.gateway, subnet.subnet));
            }
            if subnet.range.is_some_and(|range| !subnet.subnet.contains(&range)) {
                return refuse(format!("the address range is not in {}", subnet.subnet));
            }
            if subnet.subnet.max_prefix_len() == subnet.subnet.prefix_len() {
                return refuse(format!("{} has no room for containers", subnet.subnet));
            }
        }
        Ok(())
    }

    fn create_network(&self, network: &NetworkRecord) -> Result<()> {
        self.validate(network)?;
        // The rules come first: the bridge lets loopback addresses in, which only they keep out again.
        self.firewall.add_network(network)?;
        let made = device::ensure(&self.instance, network).and_then(|()| self.anchor(network));
        made.inspect_err(|_| {
            // The first failure is the one to tell.
            let _ = self.remove_network(network);
        })
    }

    fn restore_network(&self, network: &NetworkRecord) -> Result<()> {
        self.validate(network)?;
        device::ensure(&self.instance, network)?;
        self.anchor(network)
    }

    fn remove_network(&self, network: &NetworkRecord) -> Result<()> {
        let mut errors = ErrorList::default();
        let anchor = lock(&self.anchors).remove(&network.device);
        errors.collect(anchor.map_or(Ok(()), |anchor| device::delete(&anchor.device)));
        errors.collect(device::remove(&self.instance, &network.device));
        errors.collect(self.firewall.remove_network(network));
        errors.finish()
    }

    fn connect(
        &self,
        sandbox: &Sandbox,
        network: &NetworkRecord,
        mut endpoint: EndpointRecord,
        request: &EndpointRequest,
    ) -> Result<EndpointRecord> {
        if let Some(name) = &request.interface {
            check_device_name(name)?;
        }
        let prefix = device_prefix(&self.instance)?;
        let pair = sandbox.take_pair(&prefix, request.interface.as_deref(), network.mtu)?;
        endpoint.host_device.clone_from(&pair.host_device);
        endpoint.interface.clone_from(&pair.interface);
        if let Err(error) = self.plug(sandbox, network, &pair, &endpoint, request.default_route) {
            // Half of it may be done: what is left is no use to another network.
            let _ = device::delete(&pair.host_device);
            return Err(error);
        }
        Ok(endpoint)
    }

    fn restore_endpoint(&self, network: &NetworkRecord, endpoint: &EndpointRecord) -> Result<()> {
        let socket = route_socket()?;
        let (Some(bridge), Some(end)) =
            (link::find(&socket, &network.device)?, link::find(&socket, &endpoint.host_device)?)
        else {
            // A container that ended took its link along.
            return Ok(());
        };
        if end.master == Some(bridge.index) {
            return Ok(());
        }
        let mut request = Request::new();
        attach(&mut request, network, &bridge, end.index, None, endpoint);
        request.execute(&socket)
    }

    fn disconnect(&self, _: &NetworkRecord, endpoint: &EndpointRecord, running: bool) -> Result<()> {
        if running && !endpoint.host_device.is_empty() {
            device::delete(&endpoint.host_device)
        } else {
            Ok(())
        }
    }
}

/// Adds: make the host's end a port of the bridge, and tell the bridge and the host who lives there.
fn attach(
    request: &mut Request,
    network: &NetworkRecord,
    bridge: &link::Link,
    end: u32,
    mtu: Option<u32>,
    endpoint: &EndpointRecord,
) {
    let (device, host) = (&network.device, &endpoint.host_device);
    let change = link::Change { master: Some(bridge.index), mtu, ..Default::default() };
    request.change_link(end, &change, format!("attach {host} to {device}"));
    if !network.icc && !device::is_filtered() {
        request.change_port(end, None, Some(true), format!("isolate {host} on {device}"));
    }
    let Some(mac) = endpoint.mac else { return };
    request.pin_to_port(end, mac, format!("pin {mac} to {host}"));
    for address in endpoint.addresses.iter().map(IpNet::addr) {
        // A MAC address of the user's own may follow another one for the same IP address.
        request.set_neighbour(bridge.index, address, mac, format!("remember {mac} for {address}"));
    }
}

/// Whether the kernel takes this as a device's name (dev_valid_name).
fn check_device_name(name: &str) -> Result<()> {
    let is_bad = |byte: u8| byte == b'/' || byte == b':' || byte.is_ascii_whitespace() || byte == 0;
    if name.is_empty() || name.len() > LONGEST_NAME || name == "." || name == ".." || name.bytes().any(is_bad)
    {
        return Err(NetworkError::InvalidDevice { name: name.to_owned() });
    }
    Ok(())
}
