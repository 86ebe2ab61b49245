//! Reading: a walk over netlink attributes that cannot leave its buffer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::aligned;

/// Flags that share the type field (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`).
const TYPE_MASK: u16 = 0x3fff;

/// An iterator over `(type, value)`; it ends at the first attribute that does not fit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes<'a>(pub(crate) &'a [u8]);

impl<'a> Attributes<'a> {
    /// The value of the first attribute of this type.
    pub(crate) fn find(self, kind: u16) -> Option<&'a [u8]> {
        let mut all = self;
        all.find_map(|(found, value)| (found == kind).then_some(value))
    }

    /// The attributes inside the first attribute of this type; none if it is missing.
    pub(crate) fn nested(self, kind: u16) -> Attributes<'a> {
        Attributes(self.find(kind).unwrap_or_default())
    }

    /// A number in the host's byte order, as rtnetlink uses.
    pub(crate) fn u32(self, kind: u16) -> Option<u32> {
        self.find(kind)?.get(..4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes)
    }

    /// A number in network byte order, as nfnetlink uses.
    pub(crate) fn u32_be(self, kind: u16) -> Option<u32> {
        self.u32(kind).map(u32::from_be)
    }

    /// A text that ends at its first zero byte.
    pub(crate) fn text(self, kind: u16) -> Option<&'a str> {
        let bytes = self.find(kind)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(&bytes[..end]).ok()
    }

    /// An address of 4 or 16 bytes.
    pub(crate) fn address(self, kind: u16) -> Option<IpAddr> {
        let bytes = self.find(kind)?;
        match bytes.len() {
            4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
            16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
            _ => None,
        }
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let length = usize::from(u16::from_ne_bytes(self.0.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(self.0.get(2..4)?.try_into().ok()?) & TYPE_MASK;
        let value = self.0.get(4..length)?;
        self.0 = self.0.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_a_length_that_lies() {
        assert_eq!(Attributes(&[]).count(), 0);
        assert_eq!(Attributes(&[200, 0, 1, 0]).count(), 0);
        assert_eq!(Attributes(&[0, 0, 1, 0, 0, 0, 0, 0]).count(), 0);
        assert_eq!(Attributes(&[5, 0, 1, 0, 9]).collect::<Vec<_>>(), vec![(1, &[9_u8][..])]);
    }
}
