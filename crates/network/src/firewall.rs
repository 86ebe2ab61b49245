//! The packet filter of one instance: keeps what ought to be in the kernel, and puts it there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use ipnet::IpNet;
use sampan_sys::netlink::NetlinkSocket;

use crate::error::{NetworkError, Result};
use crate::near::Reach;
use crate::netlink::netfilter::NetfilterSocket;
use crate::nftables::elements::Published;
use crate::nftables::ruleset::{BridgeRules, Ruleset, table_name};
use crate::nftables::{Batch, Family, USER_TABLE, dump};
use crate::record::{NetworkRecord, PublishedRecord};
use crate::sandbox::lock;

/// What ought to be in the kernel, besides the published ports, which the manager keeps.
#[derive(Debug)]
pub(crate) struct Firewall {
    instance: String,
    only_near: bool,
    sockets: Arc<NetfilterSocket>,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// Forwarding was turned on by us: for IPv4, IPv6.
    guard: [bool; 2],
    bridges: [Vec<BridgeRules>; 2],
    /// Endpoints whose elements count from their first connection on: those published since the tables were laid
    /// down.
    counted: HashSet<String>,
}

const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];

/// From this many elements on reading their counters costs more than it saves.
const MOST_ASKED: usize = 64;

impl State {
    /// The IPv6 table is there only when something uses it.
    fn is_used(&self, index: usize) -> bool {
        index == 0 || self.guard[index] || !self.bridges[index].is_empty()
    }
}

impl Firewall {
    /// Nothing is in the kernel yet.
    pub(crate) fn new(instance: &str, reach: Reach, sockets: Arc<NetfilterSocket>) -> Self {
        let only_near = reach == Reach::Lan;
        Self { instance: instance.to_owned(), only_near, sockets, state: Mutex::default() }
    }

    /// Makes the chain for the user's own rules, if it is not there. It is in a table of its own, which no instance
    /// ever changes or removes: whoever writes rules into it finds them again.
    pub(crate) fn make_user_chain(&self) -> Result<()> {
        let mut batch = Batch::new();
        batch.add_user_chain();
        match batch.commit(&self.sockets) {
            // The user has made it already, his own way.
            Err(error) if error.errno() == Some(rustix::io::Errno::EXIST.raw_os_error()) => Ok(()),
            Err(error) if error.errno() == Some(rustix::io::Errno::OPNOTSUPP.raw_os_error()) => Ok(()),
            other => other,
        }
    }

    /// The name of the tables, and of the user's own.
    pub(crate) fn table_names(&self) -> [String; 2] {
        [table_name(&self.instance), USER_TABLE.to_owned()]
    }

    /// Whether the kernel has our table with the rule that keeps foreign traffic from being forwarded: it outlives
    /// the daemon as long as the setting that it guards.
    pub(crate) fn has_guard(&self, family: Family) -> bool {
        let mut forward_rules = 0;
        let counted = self.sockets.with(|socket| {
            dump::rules(socket, family.number(), &table_name(&self.instance), |chain, _| {
                forward_rules += usize::from(chain == "forward");
            })
        });
        counted.is_ok() && forward_rules == self.ruleset(true).forward_rule_count()
    }

    /// Whether foreign IPv4 traffic is kept from being forwarded.
    pub(crate) fn is_guarding(&self) -> bool {
        lock(&self.state).guard[0]
    }

    /// From now on nothing is forwarded that is not ours, once the tables are laid down again.
    pub(crate) fn guard(&self, family: Family) {
        lock(&self.state).guard[usize::from(family == Family::Ipv6)] = true;
    }

    /// Lays the tables down from scratch, at one moment: connections go on.
    pub(crate) fn lay_down(&self, published: &Published) -> Result<()> {
        let state = {
            let mut state = lock(&self.state);
            state.counted.clear();
            state.clone()
        };
        let mut batch = Batch::new();
        for (index, family) in FAMILIES.into_iter().enumerate() {
            if state.is_used(index) {
                self.ruleset(state.guard[index]).lay_down(
                    &mut batch,
                    family,
                    &state.bridges[index],
                    published,
                );
            }
        }
        batch.commit(&self.sockets)
    }

    /// Remembers a network for the next [`Self::lay_down`].
    pub(crate) fn remember(&self, network: &NetworkRecord) {
        let mut state = lock(&self.state);
        for (bridges, rules) in state.bridges.iter_mut().zip(rules_of(network)) {
            bridges.extend(rules);
        }
    }

    /// Adds a network.
    pub(crate) fn add_network(&self, network: &NetworkRecord) -> Result<()> {
        let before = lock(&self.state).clone();
        self.remember(network);
        let after = lock(&self.state).clone();
        let mut batch = Batch::new();
        for (index, (family, rules)) in FAMILIES.into_iter().zip(rules_of(network)).enumerate() {
            let Some(rules) = rules else { continue };
            let ruleset = self.ruleset(after.guard[index]);
            if before.is_used(index) {
                ruleset.add_bridge(&mut batch, family, &rules);
                ruleset.change_mark(&mut batch, family, &before.bridges[index], &after.bridges[index]);
            } else {
                ruleset.lay_down(&mut batch, family, &after.bridges[index], &Published::default());
            }
        }
        batch.commit(&self.sockets).inspect_err(|_| self.forget(network))
    }

    /// Removes a network.
    pub(crate) fn remove_network(&self, network: &NetworkRecord) -> Result<()> {
        let before = lock(&self.state).clone();
        self.forget(network);
        let after = lock(&self.state).clone();
        let mut batch = Batch::new();
        for (index, (family, rules)) in FAMILIES.into_iter().zip(rules_of(network)).enumerate() {
            let Some(rules) = rules.filter(|_| before.bridges[index] != after.bridges[index]) else {
                continue;
            };
            let ruleset = self.ruleset(after.guard[index]);
            if after.is_used(index) {
                ruleset.remove_bridge(&mut batch, family, &rules);
                ruleset.change_mark(&mut batch, family, &before.bridges[index], &after.bridges[index]);
            } else {
                batch.delete_table(family, &ruleset.table);
            }
        }
        tolerate_missing(batch.commit(&self.sockets))
    }

    /// Adds the published ports of an endpoint.
    pub(crate) fn publish(&self, record: &PublishedRecord) -> Result<()> {
        let published = Published::of([record]);
        let mut batch = Batch::new();
        for family in FAMILIES {
            self.ruleset(false).add_published(&mut batch, family, &published);
        }
        batch.commit(&self.sockets)?;
        lock(&self.state).counted.insert(record.endpoint_id.clone());
        Ok(())
    }

    /// Puts elements in the place of others, at one moment. Some of the old ones may be gone already.
    pub(crate) fn exchange(&self, old: &Published, new: &Published) -> Result<()> {
        let batch = |with_old: bool| {
            let mut batch = Batch::new();
            for family in FAMILIES {
                if with_old {
                    self.ruleset(false).remove_published(&mut batch, family, old);
                }
                self.ruleset(false).add_published(&mut batch, family, new);
            }
            batch
        };
        match batch(true).commit(&self.sockets) {
            Err(error) if is_missing(&error) => {
                for (family, set, element) in FAMILIES.into_iter().flat_map(|family| old.each(family)) {
                    let mut batch = Batch::new();
                    self.ruleset(false).remove_element(&mut batch, family, set, element);
                    tolerate_missing(batch.commit(&self.sockets))?;
                }
                batch(false).commit(&self.sockets)
            }
            other => other,
        }
    }

    /// Whether connections may have come by the published ports of an endpoint. When in doubt they have.
    pub(crate) fn was_used(&self, record: &PublishedRecord) -> bool {
        if !lock(&self.state).counted.contains(&record.endpoint_id) {
            return true;
        }
        let published = Published::of([record]);
        let table = table_name(&self.instance);
        FAMILIES.into_iter().any(|family| {
            published.sets(family).filter(|(_, elements)| !elements.is_empty()).any(|(set, elements)| {
                let ask = |socket: &NetlinkSocket| dump::was_found(socket, family, &table, set, elements);
                elements.len() > MOST_ASKED || self.sockets.with(ask).unwrap_or(true)
            })
        })
    }

    /// Removes the published ports of an endpoint; what somebody removed already is no failure.
    pub(crate) fn unpublish(&self, record: &PublishedRecord) -> Result<()> {
        let published = Published::of([record]);
        lock(&self.state).counted.remove(&record.endpoint_id);
        let mut batch = Batch::new();
        for family in FAMILIES {
            self.ruleset(false).remove_published(&mut batch, family, &published);
        }
        match batch.commit(&self.sockets) {
            // One missing element undoes the whole transaction: then each goes alone.
            Err(error) if is_missing(&error) => {
                for (family, set, element) in FAMILIES.into_iter().flat_map(|family| published.each(family)) {
                    let mut batch = Batch::new();
                    self.ruleset(false).remove_element(&mut batch, family, set, element);
                    tolerate_missing(batch.commit(&self.sockets))?;
                }
                Ok(())
            }
            other => other,
        }
    }

    /// Whether the kernel holds these very rules, laid down by an earlier daemon; whatever ports are published.
    pub(crate) fn is_laid_down(&self) -> Result<bool> {
        let state = lock(&self.state).clone();
        let chains = self.sockets.with(dump::chains)?;
        for (index, family) in FAMILIES.into_iter().enumerate() {
            if !state.is_used(index) {
                continue;
            }
            let ruleset = self.ruleset(state.guard[index]);
            let mark = ruleset.mark(family, &state.bridges[index]);
            let is_mark = |chain: &dump::Chain| {
                chain.family == family.number() && chain.table == ruleset.table && chain.name == mark
            };
            let rules = ruleset.rule_count(family, &state.bridges[index]);
            let is_whole = |socket: &NetlinkSocket| has_rules(socket, family, &ruleset.table, rules);
            if !chains.iter().any(is_mark) || !self.sockets.with(is_whole)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the kernel still holds what it ought to.
    pub(crate) fn is_intact(&self, published: &Published) -> Result<bool> {
        let state = lock(&self.state).clone();
        for (index, family) in FAMILIES.into_iter().enumerate() {
            let ruleset = self.ruleset(state.guard[index]);
            let rules = ruleset.rule_count(family, &state.bridges[index]);
            let is_whole = |socket: &NetlinkSocket| holds(socket, family, &ruleset.table, rules, published);
            if state.is_used(index) && !self.sockets.with(is_whole)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes the tables of this instance.
    pub(crate) fn remove(&self) -> Result<()> {
        let table = table_name(&self.instance);
        let mut batch = Batch::new();
        for family in FAMILIES {
            if self.sockets.with(|socket| dump::tables(socket, family))?.contains(&table) {
                batch.delete_table(family, &table);
            }
        }
        tolerate_missing(batch.commit(&self.sockets))
    }

    fn forget(&self, network: &NetworkRecord) {
        let mut state = lock(&self.state);
        for bridges in &mut state.bridges {
            bridges.retain(|bridge| bridge.device != network.device);
        }
    }

    fn ruleset(&self, guard: bool) -> Ruleset {
        Ruleset { table: table_name(&self.instance), guard, only_near: self.only_near }
    }
}

/// Whether a table has this many rules.
fn has_rules(socket: &NetlinkSocket, family: Family, table: &str, rules: usize) -> Result<bool> {
    let mut found = 0;
    match dump::rules(socket, family.number(), table, |_, _| found += 1) {
        Err(error) if is_missing(&error) => Ok(false),
        other => other.map(|()| found == rules),
    }
}

/// Whether a table has this many rules and the elements of these published ports.
fn holds(
    socket: &NetlinkSocket,
    family: Family,
    table: &str,
    rules: usize,
    published: &Published,
) -> Result<bool> {
    if !has_rules(socket, family, table, rules)? {
        return Ok(false);
    }
    for (set, elements) in published.sets(family) {
        match dump::element_count(socket, family, table, set) {
            Ok(count) if count == elements.len() => {}
            Err(error) if !is_missing(&error) => return Err(error),
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// What the rules need of a network, for IPv4 and IPv6.
fn rules_of(network: &NetworkRecord) -> [Option<BridgeRules>; 2] {
    let rules = |subnet: IpNet| BridgeRules {
        device: network.device.clone(),
        subnet: subnet.trunc(),
        internal: network.internal,
        icc: network.icc,
        masquerade: network.masquerade,
    };
    [network.ipv4().map(|subnet| rules(subnet.subnet)), network.ipv6().map(|subnet| rules(subnet.subnet))]
}

fn is_missing(error: &NetworkError) -> bool {
    error.errno() == Some(rustix::io::Errno::NOENT.raw_os_error())
}

fn tolerate_missing(result: Result<()>) -> Result<()> {
    match result {
        Err(error) if is_missing(&error) => Ok(()),
        other => other,
    }
}
