//! Connection tracking: forgetting connections that would go on to a container that is gone (ctnetlink).

use std::collections::HashSet;
use std::fs;
use std::net::IpAddr;

use sampan_sys::netlink::NetlinkSocket;

use super::{Attributes, DUMP, Request};
use crate::error::Result;
use crate::record::Protocol;

/// `NFNL_SUBSYS_CTNETLINK << 8` with `IPCTNL_MSG_CT_GET` and `IPCTNL_MSG_CT_DELETE`.
const GET: u16 = 0x101;
const DELETE: u16 = 0x102;
const NESTED: u16 = 0x8000;
const CTA_TUPLE_ORIG: u16 = 1;
const CTA_TUPLE_REPLY: u16 = 2;
const CTA_STATUS: u16 = 3;
const CTA_PROTOINFO: u16 = 4;
const CTA_PROTOINFO_TCP: u16 = 1;
const CTA_PROTOINFO_TCP_STATE: u16 = 1;
/// `TCP_CONNTRACK_SYN_SENT` to `TCP_CONNTRACK_CLOSE_WAIT`: data may still come.
const OPEN_STATES: std::ops::RangeInclusive<u8> = 1..=5;
const CTA_ID: u16 = 12;
const CTA_ZONE: u16 = 18;
const CTA_FILTER: u16 = 25;
const CTA_STATUS_MASK: u16 = 26;
const CTA_TUPLE_IP: u16 = 1;
const CTA_TUPLE_PROTO: u16 = 2;
const CTA_PROTO_NUM: u16 = 1;
const CTA_PROTO_DST_PORT: u16 = 3;
const CTA_FILTER_ORIG_FLAGS: u16 = 1;
const CTA_FILTER_REPLY_FLAGS: u16 = 2;
/// Which part of the tuple the kernel compares (nf_internals.h, `CTA_FILTER_F_CTA_PROTO_NUM`).
const BY_PROTOCOL: u32 = 1 << 3;
/// `IPS_DST_NAT`.
const STATUS_TRANSLATED: u32 = 0x20;
/// Size of `struct nfgenmsg`.
const HEADER: usize = 4;
const COUNT: &str = "/proc/sys/net/netfilter/nf_conntrack_count";

/// Which connections to forget.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Targets {
    /// Published connections that lead to these addresses.
    pub(crate) addresses: HashSet<IpAddr>,
    /// UDP connections to these ports that are not translated: they began before the port was published.
    pub(crate) udp_ports: HashSet<u16>,
}

impl Targets {
    /// Whether there is nothing to do.
    pub(crate) fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.udp_ports.is_empty()
    }

    /// Takes over what `other` wants.
    pub(crate) fn extend(&mut self, other: Self) {
        self.addresses.extend(other.addresses);
        self.udp_ports.extend(other.udp_ports);
    }
}

/// Forgets connections. The kernel walks through its whole table for it, 10 ms on a host with much memory.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn forget(socket: &NetlinkSocket, targets: &Targets) -> Result<()> {
    if fs::read_to_string(COUNT).is_ok_and(|count| count.trim() == "0") {
        return Ok(());
    }
    for ipv6 in [false, true] {
        if targets.addresses.iter().any(|address| address.is_ipv6() == ipv6) {
            forget_translated(socket, ipv6, &targets.addresses)?;
        }
        if !targets.udp_ports.is_empty() {
            forget_untranslated(socket, ipv6, &targets.udp_ports)?;
        }
    }
    Ok(())
}

fn forget_translated(socket: &NetlinkSocket, ipv6: bool, targets: &HashSet<IpAddr>) -> Result<()> {
    let filter = |request: &mut Request| {
        request.put_u32_be(CTA_STATUS, STATUS_TRANSLATED);
        request.put_u32_be(CTA_STATUS_MASK, STATUS_TRANSLATED);
    };
    let leads_there = |entry: Attributes<'_>| {
        // Answers come from where the connection leads: the source address, CTA_IP_V4_SRC or CTA_IP_V6_SRC.
        let addresses = entry.nested(CTA_TUPLE_REPLY).nested(CTA_TUPLE_IP);
        let target = addresses.address(if ipv6 { 3 } else { 1 });
        is_translated(entry) && target.is_some_and(|target| targets.contains(&target))
    };
    walk(socket, ipv6, filter, leads_there)
}

fn forget_untranslated(socket: &NetlinkSocket, ipv6: bool, ports: &HashSet<u16>) -> Result<()> {
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
        let port =
            tuple.find(CTA_PROTO_DST_PORT).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
        tuple.find(CTA_PROTO_NUM) == Some(&[Protocol::Udp.number()])
            && !is_translated(entry)
            && port.is_some_and(|port| ports.contains(&port))
    };
    walk(socket, ipv6, filter, began_before)
}

/// How many translated TCP connections that are not over lead to these addresses.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn count(socket: &NetlinkSocket, addresses: &[IpAddr]) -> Result<u64> {
    let mut found = 0;
    for ipv6 in [false, true] {
        if !addresses.iter().any(|address| address.is_ipv6() == ipv6) {
            continue;
        }
        let mut request = Request::new();
        request.message(GET, DUMP, &[if ipv6 { 10 } else { 2 }, 0, 0, 0], "count connections");
        request.put_u32_be(CTA_STATUS, STATUS_TRANSLATED);
        request.put_u32_be(CTA_STATUS_MASK, STATUS_TRANSLATED);
        request.list(socket, |_, payload| {
            let entry = Attributes(payload.get(HEADER..).unwrap_or_default());
            let target = entry.nested(CTA_TUPLE_REPLY).nested(CTA_TUPLE_IP).address(if ipv6 { 3 } else { 1 });
            let state = entry.nested(CTA_PROTOINFO).nested(CTA_PROTOINFO_TCP).find(CTA_PROTOINFO_TCP_STATE);
            let is_open =
                state.and_then(|bytes| bytes.first()).is_some_and(|state| OPEN_STATES.contains(state));
            let leads_there = target.is_some_and(|target| addresses.contains(&target));
            found += u64::from(is_open && leads_there && is_translated(entry));
        })?;
    }
    Ok(found)
}

fn is_translated(entry: Attributes<'_>) -> bool {
    entry.u32_be(CTA_STATUS).unwrap_or_default() & STATUS_TRANSLATED != 0
}

/// Lists the entries that pass the kernel's `filter`, which an old kernel does not know, and deletes those that
/// `choose` picks.
fn walk(
    socket: &NetlinkSocket,
    ipv6: bool,
    filter: impl FnOnce(&mut Request),
    choose: impl Fn(Attributes<'_>) -> bool,
) -> Result<()> {
    let header = [if ipv6 { 10 } else { 2 }, 0, 0, 0];
    let mut request = Request::new();
    request.message(GET, DUMP, &header, "list connections");
    filter(&mut request);
    let mut deletions = Request::new();
    request.list(socket, |_, payload| {
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
    deletions.execute(socket)
}
