//! Addresses that are near: of this host, of private networks, of the same link. What is published under the policy
//! `lan` is there for them only.

use std::net::IpAddr;

use ipnet::IpNet;

/// The ranges (RFC 1918, RFC 3927, RFC 4193, RFC 4291).
pub(crate) const RANGES: [&str; 8] = [
    "10.0.0.0/8",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// For whom ports are published that name no address of the host.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reach {
    /// Everybody.
    #[default]
    World,
    /// Near addresses.
    Lan,
    /// The host itself.
    Loopback,
}

impl std::str::FromStr for Reach {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "world" => Ok(Self::World),
            "lan" => Ok(Self::Lan),
            "loopback" => Ok(Self::Loopback),
            _ => Err(format!("{text:?} is not world, lan or loopback")),
        }
    }
}

/// Whether an address is near.
pub fn is_near(address: IpAddr) -> bool {
    let address = address.to_canonical();
    RANGES.iter().any(|range| range.parse::<IpNet>().is_ok_and(|range| range.contains(&address)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_near() {
        for (address, near) in [
            ("10.1.2.3", true),
            ("172.32.0.1", false),
            ("::ffff:192.168.1.1", true),
            ("2001:db8::1", false),
            ("fe80::1", true),
            ("8.8.8.8", false),
        ] {
            assert_eq!(is_near(address.parse().unwrap()), near, "{address}");
        }
    }
}
