//! What this host is like: its routes and addresses, its settings for forwarding.

use std::fs;
use std::io;
use std::net::IpAddr;

use ipnet::IpNet;
use sampan_sys::netlink::NetlinkSocket;

use crate::error::{NetworkError, Result};
use crate::netlink::{address, link, route};

/// Ethernet's usual largest packet in bytes, for a host without a default route.
const USUAL_MTU: u32 = 1500;
const FORWARD_IPV4: &str = "/proc/sys/net/ipv4/ip_forward";
const FORWARD_IPV6: &str = "/proc/sys/net/ipv6/conf/all/forwarding";

/// Largest packet of the device that the default route leaves by: a bridge with a larger one would stall.
pub(crate) fn uplink_mtu(socket: &NetlinkSocket) -> Result<u32> {
    let routes = route::list(socket)?;
    let default = routes
        .iter()
        .filter(|route| route.destination.prefix_len() == 0 && matches!(route.destination, IpNet::V4(_)))
        .min_by_key(|route| route.priority);
    let Some(index) = default.and_then(|route| route.device) else { return Ok(USUAL_MTU) };
    let links = link::list(socket)?;
    Ok(links.iter().find(|link| link.index == index).map_or(USUAL_MTU, |link| link.mtu))
}

/// Every range that the host reaches or has an address in, other than by the device `except`.
pub(crate) fn ranges_in_use(socket: &NetlinkSocket, except: &str) -> Result<Vec<IpNet>> {
    let except = link::find(socket, except)?.map(|link| link.index);
    let mut ranges: Vec<IpNet> = route::list(socket)?
        .into_iter()
        .filter(|route| except.is_none() || route.device != except)
        .map(|route| route.destination)
        .collect();
    let addresses = address::list(socket)?;
    ranges.extend(
        addresses.into_iter().filter(|(index, _)| Some(*index) != except).map(|(_, address)| address),
    );
    Ok(ranges)
}

/// Writes a kernel setting.
pub(crate) fn set(path: &str, value: &str) -> Result<()> {
    fs::write(path, value).map_err(NetworkError::system(format!("cannot write {value} to {path}")))
}

/// Whether the kernel forwards packets of a family between interfaces.
pub(crate) fn forwards(ipv6: bool) -> bool {
    let path = if ipv6 { FORWARD_IPV6 } else { FORWARD_IPV4 };
    fs::read_to_string(path).is_ok_and(|text| text.trim() == "1")
}

/// Makes the kernel forward packets of a family.
///
/// # Errors
/// `/proc/sys` is read-only, or there is no IPv6.
pub(crate) fn forward(socket: &NetlinkSocket, ipv6: bool) -> Result<()> {
    if !ipv6 {
        return set(FORWARD_IPV4, "1");
    }
    // A host that forwards ignores router advertisements unless it is told that it wants them all the same
    // (ip-sysctl, accept_ra): without this it would lose its own default route.
    for link in link::list(socket)? {
        let path = format!("/proc/sys/net/ipv6/conf/{}/accept_ra", link.name);
        if fs::read_to_string(&path).is_ok_and(|text| text.trim() == "1") {
            set(&path, "2")?;
        }
    }
    set(FORWARD_IPV6, "1")
}

/// Whether a failure to write a setting means that this kernel has no such thing.
pub(crate) fn is_absent(error: &NetworkError) -> bool {
    matches!(error, NetworkError::System { source, .. } if source.kind() == io::ErrorKind::NotFound)
}

/// The address with the length of its subnet's prefix.
pub(crate) fn with_prefix(address: IpAddr, subnet: IpNet) -> Option<IpNet> {
    IpNet::new(address, subnet.prefix_len()).ok()
}
