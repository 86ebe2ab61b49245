//! Addresses of links, and what a bridge or a host knows of its neighbours (rtnetlink(7)).

use std::net::IpAddr;

use ipnet::IpNet;
use sampan_sys::netlink::NetlinkSocket;

use super::{Attributes, CREATE, DUMP, REPLACE, Request};
use crate::error::Result;
use crate::mac::MacAddress;

const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
const RTM_GETADDR: u16 = 22;
const RTM_NEWNEIGH: u16 = 28;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
const IFA_BROADCAST: u16 = 4;
/// `IFA_F_NODAD`: usable at once, without asking around for duplicates.
const WITHOUT_DUPLICATE_DETECTION: u8 = 0x02;
const NDA_DST: u16 = 1;
const NDA_LLADDR: u16 = 2;
const NUD_REACHABLE: u16 = 0x02;
const NUD_STALE: u16 = 0x04;
const NUD_NOARP: u16 = 0x40;
const NTF_MASTER: u8 = 0x04;
const NTF_STICKY: u8 = 0x40;
const AF_BRIDGE: u8 = 7;
/// Size of `struct ifaddrmsg`.
const HEADER: usize = 8;

/// `AF_INET` or `AF_INET6`.
pub(crate) fn family(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 2,
        IpAddr::V6(_) => 10,
    }
}

/// `struct ifaddrmsg`: family, prefix length, flags, scope, index.
fn header(family: u8, prefix: u8, flags: u8, index: u32) -> [u8; HEADER] {
    let [a, b, c, d] = index.to_ne_bytes();
    [family, prefix, flags, 0, a, b, c, d]
}

/// `struct ndmsg`: family, padding, index, state, flags, type.
fn neighbour_header(family: u8, index: u32, state: u16, flags: u8) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[0] = family;
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..10].copy_from_slice(&state.to_ne_bytes());
    bytes[10] = flags;
    bytes
}

impl Request {
    /// Adds: give a link an address with its prefix. It may be there already.
    pub(crate) fn add_address(&mut self, index: u32, address: IpNet, label: String) {
        self.message(
            RTM_NEWADDR,
            CREATE | REPLACE,
            &header(family(address.addr()), address.prefix_len(), WITHOUT_DUPLICATE_DETECTION, index),
            label,
        );
        self.put_address(IFA_LOCAL, address.addr());
        self.put_address(IFA_ADDRESS, address.addr());
        if let IpNet::V4(address) = address
            && address.prefix_len() < 31
        {
            self.put(IFA_BROADCAST, &address.broadcast().octets());
        }
    }

    /// Adds: take an address from a link.
    pub(crate) fn delete_address(&mut self, index: u32, address: IpNet, label: String) {
        self.message(RTM_DELADDR, 0, &header(family(address.addr()), address.prefix_len(), 0, index), label);
        self.put_address(IFA_LOCAL, address.addr());
        self.put_address(IFA_ADDRESS, address.addr());
        self.tolerate(rustix::io::Errno::ADDRNOTAVAIL);
    }

    /// Adds: this hardware address lives behind this port of its bridge, and nobody else can claim it.
    ///
    /// Without it a bridge would send to the former owner of an address until the new one speaks first.
    pub(crate) fn pin_to_port(&mut self, port: u32, mac: MacAddress, label: String) {
        self.message(
            RTM_NEWNEIGH,
            CREATE | REPLACE,
            &neighbour_header(AF_BRIDGE, port, NUD_NOARP | NUD_REACHABLE, NTF_MASTER | NTF_STICKY),
            label,
        );
        self.put(NDA_LLADDR, &mac.0);
    }

    /// Adds: this address has this hardware address, until it is asked for again.
    pub(crate) fn set_neighbour(&mut self, device: u32, address: IpAddr, mac: MacAddress, label: String) {
        self.message(
            RTM_NEWNEIGH,
            CREATE | REPLACE,
            &neighbour_header(family(address), device, NUD_STALE, 0),
            label,
        );
        self.put_address(NDA_DST, address);
        self.put(NDA_LLADDR, &mac.0);
    }
}

/// Every address of every link: link index, and address with prefix.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn list(socket: &NetlinkSocket) -> Result<Vec<(u32, IpNet)>> {
    let mut request = Request::new();
    request.message(RTM_GETADDR, DUMP, &header(0, 0, 0, 0), "list the addresses");
    let mut addresses = Vec::new();
    request.list(socket, |kind, payload| {
        if kind == RTM_NEWADDR && payload.len() >= HEADER {
            let attributes = Attributes(&payload[HEADER..]);
            let index = u32::from_ne_bytes([payload[4], payload[5], payload[6], payload[7]]);
            // With a peer (point to point) the local address is IFA_LOCAL; IPv6 has only IFA_ADDRESS.
            let address = attributes.address(IFA_LOCAL).or_else(|| attributes.address(IFA_ADDRESS));
            addresses.extend(
                address.and_then(|address| IpNet::new(address, payload[1]).ok()).map(|net| (index, net)),
            );
        }
    })?;
    Ok(addresses)
}
