//! The table inside a container's namespace that brings queries for its name server to where we listen.
//!
//! It is a table of its own, so that a flush with `iptables` inside cannot touch it. Answers find their way back by
//! the connection that the kernel tracks.

use super::Family;
use super::batch::{Batch, Hook};
use super::expression::{Base, Expression, FIRST, Meta, register};
use crate::names::NAME_SERVER;

const TABLE: &str = "sampan_names";
const CHAIN: &str = "output";
const DOMAIN: u16 = 53;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// The transaction that sends port 53 of the name server's address to these ports of it.
pub(crate) fn rules(udp: u16, tcp: u16) -> Batch {
    let mut batch = Batch::new();
    // Adding first makes the removal succeed also when there was none.
    batch.add_table(Family::Ipv4, TABLE);
    batch.delete_table(Family::Ipv4, TABLE);
    batch.add_table(Family::Ipv4, TABLE);
    let hook = Hook { kind: "nat", number: 3, priority: -100 };
    batch.add_chain(Family::Ipv4, TABLE, CHAIN, Some(hook));
    for (protocol, port) in [(UDP, udp), (TCP, tcp)] {
        batch.add_rule(Family::Ipv4, TABLE, CHAIN, &rule(protocol, port));
    }
    batch
}

fn rule(protocol: u8, port: u16) -> Vec<Expression> {
    let server = NAME_SERVER.octets().to_vec();
    let compare = |value: Vec<u8>| Expression::Compare { equal: true, value };
    vec![
        Expression::Payload { base: Base::Network, offset: 16, length: 4, to: FIRST },
        compare(server.clone()),
        Expression::Meta { key: Meta::Protocol, to: FIRST },
        compare(vec![protocol]),
        Expression::Payload { base: Base::Transport, offset: 2, length: 2, to: FIRST },
        compare(DOMAIN.to_be_bytes().to_vec()),
        Expression::Value { to: FIRST, value: server },
        Expression::Value { to: register(1), value: port.to_be_bytes().to_vec() },
        Expression::TranslateDestination { family: Family::Ipv4.number(), port: Some(register(1)) },
    ]
}
