//! Published ports as map elements: neighbours become one range where the port number stays the same.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use super::Family;
use super::ruleset::{BALANCED, BALANCED_AT, PUBLISHED, PUBLISHED_AT, PUBLISHED_RANGES, PUBLISHED_RANGES_AT};
use super::set::{Data, Element};
use crate::record::{BalancedRecord, Protocol, PublishedBinding, PublishedRecord};

/// From this many neighbouring ports on one range element is cheaper than one hash element for each: every
/// change of a range map copies it as a whole.
pub(crate) const SHORTEST_RANGE: usize = 16;

/// A balanced port has so many slots, which its targets share: with 200 targets each has two or three.
pub(crate) const SLOTS: u32 = 512;

/// The elements of one or several endpoints.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Published {
    /// In the order of [`MAPS`], for IPv4 and then IPv6.
    elements: [[Vec<Element>; 6]; 2],
}

const MAPS: [&str; 6] =
    [PUBLISHED, PUBLISHED_AT, PUBLISHED_RANGES, PUBLISHED_RANGES_AT, BALANCED, BALANCED_AT];
/// The place of the balanced ones among the maps.
const FIRST_BALANCED: usize = 4;

impl Published {
    /// The elements for all these endpoints.
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = &'a PublishedRecord>) -> Self {
        let mut published = Self::default();
        for record in records {
            published.extend(record);
        }
        published
    }

    /// The same with ports that several containers answer.
    pub(crate) fn with_balanced<'a>(mut self, records: impl IntoIterator<Item = &'a BalancedRecord>) -> Self {
        for record in records {
            self.balance(record);
        }
        self
    }

    /// What is in this and not in another one.
    pub(crate) fn without(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        for (mine, theirs) in rest.elements.iter_mut().flatten().zip(other.elements.iter().flatten()) {
            let theirs: HashSet<&Element> = theirs.iter().collect();
            mine.retain(|element| !theirs.contains(element));
        }
        rest
    }

    /// Each slot of each port belongs to one target; they alternate, so that whatever the targets' number none has two more
    /// than another.
    fn balance(&mut self, record: &BalancedRecord) {
        for binding in &record.bindings {
            let is_ipv6 = binding.host_ip.is_ipv6();
            let targets: Vec<IpAddr> =
                record.targets.iter().filter_map(|target| target.of(is_ipv6)).collect();
            // As for one container: a relay serves the IPv6 loopback address.
            if targets.is_empty() || (is_ipv6 && binding.host_ip.is_loopback()) {
                continue;
            }
            let run = Run {
                protocol: binding.protocol,
                host_ip: binding.host_ip,
                first: binding.host_port,
                last: binding.host_port,
                offset: 0,
            };
            let one_address = usize::from(!binding.host_ip.is_unspecified());
            let elements = &mut self.elements[usize::from(is_ipv6)][FIRST_BALANCED + one_address];
            for slot in 0..SLOTS {
                let mut key = run.key(binding.host_port);
                key.extend_from_slice(&slot.to_ne_bytes());
                let target = targets[slot as usize % targets.len()];
                elements.push(Element::new(key, Data::Value(target_value(target, binding.container_port))));
            }
        }
    }

    /// The maps of a family with their elements.
    pub(crate) fn sets(&self, family: Family) -> impl Iterator<Item = (&'static str, &[Element])> {
        let elements = &self.elements[usize::from(family == Family::Ipv6)];
        MAPS.into_iter().zip(elements).map(|(map, elements)| (map, elements.as_slice()))
    }

    /// Each element of a family with its map.
    pub(crate) fn each(&self, family: Family) -> impl Iterator<Item = (Family, &'static str, &Element)> {
        self.sets(family)
            .flat_map(move |(map, elements)| elements.iter().map(move |element| (family, map, element)))
    }

    fn extend(&mut self, record: &PublishedRecord) {
        for run in runs(record.bindings.iter().filter(|binding| is_translated(record, binding))) {
            let target: IpAddr = match run.host_ip {
                IpAddr::V4(_) => record.ipv4.map(IpAddr::from),
                IpAddr::V6(_) => record.ipv6.map(IpAddr::from),
            }
            .unwrap_or(run.host_ip);
            let one_address = usize::from(!run.host_ip.is_unspecified());
            let elements = &mut self.elements[usize::from(run.host_ip.is_ipv6())];
            if run.is_range() {
                let mut element = Element::new(run.key(run.first), Data::Value(bytes(target)));
                element.key_end = Some(run.key(run.last));
                elements[2 + one_address].push(element);
                continue;
            }
            for port in run.first..=run.last {
                let container_port = (i32::from(port) + run.offset) as u16;
                let value = target_value(target, container_port);
                elements[one_address].push(Element::new(run.key(port), Data::Value(value)));
            }
        }
    }
}

/// Address and port, as a map gives them.
fn target_value(target: IpAddr, port: u16) -> Vec<u8> {
    let mut value = bytes(target);
    value.extend_from_slice(&port.to_be_bytes());
    value.extend_from_slice(&[0; 2]);
    value
}

/// Whether the kernel translates this binding; else a relay serves it.
pub(crate) fn is_translated(record: &PublishedRecord, binding: &PublishedBinding) -> bool {
    match binding.host_ip {
        IpAddr::V4(_) => record.ipv4.is_some(),
        // IPv6 has no route_localnet: what goes to ::1 never leaves the loopback interface.
        IpAddr::V6(address) => record.ipv6.is_some() && !address.is_loopback(),
    }
}

/// Neighbouring ports with the same distance between host and container port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) protocol: Protocol,
    pub(crate) host_ip: IpAddr,
    pub(crate) first: u16,
    pub(crate) last: u16,
    /// Container port minus host port.
    pub(crate) offset: i32,
}

impl Run {
    /// How many ports.
    pub(crate) fn length(&self) -> usize {
        usize::from(self.last - self.first) + 1
    }

    /// The kernel can keep a port's number or set it, but not shift it.
    fn is_range(&self) -> bool {
        self.offset == 0 && self.length() >= SHORTEST_RANGE
    }

    /// The key: address (unless it is for all of them), protocol, port, each filled to 4 bytes.
    fn key(&self, port: u16) -> Vec<u8> {
        let mut key = if self.host_ip.is_unspecified() { Vec::new() } else { bytes(self.host_ip) };
        let [high, low] = port.to_be_bytes();
        key.extend_from_slice(&[self.protocol.number(), 0, 0, 0, high, low, 0, 0]);
        key
    }
}

/// Joins bindings to runs, whatever their order.
pub(crate) fn runs<'a>(bindings: impl IntoIterator<Item = &'a PublishedBinding>) -> Vec<Run> {
    let mut groups: BTreeMap<(Protocol, IpAddr, i32), Vec<u16>> = BTreeMap::new();
    for binding in bindings {
        let offset = i32::from(binding.container_port) - i32::from(binding.host_port);
        groups.entry((binding.protocol, binding.host_ip, offset)).or_default().push(binding.host_port);
    }
    let mut runs: Vec<Run> = Vec::new();
    for ((protocol, host_ip, offset), mut ports) in groups {
        ports.sort_unstable();
        let group_start = runs.len();
        for port in ports {
            match runs[group_start..].last_mut() {
                Some(run) if run.last.checked_add(1) == Some(port) => run.last = port,
                Some(run) if run.last == port => {}
                _ => runs.push(Run { protocol, host_ip, first: port, last: port, offset }),
            }
        }
    }
    runs
}

fn bytes(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}
