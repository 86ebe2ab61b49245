//! The bridge device on the host.

use std::net::IpAddr;
use std::path::Path;

use sampan_sys::netlink::NetlinkSocket;

use crate::error::{NetworkError, Result};
use crate::host;
use crate::mac::MacAddress;
use crate::netlink::link::{Change, Link};
use crate::netlink::{Request, address, link};
use crate::nftables::ruleset::DEVICE_GROUP;
use crate::record::NetworkRecord;
use crate::sandbox::route_socket;

/// What a bridge of this instance carries as its alias (`ip link` shows it): whose it is.
fn alias(instance: &str) -> String {
    format!("sampan {instance}")
}

/// Whether a link is a bridge of this instance.
pub(crate) fn is_ours(link: &Link, instance: &str) -> bool {
    link.kind == "bridge" && link.alias == alias(instance)
}

/// Whether a link is a bridge of ours that was made by a daemon which was killed before it could sign it.
fn is_half_made(link: &Link) -> bool {
    link.kind == "bridge" && link.alias.is_empty() && link.group == DEVICE_GROUP
}

/// Makes the bridge, or brings the one that is there to what the record says.
pub(super) fn ensure(instance: &str, network: &NetworkRecord) -> Result<()> {
    let socket = route_socket()?;
    let device = network.device.as_str();
    let found = link::find(&socket, device)?;
    let is_new = found.is_none();
    let bridge = match found {
        Some(link) if is_ours(&link, instance) || is_half_made(&link) => link,
        Some(_) => return Err(NetworkError::DeviceTaken { device: device.to_owned() }),
        None => create(&socket, network)?,
    };
    configure(&socket, instance, network, &bridge).inspect_err(|_| {
        if is_new {
            // The first failure is the one to tell.
            let _ = delete(device);
        }
    })
}

/// Whether bridged packets can pass the packet filter, which then keeps the members of a network without
/// communication among each other apart. Else their ports are isolated; with both, a member could not reach another's
/// published port by the host's address: br_netfilter turns such packets around inside the bridge, from one isolated
/// port to another.
pub(super) fn is_filtered() -> bool {
    Path::new("/proc/sys/net/bridge/bridge-nf-call-iptables").exists()
}

/// Removes the bridge, if it is ours.
pub(super) fn remove(instance: &str, device: &str) -> Result<()> {
    let socket = route_socket()?;
    match link::find(&socket, device)? {
        Some(link) if is_ours(&link, instance) => delete(device),
        _ => Ok(()),
    }
}

/// Removes a link by name; one that is gone is no failure. Takes the kernel about 20 ms.
pub(super) fn delete(device: &str) -> Result<()> {
    let socket = route_socket()?;
    let Some(link) = link::find(&socket, device)? else { return Ok(()) };
    let mut request = Request::new();
    request.delete_link(link.index, format!("remove {device}"));
    request.execute(&socket)
}

fn create(socket: &NetlinkSocket, network: &NetworkRecord) -> Result<Link> {
    let device = network.device.as_str();
    let mac = match network.subnets.first().map(|subnet| subnet.gateway) {
        Some(IpAddr::V4(gateway)) => MacAddress::from_ipv4(gateway),
        Some(IpAddr::V6(gateway)) => MacAddress::from_ipv6(gateway),
        None => return Err(NetworkError::Malformed { what: "a bridge without a subnet" }),
    };
    let mut request = Request::new();
    request.create_bridge(device, network.mtu, mac, DEVICE_GROUP);
    request.execute(socket)?;
    link::find(socket, device)?.ok_or(NetworkError::Malformed { what: "a new bridge cannot be found" })
}

fn configure(socket: &NetlinkSocket, instance: &str, network: &NetworkRecord, bridge: &Link) -> Result<()> {
    let device = network.device.as_str();
    let setting = |family: &str, name: &str| format!("/proc/sys/net/{family}/conf/{device}/{name}");
    // Without a subnet of its own the bridge has no IPv6 at all, so that containers cannot reach services of the
    // host by its link-local address.
    let ipv6_off = if network.ipv6().is_some() { "0" } else { "1" };
    // Nobody else can have the bridge's addresses; asking around would keep it mute for two seconds.
    for (name, value) in [("accept_dad", "0"), ("accept_ra", "0"), ("disable_ipv6", ipv6_off)] {
        match host::set(&setting("ipv6", name), value) {
            Err(error) if network.ipv6().is_none() && host::is_absent(&error) => {}
            other => other?,
        }
    }
    let wanted: Vec<_> = network
        .subnets
        .iter()
        .filter_map(|subnet| host::with_prefix(subnet.gateway, subnet.subnet))
        .collect();
    let present = address::list(socket)?;
    let mut request = Request::new();
    let alias = alias(instance);
    let change = Change {
        alias: Some(&alias),
        group: Some(DEVICE_GROUP),
        mtu: (bridge.mtu != network.mtu).then_some(network.mtu),
        ..Default::default()
    };
    request.change_link(bridge.index, &change, format!("set up the bridge {device}"));
    for (_, old) in present.iter().filter(|(index, net)| *index == bridge.index && !wanted.contains(net)) {
        // A link-local address is the kernel's own.
        if !matches!(old.addr(), IpAddr::V6(address) if address.is_unicast_link_local()) {
            request.delete_address(bridge.index, *old, format!("take {old} from {device}"));
        }
    }
    for address in &wanted {
        request.add_address(bridge.index, *address, format!("give {address} to {device}"));
    }
    let up = Change { up: Some(true), ..Default::default() };
    request.change_link(bridge.index, &up, format!("set {device} up"));
    if !network.icc && is_filtered() {
        request.filter_bridged(bridge.index, format!("filter what is bridged by {device}"));
    }
    request.execute(socket)?;
    if network.ipv4().is_some() {
        // Lets the host's own connections to 127.0.0.1 be translated to a container (ip-sysctl, route_localnet).
        host::set(&setting("ipv4", "route_localnet"), "1")?;
    }
    Ok(())
}
