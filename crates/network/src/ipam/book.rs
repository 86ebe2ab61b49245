//! The addresses of one network: the lowest free one first, as Docker gives them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::error::{NetworkError, Result};
use crate::record::{NetworkRecord, Subnet};

/// Which addresses of a network are in use.
#[derive(Debug, Default)]
pub(crate) struct AddressBook {
    network: String,
    ranges: Vec<Range>,
}

#[derive(Debug)]
struct Range {
    subnet: IpNet,
    /// First and last address for automatic allocation.
    first: u128,
    last: u128,
    used: BTreeSet<u128>,
}

impl AddressBook {
    /// The book of a network without endpoints: only the gateway and what is reserved are taken.
    pub(crate) fn new(network: &NetworkRecord) -> Self {
        Self { network: network.name.clone(), ranges: network.subnets.iter().map(Range::new).collect() }
    }

    /// The lowest free address of a family, or `wanted`; `None` when the network has no such family.
    ///
    /// # Errors
    /// `wanted` is taken or outside, or nothing is left.
    pub(crate) fn allocate(&mut self, ipv6: bool, wanted: Option<IpAddr>) -> Result<Option<IpNet>> {
        let Some(range) = self.ranges.iter_mut().find(|range| matches!(range.subnet, IpNet::V6(_)) == ipv6)
        else {
            return wanted.map_or(Ok(None), |address| Err(NetworkError::AddressOutside { address }));
        };
        let address = match wanted {
            Some(address) => range.take(address)?,
            None => range.lowest_free().ok_or_else(|| NetworkError::AddressesExhausted {
                network: self.network.clone(),
                subnet: range.subnet,
            })?,
        };
        // The prefix length comes from a valid subnet of the same family.
        Ok(IpNet::new(address, range.subnet.prefix_len()).ok())
    }

    /// Marks addresses as taken that a record names; one that is outside is left alone.
    pub(crate) fn restore(&mut self, addresses: &[IpNet]) {
        for range in &mut self.ranges {
            let inside = addresses.iter().map(IpNet::addr).filter(|address| range.subnet.contains(address));
            range.used.extend(inside.map(number));
        }
    }

    /// Gives addresses back.
    pub(crate) fn release(&mut self, addresses: &[IpNet]) {
        for range in &mut self.ranges {
            for address in addresses.iter().map(IpNet::addr).filter(|address| range.subnet.contains(address))
            {
                range.used.remove(&number(address));
            }
        }
    }
}

impl Range {
    fn new(subnet: &Subnet) -> Self {
        let whole = subnet.subnet;
        let part = subnet.range.unwrap_or(whole);
        let mut used: BTreeSet<u128> =
            subnet.reserved.iter().copied().chain([subnet.gateway]).map(number).collect();
        // /31 and /127 have no addresses to spare (RFC 3021, RFC 6164).
        if whole.max_prefix_len() - whole.prefix_len() > 1 {
            used.insert(number(whole.network()));
            if matches!(whole, IpNet::V4(_)) {
                used.insert(number(whole.broadcast()));
            }
        }
        Self { subnet: whole, first: number(part.network()), last: number(part.broadcast()), used }
    }

    fn take(&mut self, address: IpAddr) -> Result<IpAddr> {
        if !self.subnet.contains(&address) {
            return Err(NetworkError::AddressOutside { address });
        }
        if !self.used.insert(number(address)) {
            return Err(NetworkError::AddressTaken { address });
        }
        Ok(address)
    }

    fn lowest_free(&mut self) -> Option<IpAddr> {
        let mut candidate = self.first;
        for used in self.used.range(self.first..=self.last) {
            if *used != candidate {
                break;
            }
            candidate = candidate.checked_add(1)?;
        }
        if candidate > self.last {
            return None;
        }
        self.used.insert(candidate);
        Some(match self.subnet {
            IpNet::V4(_) => Ipv4Addr::from(u32::try_from(candidate).ok()?).into(),
            IpNet::V6(_) => Ipv6Addr::from(candidate).into(),
        })
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::DriverName;

    fn book(subnet: &str, gateway: &str, range: Option<&str>) -> AddressBook {
        AddressBook::new(&NetworkRecord {
            id: "n".into(),
            name: "net".into(),
            driver: DriverName::Bridge,
            device: "br".into(),
            subnets: vec![Subnet {
                subnet: subnet.parse().unwrap(),
                range: range.map(|range| range.parse().unwrap()),
                gateway: gateway.parse().unwrap(),
                reserved: Vec::new(),
            }],
            mtu: 1500,
            internal: false,
            icc: true,
            masquerade: true,
            binding_address: None,
        })
    }

    fn next(book: &mut AddressBook) -> Option<String> {
        book.allocate(false, None).ok().flatten().map(|net| net.to_string())
    }

    #[test]
    fn the_lowest_free_address_comes_first() {
        let mut book = book("172.17.0.0/16", "172.17.0.1", None);
        assert_eq!(next(&mut book).unwrap(), "172.17.0.2/16");
        assert_eq!(next(&mut book).unwrap(), "172.17.0.3/16");
        book.release(&["172.17.0.2/16".parse().unwrap()]);
        assert_eq!(next(&mut book).unwrap(), "172.17.0.2/16");
        assert_eq!(next(&mut book).unwrap(), "172.17.0.4/16");
    }

    #[test]
    fn a_small_range_is_used_up_to_its_last_address() {
        let mut small = book("10.0.0.0/29", "10.0.0.1", None);
        assert_eq!((0..10).filter_map(|_| next(&mut small)).count(), 5);
        let mut part = book("10.0.0.0/24", "10.0.0.1", Some("10.0.0.128/30"));
        assert_eq!(next(&mut part).unwrap(), "10.0.0.128/24");
        assert_eq!((0..10).filter_map(|_| next(&mut part)).count(), 3);
    }

    #[test]
    fn static_addresses_are_taken_once_and_must_be_inside() {
        let mut book = book("10.0.0.0/24", "10.0.0.1", None);
        let wanted = |text: &str| Some(text.parse().unwrap());
        assert!(book.allocate(false, wanted("10.0.0.9")).is_ok());
        for text in ["10.0.0.9", "10.0.0.1", "10.0.0.0", "10.0.0.255", "10.0.1.9"] {
            assert!(book.allocate(false, wanted(text)).is_err(), "{text}");
        }
        assert!(book.allocate(true, wanted("fd00::1")).is_err());
        assert_eq!(book.allocate(true, None).unwrap(), None);
        book.restore(&["10.0.0.2/24".parse().unwrap()]);
        assert_eq!(next(&mut book).unwrap(), "10.0.0.3/24");
    }
}
