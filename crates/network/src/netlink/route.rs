//! Routes: a container's default route, and what the host already reaches (rtnetlink(7)).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use sampan_sys::netlink::NetlinkSocket;

use super::address::family;
use super::{Attributes, CREATE, DUMP, REPLACE, Request};
use crate::error::Result;

const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_TABLE: u16 = 15;
const TABLE_MAIN: u8 = 254;
const TABLE_LOCAL: u32 = 255;
const PROTOCOL_BOOT: u8 = 3;
const TYPE_UNICAST: u8 = 1;
/// Size of `struct rtmsg`.
const HEADER: usize = 12;

/// A route of the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) destination: IpNet,
    /// Index of the link it leaves by.
    pub(crate) device: Option<u32>,
    /// Metric: the lowest wins.
    pub(crate) priority: u32,
}

impl Request {
    /// Adds: send everything that has no better route to this gateway.
    pub(crate) fn add_default_route(&mut self, index: u32, gateway: IpAddr, label: String) {
        let header = [family(gateway), 0, 0, 0, TABLE_MAIN, PROTOCOL_BOOT, 0, TYPE_UNICAST, 0, 0, 0, 0];
        self.message(RTM_NEWROUTE, CREATE | REPLACE, &header, label);
        self.put_address(RTA_GATEWAY, gateway);
        self.put_u32(RTA_OIF, index);
    }
}

/// All unicast routes of both families, without the kernel's table of its own addresses.
///
/// # Errors
/// The kernel's refusal.
pub(crate) fn list(socket: &NetlinkSocket) -> Result<Vec<Route>> {
    let mut request = Request::new();
    request.message(RTM_GETROUTE, DUMP, &[0; HEADER], "list the routes");
    let mut routes = Vec::new();
    request.list(socket, |kind, payload| {
        if kind == RTM_NEWROUTE {
            routes.extend(parse(payload));
        }
    })?;
    Ok(routes)
}

fn parse(payload: &[u8]) -> Option<Route> {
    let [family, prefix, _, _, table, _, _, kind, ..] = *payload else { return None };
    let attributes = Attributes(payload.get(HEADER..)?);
    if kind != TYPE_UNICAST || attributes.u32(RTA_TABLE).unwrap_or(table.into()) == TABLE_LOCAL {
        return None;
    }
    let everywhere: IpAddr = match family {
        2 => Ipv4Addr::UNSPECIFIED.into(),
        10 => Ipv6Addr::UNSPECIFIED.into(),
        _ => return None,
    };
    let destination = attributes.address(RTA_DST).unwrap_or(everywhere);
    Some(Route {
        destination: IpNet::new(destination, prefix).ok()?,
        device: attributes.u32(RTA_OIF),
        priority: attributes.u32(RTA_PRIORITY).unwrap_or_default(),
    })
}
