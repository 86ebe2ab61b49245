//! The ruleset of one instance: laid down in one transaction, then only map elements come and go.
//!
//! One table for each family. Published ports are elements of four maps (exact ports and ranges, for all
//! addresses and for one), and of two more when several containers answer; networks are elements of maps from interface name or subnet to a chain of their own.
//! In `nft`'s language, for one bridge `sampan0` with 172.17.0.0/16, `tests.rs` beside this file has it in full.

use ipnet::IpNet;

use super::Family;
use super::batch::{Batch, Hook};
use super::elements::{Published, SLOTS};
use super::expression::{Base, Connection, Expression, FIRST, Meta, Verdict, register};
pub(crate) use super::set::Element;
use super::set::{Data, Gives, Kind, Set};
use crate::near;

/// Device group of every Sampan bridge of every instance ("SPN"): what is not in it is foreign.
pub(crate) const DEVICE_GROUP: u32 = 0x0053_504e;

pub(super) const PUBLISHED: &str = "published";
pub(super) const PUBLISHED_AT: &str = "published_at";
pub(super) const PUBLISHED_RANGES: &str = "published_ranges";
pub(super) const PUBLISHED_RANGES_AT: &str = "published_ranges_at";
pub(super) const BALANCED: &str = "balanced";
pub(super) const BALANCED_AT: &str = "balanced_at";
const BRIDGES: &str = "bridges";
const INTO: &str = "into";
const OUT_OF: &str = "out_of";
const SOURCES: &str = "sources";
const NEAR: &str = "near";
const TRANSLATE_AT: &str = "translate_at";

const STATE_ESTABLISHED_RELATED: u32 = 0x2 | 0x4;
/// `IPS_DST_NAT`: the connection's destination was translated.
const STATUS_TRANSLATED: u32 = 0x20;
/// `RTN_LOCAL`: one of the host's own addresses.
const LOCAL_ADDRESS: u32 = 2;

/// What the ruleset needs to know of a bridge network in one family.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BridgeRules {
    pub(crate) device: String,
    pub(crate) subnet: IpNet,
    pub(crate) internal: bool,
    pub(crate) icc: bool,
    pub(crate) masquerade: bool,
}

/// The tables of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ruleset {
    /// Name of the table in both families.
    pub(crate) table: String,
    /// This program turned forwarding on: nothing may be forwarded that has no Sampan bridge on either side.
    pub(crate) guard: bool,
    /// Ports that are published without an address are there for near addresses only ([`crate::near`]).
    pub(crate) only_near: bool,
}

/// Name of an instance's tables.
pub(crate) fn table_name(instance: &str) -> String {
    format!("sampan_{instance}")
}

impl Ruleset {
    /// Replaces the table of this family by a whole new one.
    pub(crate) fn lay_down(
        &self,
        batch: &mut Batch,
        family: Family,
        bridges: &[BridgeRules],
        published: &Published,
    ) {
        self.lay_down_unmarked(batch, family, bridges);
        batch.add_chain(family, &self.table, &self.mark(family, bridges), None);
        self.add_published(batch, family, published);
    }

    /// The name of an empty chain by which a later daemon knows that these very rules are there. It differs for
    /// other networks and other versions of this program.
    pub(crate) fn mark(&self, family: Family, bridges: &[BridgeRules]) -> String {
        let mut bridges = bridges.to_vec();
        bridges.sort_by(|left, right| left.device.cmp(&right.device));
        let mut batch = Batch::new();
        self.lay_down_unmarked(&mut batch, family, &bridges);
        format!("laid_{:016x}", batch.fingerprint())
    }

    /// Adds or removes a network: another mark takes the place of the last one.
    pub(crate) fn change_mark(
        &self,
        batch: &mut Batch,
        family: Family,
        before: &[BridgeRules],
        after: &[BridgeRules],
    ) {
        batch.delete_empty_chain(family, &self.table, &self.mark(family, before));
        batch.add_chain(family, &self.table, &self.mark(family, after), None);
    }

    fn lay_down_unmarked(&self, batch: &mut Batch, family: Family, bridges: &[BridgeRules]) {
        // Adding first makes the removal succeed also when there was none.
        batch.add_table(family, &self.table);
        batch.delete_table(family, &self.table);
        batch.add_table(family, &self.table);
        for set in sets(family) {
            batch.add_set(family, &self.table, &set);
        }
        if self.only_near {
            let key: &[Kind] = match family {
                Family::Ipv4 => &[Kind::Address(Family::Ipv4)],
                _ => &[Kind::Address(Family::Ipv6)],
            };
            let set = Set { name: NEAR, key, interval: true, gives: Gives::Nothing, counts: false };
            batch.add_set(family, &self.table, &set);
            let ranges = near::RANGES.iter().filter_map(|range| range.parse::<IpNet>().ok());
            for range in ranges.filter(|range| range.addr().is_ipv4() == (family == Family::Ipv4)) {
                batch.add_elements(family, &self.table, NEAR, &range_of(range, Data::Nothing));
            }
            batch.add_chain(family, &self.table, TRANSLATE_AT, None);
        }
        for (chain, hook) in CHAINS {
            batch.add_chain(family, &self.table, chain, hook);
        }
        for (chain, rule) in self.rules(family) {
            batch.add_rule(family, &self.table, chain, &rule);
        }
        for bridge in bridges {
            self.add_bridge(batch, family, bridge);
        }
    }

    /// How many rules a table has with these bridges; fewer or more means that somebody changed it.
    pub(crate) fn rule_count(&self, family: Family, bridges: &[BridgeRules]) -> usize {
        self.rules(family).len()
            + bridges
                .iter()
                .map(|bridge| chains_of(bridge).iter().map(|(_, rules)| rules.len()).sum::<usize>())
                .sum::<usize>()
    }

    /// How many rules of them are in the chain `forward`.
    pub(crate) fn forward_rule_count(&self) -> usize {
        self.rules(Family::Ipv4).iter().filter(|(chain, _)| *chain == "forward").count()
    }

    /// Adds a network.
    pub(crate) fn add_bridge(&self, batch: &mut Batch, family: Family, bridge: &BridgeRules) {
        for (chain, rules) in chains_of(bridge) {
            batch.add_chain(family, &self.table, &chain, None);
            for rule in rules {
                batch.add_rule(family, &self.table, &chain, &rule);
            }
        }
        for (set, elements) in elements_of(bridge) {
            batch.add_elements(family, &self.table, set, &elements);
        }
    }

    /// Removes a network.
    pub(crate) fn remove_bridge(&self, batch: &mut Batch, family: Family, bridge: &BridgeRules) {
        for (set, elements) in elements_of(bridge) {
            batch.delete_elements(family, &self.table, set, &elements);
        }
        for (chain, _) in chains_of(bridge) {
            batch.delete_chain(family, &self.table, &chain);
        }
    }

    /// Adds published ports.
    pub(crate) fn add_published(&self, batch: &mut Batch, family: Family, published: &Published) {
        for (set, elements) in published.sets(family) {
            batch.add_elements(family, &self.table, set, elements);
        }
    }

    /// Removes published ports.
    pub(crate) fn remove_published(&self, batch: &mut Batch, family: Family, published: &Published) {
        for (set, elements) in published.sets(family) {
            batch.delete_elements(family, &self.table, set, elements);
        }
    }

    /// Removes one element of a published port.
    pub(crate) fn remove_element(
        &self,
        batch: &mut Batch,
        family: Family,
        set: &'static str,
        element: &Element,
    ) {
        batch.delete_elements(family, &self.table, set, std::slice::from_ref(element));
    }
}

const CHAINS: [(&str, Option<Hook>); 6] = [
    ("translate", None),
    // Before connection tracking (-200).
    ("raw", Some(Hook { kind: "filter", number: 0, priority: -300 })),
    ("prerouting", Some(Hook { kind: "nat", number: 0, priority: -100 })),
    ("output", Some(Hook { kind: "nat", number: 3, priority: -100 })),
    ("postrouting", Some(Hook { kind: "nat", number: 4, priority: 100 })),
    ("forward", Some(Hook { kind: "filter", number: 2, priority: 0 })),
];

/// The declarations for a family. Keys and data are in the order in which the rules load them.
fn sets(family: Family) -> [Set; 10] {
    use Kind::{Address, InterfaceName, Port, Protocol, Slot};
    const V4: Kind = Address(Family::Ipv4);
    const V6: Kind = Address(Family::Ipv6);
    let (at, slot_at, target, address): (&[Kind], &[Kind], &[Kind], &[Kind]) = match family {
        Family::Ipv4 => (&[V4, Protocol, Port], &[V4, Protocol, Port, Slot], &[V4, Port], &[V4]),
        Family::Ipv6 | Family::Both => {
            (&[V6, Protocol, Port], &[V6, Protocol, Port, Slot], &[V6, Port], &[V6])
        }
    };
    let any: &[Kind] = &[Protocol, Port];
    let device: &[Kind] = &[InterfaceName];
    let exact = |name, key| Set { name, key, interval: false, gives: Gives::Values(target), counts: true };
    let plain = |name, key, gives| Set { name, key, interval: false, gives, counts: false };
    let range = |name, key| Set { name, key, interval: true, gives: Gives::Values(address), counts: true };
    [
        exact(PUBLISHED, any),
        exact(PUBLISHED_AT, at),
        range(PUBLISHED_RANGES, any),
        range(PUBLISHED_RANGES_AT, at),
        exact(BALANCED, &[Protocol, Port, Slot]),
        exact(BALANCED_AT, slot_at),
        plain(BRIDGES, device, Gives::Nothing),
        plain(INTO, device, Gives::Verdict),
        plain(OUT_OF, device, Gives::Verdict),
        Set { interval: true, ..plain(SOURCES, address, Gives::Verdict) },
    ]
}

type Rule = Vec<Expression>;

impl Ruleset {
    /// The rules that do not depend on any network.
    fn rules(&self, family: Family) -> Vec<(&'static str, Rule)> {
        let mut rules = rules(family);
        if self.only_near {
            let local =
                || vec![Expression::DestinationType { to: FIRST }, compare(&LOCAL_ADDRESS.to_ne_bytes())];
            let jump = |chain: &str| verdict(Verdict::Jump(chain.to_owned()));
            let is_near = vec![Expression::Lookup { set: NEAR.to_owned(), to: None }];
            rules.push(("prerouting", rule([source(family), is_near, local(), jump("translate")])));
            rules.push(("prerouting", rule([local(), jump(TRANSLATE_AT)])));
            rules.push((TRANSLATE_AT, translation(family, BALANCED_AT, true, By::Slot)));
            rules.push((TRANSLATE_AT, translation(family, PUBLISHED_AT, true, By::Port)));
            rules.push((TRANSLATE_AT, translation(family, PUBLISHED_RANGES_AT, true, By::Range)));
        } else {
            let local =
                vec![Expression::DestinationType { to: FIRST }, compare(&LOCAL_ADDRESS.to_ne_bytes())];
            rules.push(("prerouting", rule([local, verdict(Verdict::Jump("translate".to_owned()))])));
        }
        if self.guard {
            rules.push((
                "forward",
                rule([foreign(Meta::InputGroup), foreign(Meta::OutputGroup), verdict(Verdict::Drop)]),
            ));
        }
        rules
    }
}

/// Those that are the same for every policy.
fn rules(family: Family) -> Vec<(&'static str, Rule)> {
    let to_local = || vec![Expression::DestinationType { to: FIRST }, compare(&LOCAL_ADDRESS.to_ne_bytes())];
    let translate = || rule([to_local(), verdict(Verdict::Jump("translate".to_owned()))]);
    let by_map = |name: &str| vec![Expression::Lookup { set: name.to_owned(), to: Some(0) }];
    let of_bridges = || vec![Expression::Lookup { set: BRIDGES.to_owned(), to: None }];
    let mut rules = vec![
        ("translate", translation(family, BALANCED_AT, true, By::Slot)),
        ("translate", translation(family, BALANCED, false, By::Slot)),
        ("translate", translation(family, PUBLISHED_AT, true, By::Port)),
        ("translate", translation(family, PUBLISHED, false, By::Port)),
        ("translate", translation(family, PUBLISHED_RANGES_AT, true, By::Range)),
        ("translate", translation(family, PUBLISHED_RANGES, false, By::Range)),
        // Routing refuses what comes from outside for a loopback address, but only as long as nobody translated it.
        ("prerouting", rule([to_loopback(family), verdict(Verdict::Return)])),
        ("postrouting", rule([source(family), by_map(SOURCES)])),
        ("forward", rule([load(Meta::InputName), by_map(OUT_OF)])),
        ("forward", rule([load(Meta::OutputName), by_map(INTO)])),
        ("forward", rule([load(Meta::InputName), of_bridges(), verdict(Verdict::Accept)])),
    ];
    if family == Family::Ipv6 {
        // What goes to ::1 cannot leave the loopback interface (there is no route_localnet): a relay serves it.
        rules.push(("output", rule([to_loopback(family), verdict(Verdict::Return)])));
    }
    rules.push(("output", translate()));
    if family == Family::Ipv4 {
        // route_localnet on a bridge lets answers to 127.0.0.1 in; nothing else with a loopback address may come.
        rules.push((
            "raw",
            rule([loopback_at(16), load(Meta::InputName), of_bridges(), verdict(Verdict::Drop)]),
        ));
        rules.push((
            "raw",
            rule([loopback_at(12), load(Meta::InputName), of_bridges(), verdict(Verdict::Drop)]),
        ));
        // The host's own connections to 127.0.0.1 need an address that the container can answer to.
        let masquerade = vec![Expression::Masquerade];
        rules
            .push(("postrouting", rule([loopback_at(12), load(Meta::OutputName), of_bridges(), masquerade])));
    }
    rules
}

/// The chains of one network, each with its rules.
fn chains_of(bridge: &BridgeRules) -> Vec<(String, Vec<Rule>)> {
    let from_itself = || rule([load(Meta::InputName), vec![compare(&interface(&bridge.device))]]);
    let to_itself = || rule([load(Meta::OutputName), vec![compare(&interface(&bridge.device))]]);
    let translated = || connection(Connection::Status, STATUS_TRANSLATED);
    let mut into = Vec::new();
    if !bridge.internal {
        into.push(rule([connection(Connection::State, STATE_ESTABLISHED_RELATED), verdict(Verdict::Accept)]));
        into.push(rule([translated(), verdict(Verdict::Accept)]));
    }
    if bridge.icc {
        into.push(rule([from_itself(), verdict(Verdict::Accept)]));
    }
    into.push(verdict(Verdict::Drop));
    let mut chains = vec![(format!("{INTO}_{}", bridge.device), into)];
    if bridge.internal {
        let rules = vec![rule([to_itself(), verdict(Verdict::Return)]), verdict(Verdict::Drop)];
        chains.push((format!("{OUT_OF}_{}", bridge.device), rules));
    } else {
        // A container that reaches another (or itself) by the host's address must get its answer through the host.
        let mut rules = vec![
            rule([to_itself(), translated(), vec![Expression::Masquerade]]),
            rule([to_itself(), verdict(Verdict::Return)]),
        ];
        if bridge.masquerade {
            rules.push(vec![Expression::Masquerade]);
        }
        chains.push((format!("leave_{}", bridge.device), rules));
    }
    chains
}

/// The elements that lead to those chains.
fn elements_of(bridge: &BridgeRules) -> Vec<(&'static str, Vec<Element>)> {
    let name = interface(&bridge.device);
    let jump = |prefix: &str| Data::Verdict(Verdict::Jump(format!("{prefix}_{}", bridge.device)));
    let mut elements = vec![
        (BRIDGES, vec![Element::new(name.clone(), Data::Nothing)]),
        (INTO, vec![Element::new(name.clone(), jump(INTO))]),
    ];
    if bridge.internal {
        elements.push((OUT_OF, vec![Element::new(name, jump(OUT_OF))]));
    } else {
        elements.push((SOURCES, range_of(bridge.subnet, jump("leave"))));
    }
    elements
}

/// A subnet in a simple interval map: its first address with the data, and the first address after it.
fn range_of(subnet: IpNet, data: Data) -> Vec<Element> {
    let (first, after) = match subnet {
        IpNet::V4(net) => (
            net.network().octets().to_vec(),
            u32::from(net.broadcast()).checked_add(1).map(|next| next.to_be_bytes().to_vec()),
        ),
        IpNet::V6(net) => (
            net.network().octets().to_vec(),
            u128::from(net.broadcast()).checked_add(1).map(|next| next.to_be_bytes().to_vec()),
        ),
    };
    let mut elements = vec![Element::new(first, data)];
    if let Some(after) = after {
        elements.push(Element { key: after, key_end: None, interval_end: true, data: Data::Nothing });
    }
    elements
}

/// What a map of published ports is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The port; it gives an address and a port.
    Port,
    /// A range of ports; it gives an address.
    Range,
    /// The port and a slot that is drawn for each connection; it gives an address and a port.
    Slot,
}

/// Load (address,) protocol and port; look them up; translate to what the map gives.
fn translation(family: Family, set: &str, with_address: bool, by: By) -> Rule {
    let mut rule = Vec::new();
    let address_words = family.address_length() as u32 / 4;
    let mut word = 0;
    if with_address {
        rule.push(destination(family, FIRST));
        word = address_words;
    }
    rule.push(Expression::Meta { key: Meta::Protocol, to: register(word) });
    rule.push(Expression::Payload { base: Base::Transport, offset: 2, length: 2, to: register(word + 1) });
    if by == By::Slot {
        rule.push(Expression::Random { below: SLOTS, to: register(word + 2) });
    }
    rule.push(Expression::Lookup { set: set.to_owned(), to: Some(FIRST) });
    let port = (by != By::Range).then(|| register(address_words));
    rule.push(Expression::TranslateDestination { family: family.number(), port });
    rule
}

fn destination(family: Family, to: u32) -> Expression {
    let offset = match family {
        Family::Ipv4 => 16,
        Family::Ipv6 | Family::Both => 24,
    };
    Expression::Payload { base: Base::Network, offset, length: family.address_length() as u32, to }
}

fn source(family: Family) -> Rule {
    let offset = match family {
        Family::Ipv4 => 12,
        Family::Ipv6 | Family::Both => 8,
    };
    vec![Expression::Payload {
        base: Base::Network,
        offset,
        length: family.address_length() as u32,
        to: FIRST,
    }]
}

fn to_loopback(family: Family) -> Rule {
    match family {
        Family::Ipv4 => loopback_at(16),
        Family::Ipv6 | Family::Both => {
            vec![destination(family, FIRST), compare(&std::net::Ipv6Addr::LOCALHOST.octets())]
        }
    }
}

/// The IPv4 address at this offset is in 127.0.0.0/8: its first byte says so.
fn loopback_at(offset: u32) -> Rule {
    vec![Expression::Payload { base: Base::Network, offset, length: 1, to: FIRST }, compare(&[127])]
}

fn connection(key: Connection, bits: u32) -> Rule {
    vec![
        Expression::Connection { key, to: FIRST },
        Expression::Mask { mask: bits },
        Expression::Compare { equal: false, value: vec![0; 4] },
    ]
}

fn foreign(key: Meta) -> Rule {
    vec![
        Expression::Meta { key, to: FIRST },
        Expression::Compare { equal: false, value: DEVICE_GROUP.to_ne_bytes().to_vec() },
    ]
}

fn load(key: Meta) -> Vec<Expression> {
    vec![Expression::Meta { key, to: FIRST }]
}

fn compare(value: &[u8]) -> Expression {
    Expression::Compare { equal: true, value: value.to_vec() }
}

fn verdict(verdict: Verdict) -> Rule {
    vec![Expression::Verdict(verdict)]
}

/// An interface name as the kernel compares it: 16 bytes, filled with zeros.
fn interface(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.resize(16, 0);
    bytes
}

fn rule<const N: usize>(parts: [impl IntoIterator<Item = Expression>; N]) -> Rule {
    parts.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
