//! The ranges that networks get when nobody names one: Docker's, in Docker's order.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use crate::error::{NetworkError, Result};

/// First address, how many ranges, and the prefix length of each.
const POOLS: [(Ipv4Addr, u32, u8); 2] =
    [(Ipv4Addr::new(172, 17, 0, 0), 15, 16), (Ipv4Addr::new(192, 168, 0, 0), 16, 20)];

/// The first range that overlaps with nothing in use.
///
/// # Errors
/// All are taken.
pub(crate) fn choose(in_use: &[IpNet]) -> Result<Ipv4Net> {
    candidates()
        .find(|candidate| !in_use.iter().any(|used| overlap(IpNet::V4(*candidate), *used)))
        .ok_or(NetworkError::PoolsExhausted)
}

/// Checks a range that the user named.
///
/// # Errors
/// What it overlaps with.
pub(crate) fn check_free(subnet: IpNet, in_use: &[IpNet]) -> Result<()> {
    match in_use.iter().find(|used| overlap(subnet, **used)) {
        Some(other) => Err(NetworkError::SubnetClash { subnet, other: *other }),
        None => Ok(()),
    }
}

fn candidates() -> impl Iterator<Item = Ipv4Net> {
    POOLS.into_iter().flat_map(|(first, count, prefix)| {
        let step = 1_u32 << (32 - prefix);
        (0..count).filter_map(move |index| {
            Ipv4Net::new(Ipv4Addr::from(u32::from(first) + index * step), prefix).ok()
        })
    })
}

/// A default route covers everything and is in nobody's way.
fn overlap(left: IpNet, right: IpNet) -> bool {
    right.prefix_len() > 0 && (left.contains(&right.network()) || right.contains(&left.network()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nets(texts: &[&str]) -> Vec<IpNet> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn what_the_host_uses_is_passed_over() {
        assert_eq!(choose(&nets(&["0.0.0.0/0", "10.0.0.0/8"])).unwrap().to_string(), "172.17.0.0/16");
        assert_eq!(choose(&nets(&["172.17.42.1/24", "172.18.0.0/15"])).unwrap().to_string(), "172.20.0.0/16");
        assert_eq!(choose(&nets(&["172.16.0.0/12"])).unwrap().to_string(), "192.168.0.0/20");
        assert!(choose(&nets(&["172.16.0.0/12", "192.168.0.0/16"])).is_err());
        assert!(check_free("10.1.0.0/16".parse().unwrap(), &nets(&["10.1.2.3/32"])).is_err());
    }
}
