//! From what is asked for to ports that are held: chosen, checked against ours, checked against the host.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Mutex;

use super::reserve::{self, is_missing};
use super::table::PortTable;
use crate::error::{NetworkError, Result};
use crate::manager::{RelaySocket, Reservation};
use crate::near::Reach;
use crate::nftables::elements::{Run, runs};
use crate::record::{BindingRequest, EndpointRecord, HostPort, Protocol, PublishedBinding};
use crate::sandbox::lock;

/// Ports of one range that are held by sockets. A longer range is checked and then not held: 10,000 descriptors
/// in a supervisor would cost more than another program that takes one of these ports meanwhile.
const LONGEST_HELD_RANGE: usize = 512;
/// How many ephemeral ports are tried before giving up on a crowded host.
const ATTEMPTS: usize = 128;

/// Ports that are held for one endpoint.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) bindings: Vec<PublishedBinding>,
    pub(crate) reservations: Vec<Reservation>,
    pub(crate) relays: Vec<RelaySocket>,
    pub(crate) notes: Vec<String>,
}

/// Takes all ports of a request, or none. `default` is the network's host address for bindings that name none.
pub(crate) fn plan(
    endpoint: &EndpointRecord,
    requests: &[BindingRequest],
    default: Option<IpAddr>,
    reach: Reach,
    table: &Mutex<PortTable>,
) -> Result<Plan> {
    let mut planner = Planner { endpoint, default, reach, table, plan: Plan::default() };
    match planner.all(requests) {
        Ok(()) => Ok(planner.plan),
        Err(error) => {
            release(table, &planner.plan.bindings);
            Err(error)
        }
    }
}

/// Gives the ports of these bindings back.
pub(crate) fn release(table: &Mutex<PortTable>, bindings: &[PublishedBinding]) {
    let mut table = lock(table);
    for binding in bindings {
        table.release(binding.protocol, binding.host_ip, binding.host_port);
    }
}

/// One port on one or two host addresses.
#[derive(Debug, Clone)]
struct Wanted {
    protocol: Protocol,
    addresses: Vec<IpAddr>,
    /// The second address came without being asked for, and may be missing.
    optional_second: bool,
    container_port: u16,
    /// Part of a range too long for sockets of its own.
    only_check: bool,
}

struct Planner<'a> {
    endpoint: &'a EndpointRecord,
    default: Option<IpAddr>,
    reach: Reach,
    table: &'a Mutex<PortTable>,
    plan: Plan,
}

impl Planner<'_> {
    /// Ports that were named come first, so that none of them is given away as any free one.
    fn all(&mut self, requests: &[BindingRequest]) -> Result<()> {
        let mut fixed: BTreeMap<Option<IpAddr>, Vec<PublishedBinding>> = BTreeMap::new();
        for request in requests {
            if let HostPort::Fixed(host_port) = request.host_port {
                fixed.entry(request.host_ip).or_default().push(PublishedBinding {
                    protocol: request.protocol,
                    host_ip: Ipv4Addr::UNSPECIFIED.into(),
                    host_port,
                    container_port: request.container_port,
                });
            }
        }
        for (host_ip, bindings) in fixed {
            for run in runs(&bindings) {
                self.range(host_ip, run)?;
            }
        }
        for request in requests {
            let wanted = || self.wanted(request.protocol, request.host_ip, request.container_port);
            match request.host_port {
                HostPort::Fixed(_) => {}
                HostPort::Any => self.ephemeral(wanted()?)?,
                HostPort::Between(first, last) => self.between(wanted()?, first, last)?,
            }
        }
        Ok(())
    }

    /// The host addresses of a binding, after Docker's rule: without one, all of both families.
    fn wanted(&self, protocol: Protocol, host_ip: Option<IpAddr>, container_port: u16) -> Result<Wanted> {
        if self.endpoint.addresses.is_empty() {
            return Err(NetworkError::Unsupported {
                reason: "ports can only be published for a container with an address".to_owned(),
            });
        }
        let addresses = match host_ip.or(self.default) {
            Some(address) => vec![address],
            None if self.reach == Reach::Loopback => match protocol {
                Protocol::Sctp => vec![Ipv4Addr::LOCALHOST.into()],
                _ => vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()],
            },
            // An SCTP association cannot be relayed.
            None if protocol == Protocol::Sctp && self.endpoint.ipv6().is_none() => {
                vec![Ipv4Addr::UNSPECIFIED.into()]
            }
            None => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
        };
        let optional_second = addresses.len() > 1;
        Ok(Wanted { protocol, addresses, optional_second, container_port, only_check: false })
    }

    fn range(&mut self, host_ip: Option<IpAddr>, run: Run) -> Result<()> {
        let long = run.length() > LONGEST_HELD_RANGE;
        let mut relayed = true;
        for port in run.first..=run.last {
            let mut wanted = self.wanted(run.protocol, host_ip, (i32::from(port) + run.offset) as u16)?;
            wanted.only_check = long;
            if long && wanted.optional_second && self.endpoint.ipv6().is_none() {
                wanted.addresses.truncate(1);
                relayed = false;
            }
            self.fixed(&wanted, port)?;
        }
        if long {
            let (first, last, protocol) = (run.first, run.last, run.protocol.as_str());
            let without = if relayed { "" } else { ", and by IPv4 only" };
            self.plan.notes.push(format!(
                "Ports {first}-{last}/{protocol} are published without holding each of them on the host{without}; \
                 a program that listens on one of them will not be reached from outside."
            ));
        }
        Ok(())
    }

    fn fixed(&mut self, wanted: &Wanted, port: u16) -> Result<()> {
        lock(self.table).take(wanted.protocol, &wanted.addresses, port)?;
        self.open(wanted, port)
    }

    fn ephemeral(&mut self, wanted: Wanted) -> Result<()> {
        let mut attempts = 0;
        loop {
            let port = lock(self.table).take_ephemeral(wanted.protocol, &wanted.addresses)?;
            attempts += 1;
            match self.open(&wanted, port) {
                Err(error) if is_in_use(&error) && attempts < ATTEMPTS => {}
                other => return other,
            }
        }
    }

    fn between(&mut self, wanted: Wanted, first: u16, last: u16) -> Result<()> {
        let mut failure = NetworkError::PortsExhausted;
        for port in first..=last {
            if lock(self.table).take(wanted.protocol, &wanted.addresses, port).is_err() {
                continue;
            }
            match self.open(&wanted, port) {
                Err(error) if is_in_use(&error) => failure = error,
                other => return other,
            }
        }
        Err(failure)
    }

    /// Opens the sockets for a port that the table holds on all addresses; on failure gives it back.
    fn open(&mut self, wanted: &Wanted, port: u16) -> Result<()> {
        let mut bindings = Vec::new();
        let mut sockets = Vec::new();
        for (index, address) in wanted.addresses.iter().enumerate() {
            match self.socket(wanted, SocketAddr::new(*address, port)) {
                Ok(socket) => {
                    sockets.push(socket);
                    bindings.push(PublishedBinding {
                        protocol: wanted.protocol,
                        host_ip: *address,
                        host_port: port,
                        container_port: wanted.container_port,
                    });
                }
                Err(NetworkError::PortBind { source, .. })
                    if index == 1 && wanted.optional_second && is_missing(&source) =>
                {
                    lock(self.table).release(wanted.protocol, *address, port);
                }
                Err(error) => {
                    let mut table = lock(self.table);
                    wanted
                        .addresses
                        .iter()
                        .for_each(|address| table.release(wanted.protocol, *address, port));
                    return Err(error);
                }
            }
        }
        self.plan.bindings.extend(bindings);
        if wanted.only_check {
            return Ok(());
        }
        for socket in sockets {
            match socket {
                Socket::Hold(reservation) => self.plan.reservations.push(reservation),
                Socket::Relay(relay) => self.plan.relays.push(relay),
                Socket::Nothing => {}
            }
        }
        Ok(())
    }

    /// The socket for one host address: the kernel translates to an address of the same family, and never from
    /// ::1 (IPv6 has no route_localnet); the rest is relayed.
    fn socket(&self, wanted: &Wanted, address: SocketAddr) -> Result<Socket> {
        let protocol = wanted.protocol;
        let (same, other) = match address.ip() {
            IpAddr::V4(_) => (self.endpoint.ipv4().map(IpAddr::V4), self.endpoint.ipv6().map(IpAddr::V6)),
            IpAddr::V6(_) => (self.endpoint.ipv6().map(IpAddr::V6), self.endpoint.ipv4().map(IpAddr::V4)),
        };
        let ip = address.ip();
        let needs_relay = same.is_none() || (ip.is_ipv6() && (ip.is_unspecified() || ip.is_loopback()));
        let relay_to = same.or(other).filter(|_| needs_relay && protocol != Protocol::Sctp);
        if let Some(target) = relay_to {
            return Ok(Socket::Relay(RelaySocket {
                listener: reserve::listen(protocol, address)?,
                protocol,
                address,
                target: SocketAddr::new(target, wanted.container_port),
                only_near: self.reach == Reach::Lan && ip.is_unspecified(),
            }));
        }
        if same.is_none() || ip == IpAddr::V6(Ipv6Addr::LOCALHOST) {
            return Err(NetworkError::Unsupported {
                reason: format!(
                    "{}/{} cannot be published on {ip}",
                    wanted.container_port,
                    protocol.as_str()
                ),
            });
        }
        let held = reserve::hold(protocol, address)?;
        Ok(held.map_or(Socket::Nothing, |socket| Socket::Hold(Reservation { socket, protocol, address })))
    }
}

enum Socket {
    Hold(Reservation),
    Relay(RelaySocket),
    Nothing,
}

fn is_in_use(error: &NetworkError) -> bool {
    error.errno() == Some(rustix::io::Errno::ADDRINUSE.raw_os_error())
}
