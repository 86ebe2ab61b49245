//! Connection tracking: forgetting connections that would go on to a container that is gone (ctnetlink).

use std::collections::HashSet;
use std::fs;
use std::net::IpAddr;

use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

use super::{Attributes, DUMP, Request};
use crate::error::{NetworkError, Result};
use crate::record::{Protocol, PublishedRecord};

/// `NFNL_SUBSYS_CTNETLINK << 8` with `IPCTNL_MSG_CT_GET` and `IPCTNL_MSG_CT_DELETE`.
const GET: u16 = 0x101;
const DELETE: u16 = 0x102;
const NESTED: u16 = 0x8000;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_FILTER: u16 = 25;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_DST_PORT: u16 = 3;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
const CTA_FILTER_REPLY_FLAGS: u16 = 2;
/// Which parts of the tuple the kernel compares (nf_internals.h).
const BY_SOURCE_ADDRESS: u32 = 1 << 0;
const BY_PROTOCOL: u32 = 1 << 3;
/// `IPS_DST_NAT`.
const STATUS_TRANSLATED: u32 = 0x20;
/// Size of `struct nfgenmsg`.
const HEADER: usize = 4;
const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";

/// Forgets every connection that leads to the endpoint's addresses.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn forget_target(published: &PublishedRecord) -> Result<()> {
    let addresses = [published.ipv4.map(IpAddr::V4), published.ipv6.map(IpAddr::V6)];
    for address in addresses.into_iter().flatten() {
        let filter = |request: &mut Request| {
            request.nest(CTA_TUPLE_REPLY | NESTED, |request| {
                request.nest(CTA_TUPLE_IP | NESTED, |request| {
                    request.put_address(if address.is_ipv4() { 1 } else { 3 }, address);
                });
            });
            request.nest(CTA_FILTER | NESTED, |request| {
                request.put_u32(CTA_FILTER_ORIG_FLAGS, 0);
                request.put_u32(CTA_FILTER_REPLY_FLAGS, BY_SOURCE_ADDRESS);
            });
        };
        let leads_there = |entry: Attributes<'_>| {
            let addresses = entry.nested(CTA_TUPLE_REPLY).nested(CTA_TUPLE_IP);
            addresses.address(1).or_else(|| addresses.address(3)) == Some(address)
        };
        forget(address.is_ipv6(), filter, leads_there)?;
    }
    Ok(())
}

/// Forgets UDP connections to the published ports that are not translated: they began before.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn forget_untranslated(published: &PublishedRecord) -> Result<()> {
    for ipv6 in [false, true] {
        let ports: HashSet<u16> = published
            .bindings
            .iter()
            .filter(|binding| binding.protocol == Protocol::Udp && binding.host_ip.is_ipv6() == ipv6)
            .map(|binding| binding.host_port)
            .collect();
        if ports.is_empty() {
            continue;
        }
        let filter = |request: &mut Request| {
            request.nest(CTA_TUPLE_ORIG | NESTED, |request| {
                request.nest(CTA_TUPLE_PROTO | NESTED, |request| {
                    request.put(CTA_PROTO_NUM, &[Protocol::Udp.number()]);
                });
            });
            request.nest(CTA_FILTER | NESTED, |request| {
                request.put_u32(CTA_FILTER_ORIG_FLAGS, BY_PROTOCOL);
                request.put_u32(CTA_FILTER_REPLY_FLAGS, 0);
            });
        };
        let began_before = |entry: Attributes<'_>| {
            let tuple = entry.nested(CTA_TUPLE_ORIG).nested(CTA_TUPLE_PROTO);
            let port = tuple
                .find(CTA_PROTO_DST_PORT)
                .and_then(|bytes| bytes.try_into().ok())
                .map(u16::from_be_bytes);
            let is_translated = entry.u32_be(CTA_STATUS).unwrap_or_default() & STATUS_TRANSLATED != 0;
            tuple.find(CTA_PROTO_NUM) == Some(&[Protocol::Udp.number()])
                && !is_translated
                && port.is_some_and(|port| ports.contains(&port))
        };
        forget(ipv6, filter, began_before)?;
    }
    Ok(())
}

/// Lists the entries that pass the kernel's `filter`, which an old kernel does not know, and deletes those that
/// `choose` picks.
fn forget(
    ipv6: bool,
    filter: impl FnOnce(&mut Request),
    choose: impl Fn(Attributes<'_>) -> bool,
) -> Result<()> {
    // Walking through the kernel's table takes a while even when it is empty.
    if fs::read_to_string(COUNT).is_ok_and(|count| count.trim() == "0") {
        return Ok(());
    }
    let socket = NetlinkSocket::open(NetlinkProtocol::Netfilter)
        .map_err(NetworkError::system("this kernel has no connection tracking (nfnetlink)"))?;
    let header = [if ipv6 { 10 } else { 2 }, 0, 0, 0];
    let mut request = Request::new();
    request.message(GET, DUMP, &header, "list connections");
    filter(&mut request);
    let mut deletions = Request::new();
    request.list(&socket, |_, payload| {
        let entry = Attributes(payload.get(HEADER..).unwrap_or_default());
        if !choose(entry) {
            return;
        }
        deletions.message(DELETE, 0, &header, "forget a connection");
        // It may have ended by itself meanwhile.
        deletions.tolerate(rustix::io::Errno::NOENT);
        for kind in [CTA_TUPLE_ORIG, CTA_ID, CTA_ZONE] {
            if let Some(value) = entry.find(kind) {
                deletions.put(if kind == CTA_TUPLE_ORIG { kind | NESTED } else { kind }, value);
            }
        }
    })?;
    deletions.execute(&socket)
}
