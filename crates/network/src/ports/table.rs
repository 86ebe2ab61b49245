//! Which host ports containers of this instance hold.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;

use crate::error::{NetworkError, Result};
use crate::record::{Protocol, PublishedBinding};

/// Docker's range where the kernel does not tell its own.
const FALLBACK: RangeInclusive<u16> = 49_153..=65_535;

/// The held ports.
#[derive(Debug, Default)]
pub(crate) struct PortTable {
    held: HashMap<(Protocol, u16), Vec<IpAddr>>,
    /// The port that was given last without being asked for.
    last_given: u16,
}

impl PortTable {
    /// Takes a port on all `addresses`, or none.
    ///
    /// # Errors
    /// [`NetworkError::PortAllocated`].
    pub(crate) fn take(&mut self, protocol: Protocol, addresses: &[IpAddr], port: u16) -> Result<()> {
        for address in addresses {
            if self.is_held(protocol, *address, port) {
                return Err(NetworkError::PortAllocated { address: SocketAddr::new(*address, port) });
            }
        }
        self.held.entry((protocol, port)).or_default().extend(addresses);
        Ok(())
    }

    /// Marks what a record names as held.
    pub(crate) fn restore(&mut self, bindings: &[PublishedBinding]) {
        for binding in bindings {
            self.held.entry((binding.protocol, binding.host_port)).or_default().push(binding.host_ip);
        }
    }

    /// Gives ports back.
    pub(crate) fn release(&mut self, protocol: Protocol, address: IpAddr, port: u16) {
        if let Some(held) = self.held.get_mut(&(protocol, port)) {
            if let Some(index) = held.iter().position(|other| *other == address) {
                held.swap_remove(index);
            }
            if held.is_empty() {
                self.held.remove(&(protocol, port));
            }
        }
    }

    /// Takes the first port of `range` that is free on all `addresses`, from `after` on and around.
    ///
    /// # Errors
    /// [`NetworkError::PortsExhausted`].
    pub(crate) fn take_any(
        &mut self,
        protocol: Protocol,
        addresses: &[IpAddr],
        range: &RangeInclusive<u16>,
        after: Option<u16>,
    ) -> Result<u16> {
        let (first, last) = (*range.start(), *range.end());
        let start = after.filter(|port| range.contains(port) && *port < last).map_or(first, |port| port + 1);
        (start..=last)
            .chain(first..start)
            .find(|port| self.take(protocol, addresses, *port).is_ok())
            .ok_or(NetworkError::PortsExhausted)
    }

    /// Takes any free port, each time the next one.
    ///
    /// # Errors
    /// [`NetworkError::PortsExhausted`].
    pub(crate) fn take_ephemeral(&mut self, protocol: Protocol, addresses: &[IpAddr]) -> Result<u16> {
        let port = self.take_any(protocol, addresses, &ephemeral_range(), Some(self.last_given))?;
        self.last_given = port;
        Ok(port)
    }

    /// All addresses of a family overlap with each of it.
    fn is_held(&self, protocol: Protocol, address: IpAddr, port: u16) -> bool {
        self.held.get(&(protocol, port)).is_some_and(|held| {
            held.iter().any(|other| {
                other.is_ipv4() == address.is_ipv4()
                    && (*other == address || other.is_unspecified() || address.is_unspecified())
            })
        })
    }
}

/// The ports that the kernel itself gives out.
fn ephemeral_range() -> RangeInclusive<u16> {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(first), Some(last)) if 0 < first && first <= last => first..=last,
        _ => FALLBACK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn all_addresses_overlap_with_each() {
        let mut table = PortTable::default();
        table.take(Protocol::Tcp, &[ip("0.0.0.0"), ip("::")], 80).unwrap();
        let error = table.take(Protocol::Tcp, &[ip("127.0.0.1")], 80).unwrap_err();
        assert_eq!(error.to_string(), "Bind for 127.0.0.1:80 failed: port is already allocated");
        table.take(Protocol::Udp, &[ip("127.0.0.1")], 80).unwrap();
        table.take(Protocol::Udp, &[ip("127.0.0.2"), ip("::1")], 80).unwrap();
        assert!(table.take(Protocol::Udp, &[ip("::")], 80).is_err());
        table.release(Protocol::Tcp, ip("0.0.0.0"), 80);
        table.take(Protocol::Tcp, &[ip("127.0.0.1")], 80).unwrap();
    }

    #[test]
    fn a_range_gives_its_first_free_port() {
        let mut table = PortTable::default();
        let mut take = || table.take_any(Protocol::Tcp, &[ip("0.0.0.0")], &(9000..=9001), None);
        assert_eq!((take().unwrap(), take().unwrap()), (9000, 9001));
        assert_eq!(take().unwrap_err().to_string(), "all ports are allocated");
        let first = table.take_ephemeral(Protocol::Tcp, &[ip("0.0.0.0")]).unwrap();
        table.release(Protocol::Tcp, ip("0.0.0.0"), first);
        assert_ne!(table.take_ephemeral(Protocol::Tcp, &[ip("0.0.0.0")]).unwrap(), first);
    }
}
