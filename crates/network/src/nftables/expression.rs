//! The expressions that rules are made of, and their encoding.

use crate::netlink::Request;

/// Netlink's mark for an attribute that holds attributes.
const NESTED: u16 = 0x8000;
const LIST_ELEMENT: u16 = 1;
const EXPRESSION_NAME: u16 = 1;
const EXPRESSION_DATA: u16 = 2;
const DATA_VALUE: u16 = 1;
const DATA_VERDICT: u16 = 2;
const VERDICT_CODE: u16 = 1;
const VERDICT_CHAIN: u16 = 2;

/// The 16-byte register that single values use, and the first part of a compound one.
pub(super) const FIRST: u32 = 1;

/// The register `words` 4-byte words after the first one (`NFT_REG32_00` is 8).
pub(super) const fn register(words: u32) -> u32 {
    // The kernel and `nft` write the start of each 16 bytes as 1 to 4.
    if words.is_multiple_of(4) { 1 + words / 4 } else { 8 + words }
}

/// What a rule ends with, or an element of a verdict map holds.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Verdict {
    Accept,
    Drop,
    Return,
    Jump(String),
}

impl Verdict {
    /// Writes the attribute `kind` with this verdict as its data.
    pub(super) fn encode(&self, request: &mut Request, kind: u16) {
        let (code, chain) = match self {
            Self::Drop => (0, None),
            Self::Accept => (1, None),
            Self::Jump(chain) => (-3, Some(chain)),
            Self::Return => (-5, None),
        };
        request.nest(kind | NESTED, |request| {
            request.nest(DATA_VERDICT | NESTED, |request| {
                request.put(VERDICT_CODE, &i32::to_be_bytes(code));
                if let Some(chain) = chain {
                    request.put_text(VERDICT_CHAIN, chain);
                }
            });
        });
    }
}

/// `meta` keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meta {
    InputName = 6,
    OutputName = 7,
    Protocol = 16,
    InputGroup = 21,
    OutputGroup = 22,
}

/// `ct` keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Connection {
    State = 0,
    Status = 2,
}

/// Where a payload offset counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Base {
    Network = 1,
    Transport = 2,
}

/// One expression of a rule. Registers are numbered as in the kernel's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// Loads a property of the packet.
    Meta { key: Meta, to: u32 },
    /// Loads a property of its connection.
    Connection { key: Connection, to: u32 },
    /// Loads bytes of the packet.
    Payload { base: Base, offset: u32, length: u32, to: u32 },
    /// Loads what kind of address the destination is (`fib daddr type`).
    DestinationType { to: u32 },
    /// Keeps some bits of the first register.
    Mask { mask: u32 },
    /// Goes on only if the first register is (or is not) this.
    Compare { equal: bool, value: Vec<u8> },
    /// Loads a random number below a limit.
    Random { below: u32, to: u32 },
    /// Goes on only if the first registers are in the set, and loads the map's data if there is a destination.
    Lookup { set: String, to: Option<u32> },
    /// Puts a value into a register.
    Value { to: u32, value: Vec<u8> },
    /// Ends the rule with the map's verdict.
    Verdict(Verdict),
    /// Translates the destination to the address in the first register and the port in another one.
    TranslateDestination { family: u8, port: Option<u32> },
    /// Translates the source to the outgoing interface's address.
    Masquerade,
}

impl Expression {
    /// Writes the expression as one element of a rule's list.
    pub(super) fn encode(&self, request: &mut Request) {
        request.nest(LIST_ELEMENT | NESTED, |request| {
            request.put_text(EXPRESSION_NAME, self.name());
            request.nest(EXPRESSION_DATA | NESTED, |request| self.encode_data(request));
        });
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Meta { .. } => "meta",
            Self::Connection { .. } => "ct",
            Self::Payload { .. } => "payload",
            Self::DestinationType { .. } => "fib",
            Self::Mask { .. } => "bitwise",
            Self::Compare { .. } => "cmp",
            Self::Lookup { .. } => "lookup",
            Self::Random { .. } => "numgen",
            Self::Value { .. } | Self::Verdict(_) => "immediate",
            Self::TranslateDestination { .. } => "nat",
            Self::Masquerade => "masq",
        }
    }

    /// Attribute numbers are those of each expression's own enum in nf_tables.h.
    fn encode_data(&self, request: &mut Request) {
        match self {
            Self::Meta { key, to } => {
                request.put_u32_be(2, *key as u32);
                request.put_u32_be(1, *to);
            }
            Self::Connection { key, to } => {
                request.put_u32_be(2, *key as u32);
                request.put_u32_be(1, *to);
            }
            Self::Payload { base, offset, length, to } => {
                request.put_u32_be(1, *to);
                request.put_u32_be(2, *base as u32);
                request.put_u32_be(3, *offset);
                request.put_u32_be(4, *length);
            }
            Self::DestinationType { to } => {
                const ADDRESS_TYPE: u32 = 3;
                const DESTINATION: u32 = 2;
                request.put_u32_be(3, DESTINATION);
                request.put_u32_be(2, ADDRESS_TYPE);
                request.put_u32_be(1, *to);
            }
            Self::Mask { mask } => {
                request.put_u32_be(1, FIRST);
                request.put_u32_be(2, FIRST);
                request.put_u32_be(3, 4);
                put_data(request, 4, &mask.to_ne_bytes());
                put_data(request, 5, &[0; 4]);
            }
            Self::Compare { equal, value } => {
                request.put_u32_be(1, FIRST);
                request.put_u32_be(2, u32::from(!equal));
                put_data(request, 3, value);
            }
            Self::Lookup { set, to } => {
                request.put_text(1, set);
                request.put_u32_be(2, FIRST);
                if let Some(to) = to {
                    request.put_u32_be(3, *to);
                }
            }
            Self::Random { below, to } => {
                const RANDOM: u32 = 1;
                request.put_u32_be(1, *to);
                request.put_u32_be(2, *below);
                request.put_u32_be(3, RANDOM);
                request.put_u32_be(4, 0);
            }
            Self::Value { to, value } => {
                request.put_u32_be(1, *to);
                put_data(request, 2, value);
            }
            Self::Verdict(verdict) => {
                request.put_u32_be(1, 0);
                verdict.encode(request, 2);
            }
            Self::TranslateDestination { family, port } => {
                const DESTINATION: u32 = 1;
                request.put_u32_be(1, DESTINATION);
                request.put_u32_be(2, u32::from(*family));
                request.put_u32_be(3, FIRST);
                if let Some(port) = port {
                    request.put_u32_be(5, *port);
                }
            }
            Self::Masquerade => {}
        }
    }
}

/// Writes the attribute `kind` with a plain value as its data.
pub(super) fn put_data(request: &mut Request, kind: u16, value: &[u8]) {
    request.nest(kind | NESTED, |request| request.put(DATA_VALUE, value));
}
