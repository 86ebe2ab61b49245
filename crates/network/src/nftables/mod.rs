//! nf_tables: our own messages, our own tables, and a read-only look at those of others.
//!
//! The messages follow `linux/netfilter/nf_tables.h`. That they mean what the rules say is tested against the
//! real `nft` program, which prints what the kernel holds.

mod batch;
mod expression;
mod set;

pub(crate) mod dump;
pub(crate) mod elements;
pub(crate) mod name_server;
pub(crate) mod ruleset;

pub(crate) use batch::Batch;

/// The table with the user's own chain, `forward`.
pub(crate) const USER_TABLE: &str = "sampan_user";

/// `NFNL_SUBSYS_NFTABLES`, the upper byte of every message type.
const SUBSYSTEM: u16 = 10;

/// A message type of this subsystem.
const fn message(number: u16) -> u16 {
    (SUBSYSTEM << 8) | number
}

/// The address family of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// `table ip`.
    Ipv4,
    /// `table ip6`.
    Ipv6,
    /// `table inet`: both.
    Both,
}

impl Family {
    /// `NFPROTO_*`.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Ipv4 => 2,
            Self::Ipv6 => 10,
            Self::Both => 1,
        }
    }

    /// Length of an address in bytes.
    pub(crate) fn address_length(self) -> usize {
        match self {
            Self::Ipv4 => 4,
            Self::Ipv6 | Self::Both => 16,
        }
    }
}
