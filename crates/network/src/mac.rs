//! Hardware addresses of containers: parsed, printed, derived from the IPv4 address.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::NetworkError;

/// An Ethernet hardware address, written `02:42:ac:11:00:02`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MacAddress(pub [u8; 6]);

impl MacAddress {
    /// The address that goes with an IPv4 address: `02:42` and its four bytes, locally administered.
    ///
    /// Derived and not random, so that a neighbour that still remembers an address which was given to a
    /// new container finds the new one at once.
    pub fn from_ipv4(address: Ipv4Addr) -> Self {
        let [a, b, c, d] = address.octets();
        Self([0x02, 0x42, a, b, c, d])
    }

    /// The same for a network without IPv4, from the last four bytes.
    pub fn from_ipv6(address: Ipv6Addr) -> Self {
        let bytes = address.octets();
        Self([0x02, 0x46, bytes[12], bytes[13], bytes[14], bytes[15]])
    }
}

impl fmt::Display for MacAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for MacAddress {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || NetworkError::InvalidMac { text: text.to_owned() };
        let mut bytes = [0_u8; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|part| part.len() == 2).ok_or_else(invalid)?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| invalid())?;
        }
        // A multicast address (lowest bit of the first byte) cannot belong to one interface.
        if parts.next().is_some() || bytes[0] & 1 == 1 || bytes == [0; 6] {
            return Err(invalid());
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for MacAddress {
    type Error = NetworkError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<MacAddress> for String {
    fn from(address: MacAddress) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_derived_from_the_address_as_docker_did() {
        let mac = MacAddress::from_ipv4(Ipv4Addr::new(172, 17, 0, 2));
        assert_eq!(mac.to_string(), "02:42:ac:11:00:02");
        assert_eq!("02-42-AC-11-00-02".parse::<MacAddress>().unwrap(), mac);
    }

    #[test]
    fn refuses_what_no_interface_can_have() {
        for text in [
            "",
            "02:42",
            "01:00:00:00:00:01",
            "00:00:00:00:00:00",
            "02:42:ac:11:00:02:03",
            "+2:42:ac:11:00:2",
        ] {
            assert!(text.parse::<MacAddress>().is_err(), "{text}");
        }
    }
}
