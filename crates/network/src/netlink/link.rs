//! Links: bridges, veth pairs, their settings, counters and places in a bridge (rtnetlink(7)).

use std::os::fd::{AsRawFd, BorrowedFd};

use sampan_sys::netlink::NetlinkSocket;

use super::{Attributes, CREATE, DUMP, EXCLUSIVE, Request};
use crate::error::Result;
use crate::mac::MacAddress;

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_MASTER: u16 = 10;
const IFLA_OPERSTATE: u16 = 16;
const OPERSTATE_UP: u8 = 6;
const IFLA_LINKINFO: u16 = 18;
const IFLA_IFALIAS: u16 = 20;
const IFLA_STATS64: u16 = 23;
const IFLA_AF_SPEC: u16 = 26;
const IFLA_GROUP: u16 = 27;
const IFLA_NET_NS_FD: u16 = 28;
const IFLA_NUM_TX_QUEUES: u16 = 31;
const IFLA_NUM_RX_QUEUES: u16 = 32;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_INFO_DATA: u16 = 2;
const IFLA_INFO_SLAVE_KIND: u16 = 4;
const IFLA_INFO_SLAVE_DATA: u16 = 5;
const IFLA_BR_NF_CALL_IPTABLES: u16 = 36;
const IFLA_BR_NF_CALL_IP6TABLES: u16 = 37;
const IFLA_BRPORT_MODE: u16 = 4;
const IFLA_BRPORT_ISOLATED: u16 = 33;
const IFLA_INET6_ADDR_GEN_MODE: u16 = 8;
/// `IN6_ADDR_GEN_MODE_NONE`: no link-local address by itself.
const GENERATE_NONE: u8 = 1;
const VETH_INFO_PEER: u16 = 1;
const NESTED: u16 = 0x8000;
const IFF_UP: u32 = 1;
const AF_INET6: u16 = 10;
/// Size of `struct ifinfomsg`.
const HEADER: usize = 16;

/// `struct ifinfomsg`: family, padding, type, index, flags, and which flags are meant.
fn header(index: u32, flags: u32, change: u32) -> [u8; HEADER] {
    let mut bytes = [0; HEADER];
    bytes[4..8].copy_from_slice(&index.to_ne_bytes());
    bytes[8..12].copy_from_slice(&flags.to_ne_bytes());
    bytes[12..16].copy_from_slice(&change.to_ne_bytes());
    bytes
}

/// A link as the kernel describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) index: u32,
    pub(crate) name: String,
    pub(crate) up: bool,
    /// The kernel finished bringing it up (IF_OPER_UP); until then it loses what is sent.
    pub(crate) operational: bool,
    pub(crate) mtu: u32,
    pub(crate) mac: Option<MacAddress>,
    /// Index of the bridge or bond it belongs to.
    pub(crate) master: Option<u32>,
    /// `bridge`, `veth`, `dummy`, …; empty for hardware.
    pub(crate) kind: String,
    pub(crate) alias: String,
    pub(crate) group: u32,
}

impl Link {
    fn parse(payload: &[u8]) -> Option<Self> {
        let attributes = Attributes(payload.get(HEADER..)?);
        let number = |at: usize| payload.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        Some(Self {
            index: number(4)?,
            name: attributes.text(IFLA_IFNAME)?.to_owned(),
            up: number(8)? & IFF_UP != 0,
            operational: attributes.find(IFLA_OPERSTATE) == Some(&[OPERSTATE_UP]),
            mtu: attributes.u32(IFLA_MTU).unwrap_or_default(),
            mac: attributes.find(IFLA_ADDRESS).and_then(|bytes| bytes.try_into().ok()).map(MacAddress),
            master: attributes.u32(IFLA_MASTER),
            kind: attributes.nested(IFLA_LINKINFO).text(IFLA_INFO_KIND).unwrap_or_default().to_owned(),
            alias: attributes.text(IFLA_IFALIAS).unwrap_or_default().to_owned(),
            group: attributes.u32(IFLA_GROUP).unwrap_or_default(),
        })
    }
}

/// Counters in the order of `struct rtnl_link_stats64`: packets, bytes, errors, dropped, each received then sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counters(pub(crate) [u64; 8]);

/// What to change about a link; what is `None` stays.
#[derive(Debug, Default)]
pub(crate) struct Change<'a> {
    pub(crate) up: Option<bool>,
    pub(crate) mtu: Option<u32>,
    pub(crate) mac: Option<MacAddress>,
    pub(crate) master: Option<u32>,
    pub(crate) name: Option<&'a str>,
    pub(crate) alias: Option<&'a str>,
    pub(crate) group: Option<u32>,
    /// Never make an IPv6 link-local address: a port of a bridge needs none.
    pub(crate) without_link_local: bool,
}

impl Request {
    /// Adds: make a bridge. It is down and has no address.
    pub(crate) fn create_bridge(&mut self, name: &str, mtu: u32, mac: MacAddress, group: u32) {
        self.message(RTM_NEWLINK, CREATE | EXCLUSIVE, &header(0, 0, 0), format!("make the bridge {name}"));
        self.put_text(IFLA_IFNAME, name);
        self.put_u32(IFLA_MTU, mtu);
        self.put_u32(IFLA_GROUP, group);
        // A bridge without an address of its own takes its lowest port's and changes it as ports come and go.
        self.put(IFLA_ADDRESS, &mac.0);
        self.nest(IFLA_LINKINFO, |request| request.put_text(IFLA_INFO_KIND, "bridge"));
    }

    /// Adds: make a veth pair whose peer is born inside `namespace`. Both ends are down.
    pub(crate) fn create_veth(&mut self, name: &str, peer: &str, mtu: u32, namespace: BorrowedFd<'_>) {
        self.message(RTM_NEWLINK, CREATE | EXCLUSIVE, &header(0, 0, 0), format!("make the veth pair {name}"));
        self.put_text(IFLA_IFNAME, name);
        self.put_u32(IFLA_MTU, mtu);
        self.put_queues();
        self.nest(IFLA_LINKINFO, |request| {
            request.put_text(IFLA_INFO_KIND, "veth");
            request.nest(IFLA_INFO_DATA, |request| {
                request.nest(VETH_INFO_PEER, |request| {
                    request.raw(&header(0, 0, 0));
                    request.put_text(IFLA_IFNAME, peer);
                    request.put_u32(IFLA_MTU, mtu);
                    request.put_u32(IFLA_NET_NS_FD, namespace.as_raw_fd() as u32);
                    request.put_queues();
                });
            });
        });
    }

    /// One queue each way: a veth takes as many as there are processors otherwise, each with its own entries in
    /// sysfs, and has no use for them (it transmits without a lock).
    fn put_queues(&mut self) {
        self.put_u32(IFLA_NUM_TX_QUEUES, 1);
        self.put_u32(IFLA_NUM_RX_QUEUES, 1);
    }

    /// Adds: change a link.
    pub(crate) fn change_link(&mut self, index: u32, change: &Change<'_>, label: String) {
        let (flags, mask) = match change.up {
            Some(up) => (if up { IFF_UP } else { 0 }, IFF_UP),
            None => (0, 0),
        };
        self.message(RTM_NEWLINK, 0, &header(index, flags, mask), label);
        if let Some(mac) = change.mac {
            self.put(IFLA_ADDRESS, &mac.0);
        }
        if let Some(mtu) = change.mtu {
            self.put_u32(IFLA_MTU, mtu);
        }
        if let Some(group) = change.group {
            self.put_u32(IFLA_GROUP, group);
        }
        if let Some(name) = change.name {
            self.put_text(IFLA_IFNAME, name);
        }
        if let Some(alias) = change.alias {
            self.put_text(IFLA_IFALIAS, alias);
        }
        if let Some(master) = change.master {
            self.put_u32(IFLA_MASTER, master);
        }
        if change.without_link_local {
            self.nest(IFLA_AF_SPEC | NESTED, |request| {
                request.nest(AF_INET6 | NESTED, |request| {
                    request.put(IFLA_INET6_ADDR_GEN_MODE, &[GENERATE_NONE])
                });
            });
            // A kernel without IPv6 has no such setting.
            self.tolerate(rustix::io::Errno::AFNOSUPPORT);
        }
    }

    /// Adds: what goes from port to port of a bridge passes the packet filter, whatever the host's setting.
    pub(crate) fn filter_bridged(&mut self, index: u32, label: String) {
        self.message(RTM_NEWLINK, 0, &header(index, 0, 0), label);
        self.nest(IFLA_LINKINFO, |request| {
            request.put_text(IFLA_INFO_KIND, "bridge");
            request.nest(IFLA_INFO_DATA | NESTED, |request| {
                request.put(IFLA_BR_NF_CALL_IPTABLES, &[1]);
                request.put(IFLA_BR_NF_CALL_IP6TABLES, &[1]);
            });
        });
    }

    /// Adds: settings of a bridge's port. `hairpin` sends back to it what it may have sent itself, `isolated`
    /// keeps it from talking to other isolated ports.
    pub(crate) fn change_port(
        &mut self,
        index: u32,
        hairpin: Option<bool>,
        isolated: Option<bool>,
        label: String,
    ) {
        self.message(RTM_NEWLINK, 0, &header(index, 0, 0), label);
        self.nest(IFLA_LINKINFO, |request| {
            request.put_text(IFLA_INFO_SLAVE_KIND, "bridge");
            request.nest(IFLA_INFO_SLAVE_DATA | NESTED, |request| {
                if let Some(hairpin) = hairpin {
                    request.put(IFLA_BRPORT_MODE, &[u8::from(hairpin)]);
                }
                if let Some(isolated) = isolated {
                    request.put(IFLA_BRPORT_ISOLATED, &[u8::from(isolated)]);
                }
            });
        });
    }

    /// Adds: remove a link. A veth takes its peer along, and the kernel about 20 ms.
    pub(crate) fn delete_link(&mut self, index: u32, label: String) {
        self.message(RTM_DELLINK, 0, &header(index, 0, 0), label);
        self.tolerate(rustix::io::Errno::NODEV);
    }
}

/// Finds a link by name.
///
/// # Errors
/// A refusal other than that there is none.
pub(crate) fn find(socket: &NetlinkSocket, name: &str) -> Result<Option<Link>> {
    let payload = match payload_of(socket, name) {
        Ok(payload) => payload,
        Err(error) if error.errno() == Some(rustix::io::Errno::NODEV.raw_os_error()) => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Link::parse(&payload))
}

/// The counters of a link by name.
///
/// # Errors
/// `ENODEV` when it is gone.
pub(crate) fn counters(socket: &NetlinkSocket, name: &str) -> Result<Counters> {
    let payload = payload_of(socket, name)?;
    let bytes = Attributes(payload.get(HEADER..).unwrap_or_default()).find(IFLA_STATS64).unwrap_or_default();
    let mut counters = Counters::default();
    for (value, chunk) in counters.0.iter_mut().zip(bytes.chunks_exact(8)) {
        *value = chunk.try_into().map(u64::from_ne_bytes).unwrap_or_default();
    }
    Ok(counters)
}

fn payload_of(socket: &NetlinkSocket, name: &str) -> Result<Vec<u8>> {
    let mut request = Request::new();
    request.message(RTM_GETLINK, 0, &header(0, 0, 0), format!("look at the link {name}"));
    request.put_text(IFLA_IFNAME, name);
    request.get(socket)
}

/// All links of the socket's namespace.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn list(socket: &NetlinkSocket) -> Result<Vec<Link>> {
    let mut request = Request::new();
    request.message(RTM_GETLINK, DUMP, &header(0, 0, 0), "list the links");
    let mut links = Vec::new();
    request.list(socket, |kind, payload| {
        if kind == RTM_NEWLINK {
            links.extend(Link::parse(payload));
        }
    })?;
    Ok(links)
}
