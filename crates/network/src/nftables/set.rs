//! Sets and maps: their declaration and their elements.

use super::expression::{Verdict, put_data};
use super::{Family, message};
use crate::netlink::{CREATE, Request};

const NFT_MSG_NEWSET: u16 = 9;
const NESTED: u16 = 0x8000;
const LIST_ELEMENT: u16 = 1;
const FLAG_INTERVAL: u32 = 0x4;
const FLAG_MAP: u32 = 0x8;
const FLAG_CONCATENATION: u32 = 0x80;
/// `NFT_DATA_VERDICT`.
const TYPE_VERDICT: u32 = 0xffff_ff00;

/// A note to the `nft` program (type, length, value) that the key is text, which it would print reversed else.
const KEY_IN_HOST_ORDER: [u8; 6] = {
    let [a, b, c, d] = 1_u32.to_ne_bytes();
    [0, 4, a, b, c, d]
};

/// A type of key or data, with the number that the `nft` program knows it by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Address(Family),
    Protocol,
    Port,
    InterfaceName,
    /// A random number; `nft` shows it as a packet's mark, a number of the same size.
    Slot,
}

impl Kind {
    fn number(self) -> u32 {
        match self {
            Self::Address(Family::Ipv4) => 7,
            Self::Address(Family::Ipv6 | Family::Both) => 8,
            Self::Protocol => 12,
            Self::Port => 13,
            Self::InterfaceName => 41,
            Self::Slot => 19,
        }
    }

    fn length(self) -> usize {
        match self {
            Self::Address(family) => family.address_length(),
            Self::Protocol => 1,
            Self::Port => 2,
            Self::InterfaceName => 16,
            Self::Slot => 4,
        }
    }

    /// The number of a compound type: 6 bits for each part.
    fn compound(parts: &[Self]) -> u32 {
        parts.iter().fold(0, |number, part| (number << 6) | part.number())
    }

    /// Length of a compound value: each part fills whole words.
    fn compound_length(parts: &[Self]) -> u32 {
        if let [only] = parts {
            return only.length() as u32;
        }
        parts.iter().map(|part| part.length().next_multiple_of(4) as u32).sum()
    }
}

/// What a map gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Nothing: a plain set.
    Nothing,
    /// A verdict.
    Verdict,
    /// Values.
    Values(&'static [Kind]),
}

/// The declaration of a set or map.
#[derive(Debug, Clone, Copy)]
pub(super) struct Set {
    pub(super) name: &'static str,
    pub(super) key: &'static [Kind],
    /// Keys are ranges.
    pub(super) interval: bool,
    pub(super) gives: Gives,
    /// Each element counts the packets that find it.
    pub(super) counts: bool,
}

impl Set {
    /// Adds: make the set in `table`. `id` must differ for each set of a transaction.
    pub(super) fn encode(&self, request: &mut Request, family: Family, table: &str, id: u32) {
        request.message(
            message(NFT_MSG_NEWSET),
            CREATE,
            &[family.number(), 0, 0, 0],
            format!("make the packet filter set {}", self.name),
        );
        let compound = self.key.len() > 1;
        let mut flags = 0;
        if self.interval {
            flags |= FLAG_INTERVAL;
        }
        if self.gives != Gives::Nothing {
            flags |= FLAG_MAP;
        }
        if self.interval && compound {
            flags |= FLAG_CONCATENATION;
        }
        request.put_text(1, table);
        request.put_text(2, self.name);
        request.put_u32_be(3, flags);
        request.put_u32_be(4, Kind::compound(self.key));
        request.put_u32_be(5, Kind::compound_length(self.key));
        match self.gives {
            Gives::Nothing => {}
            Gives::Verdict => {
                request.put_u32_be(6, TYPE_VERDICT);
                request.put_u32_be(7, 16);
            }
            Gives::Values(parts) => {
                request.put_u32_be(6, Kind::compound(parts));
                request.put_u32_be(7, Kind::compound_length(parts));
            }
        }
        request.put_u32_be(10, id);
        if self.key == [Kind::InterfaceName] {
            request.put(13, &KEY_IN_HOST_ORDER);
        }
        if self.counts {
            request.nest(17 | NESTED, |request| {
                request.put_text(1, "counter");
                request.nest(2 | NESTED, |_| {});
            });
        }
        if self.interval && compound {
            request.nest(9 | NESTED, |request| {
                request.nest(2 | NESTED, |request| {
                    for part in self.key {
                        request.nest(LIST_ELEMENT | NESTED, |request| {
                            request.put_u32_be(1, part.length() as u32);
                        });
                    }
                });
            });
        }
    }
}

/// What an element of a map gives.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Data {
    Nothing,
    Verdict(Verdict),
    Value(Vec<u8>),
}

/// One element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Element {
    pub(super) key: Vec<u8>,
    /// The last key of a range in a compound interval set.
    pub(super) key_end: Option<Vec<u8>>,
    /// In a simple interval set: the first key after the range.
    pub(super) interval_end: bool,
    pub(super) data: Data,
}

impl Element {
    /// An element with a single key.
    pub(super) fn new(key: Vec<u8>, data: Data) -> Self {
        Self { key, key_end: None, interval_end: false, data }
    }

    /// Writes the element's key alone, to ask for it.
    pub(super) fn encode_key(&self, request: &mut Request) {
        request.nest(LIST_ELEMENT | NESTED, |request| put_data(request, 1, &self.key));
    }

    /// Writes the element as one of a list.
    pub(super) fn encode(&self, request: &mut Request) {
        request.nest(LIST_ELEMENT | NESTED, |request| {
            if self.interval_end {
                request.put_u32_be(3, 1);
            }
            put_data(request, 1, &self.key);
            if let Some(end) = &self.key_end {
                put_data(request, 10, end);
            }
            match &self.data {
                Data::Nothing => {}
                Data::Verdict(verdict) => verdict.encode(request, 2),
                Data::Value(value) => put_data(request, 2, value),
            }
        });
    }
}
