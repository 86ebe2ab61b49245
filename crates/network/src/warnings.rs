//! What other firewalls on this host drop. They are read and never changed.
//!
//! An accept in one table does not override a drop in another (nft(8)): where the host's own firewall drops
//! forwarded packets, only a rule there lets containers out, and only the host's owner can want it.

use std::fs;

use sampan_sys::netlink_packet_filter::{LegacyTable, legacy_filter_table};

use crate::netlink::Attributes;
use crate::netlink::netfilter::NetfilterSocket;
use crate::nftables::dump::{self, Chain};

/// `NF_INET_FORWARD`.
const FORWARD: u32 = 2;
/// `NFPROTO_INET`, `NFPROTO_IPV4`.
const FAMILIES: [u8; 2] = [1, 2];
/// `NFT_META_IIFNAME`, `NFT_META_OIFNAME`.
const INPUT_NAME: u32 = 6;
const OUTPUT_NAME: u32 = 7;
/// The chain that Docker leaves to the host's owner.
const DOCKER_USER: &str = "DOCKER-USER";
/// For a host where Docker came after us and found forwarding turned on.
const GUARDED: &str = "Sampan turned IPv4 forwarding on and lets nothing be forwarded but its own networks, so Docker's \
     containers cannot reach the outside; start Sampan with --ip-forward=false to lift this.";
/// Per-namespace list of legacy tables. `/proc/net` would be that of another thread.
const LEGACY_TABLES: &str = "/proc/thread-self/net/ip_tables_names";

/// Which directions somebody's rules let through for a bridge.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Allowed {
    into: bool,
    out: bool,
}

/// One sentence for each firewall and bridge where a rule is missing. A firewall that cannot be read is no warning.
pub(crate) fn collect(socket: &NetfilterSocket, devices: &[String], guard: bool) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Ok(chains) = socket.with(dump::chains) {
        if guard && chains.iter().any(|chain| chain.name == DOCKER_USER) {
            warnings.push(GUARDED.to_owned());
        }
        let is_forward = |chain: &&Chain| {
            FAMILIES.contains(&chain.family) && chain.hook.is_some_and(|(hook, _)| hook == FORWARD)
        };
        for chain in chains.iter().filter(is_forward) {
            let has_docker = chains.iter().any(|other| {
                other.family == chain.family && other.table == chain.table && other.name == DOCKER_USER
            });
            let mut drops = chain.hook.is_some_and(|(_, drops)| drops);
            let mut allowed = vec![Allowed::default(); devices.len()];
            let read = socket.with(|socket| {
                dump::rules(socket, chain.family, &chain.table, |name, expressions| {
                    drops |= name == chain.name && drops_everything(expressions);
                    for (device, allowed) in devices.iter().zip(&mut allowed) {
                        look_for_accept(expressions, device, allowed);
                    }
                })
            });
            if read.is_ok() && drops {
                let told = devices.iter().zip(allowed);
                warnings.extend(
                    told.filter_map(|(device, allowed)| sentence_nft(chain, has_docker, device, allowed)),
                );
            }
        }
    }
    let tables = fs::read_to_string(LEGACY_TABLES).unwrap_or_default();
    if tables.lines().any(|name| name == "filter")
        && let Ok(table) = legacy_filter_table()
        && legacy::drops(&table)
    {
        for device in devices {
            let rules =
                missing_iptables("iptables-legacy", "FORWARD", device, legacy::allowed(&table, device));
            warnings.extend(sentence("the legacy iptables chain FORWARD", rules));
        }
    }
    warnings
}

/// Whether a rule drops or rejects without asking for anything: a policy written as the last rule.
fn drops_everything(expressions: Attributes<'_>) -> bool {
    let mut drops = false;
    for (_, expression) in expressions {
        let expression = Attributes(expression);
        match expression.text(1) {
            Some("counter") => {}
            Some("reject") => drops = true,
            // The iptables program's own form of it.
            Some("target") if expression.nested(2).text(1) == Some("REJECT") => drops = true,
            // NF_DROP
            Some("immediate") => drops |= expression.nested(2).nested(2).nested(2).u32_be(1) == Some(0),
            _ => return false,
        }
    }
    drops
}

/// Looks for a rule that accepts what comes from or goes to the device; anything else in it may narrow it down,
/// which is the owner's choice.
fn look_for_accept(expressions: Attributes<'_>, device: &str, allowed: &mut Allowed) {
    let mut loaded = None;
    let (mut from, mut to, mut accepts) = (false, false, false);
    for (_, expression) in expressions {
        let expression = Attributes(expression);
        let data = expression.nested(2);
        match expression.text(1) {
            Some("meta") => loaded = data.u32_be(2),
            // NFT_CMP_EQ
            Some("cmp") if data.u32_be(2) == Some(0) => {
                let is_device = data.nested(3).find(1).is_some_and(|value| names(value, device));
                from |= is_device && loaded == Some(INPUT_NAME);
                to |= is_device && loaded == Some(OUTPUT_NAME);
            }
            Some("immediate") => {
                let verdict = data.nested(2).nested(2);
                // NF_ACCEPT, or firewalld's way to a zone that accepts everything.
                accepts |= verdict.u32_be(1) == Some(1);
                if verdict
                    .text(2)
                    .is_some_and(|chain| chain.ends_with("_trusted") || chain.ends_with("_docker"))
                {
                    allowed.out |= from;
                    allowed.into |= from || to;
                }
            }
            _ => {}
        }
    }
    allowed.out |= accepts && from && !to;
    allowed.into |= accepts && to && !from;
}

/// Whether a compared name, whole with its closing zeros or a prefix without, stands for the device.
fn names(value: &[u8], device: &str) -> bool {
    let device = device.as_bytes();
    match value.iter().position(|byte| *byte == 0) {
        // The legacy program keeps the plus sign that stands for "and whatever follows".
        Some(end) => {
            &value[..end] == device
                || value[..end].strip_suffix(b"+").is_some_and(|name| device.starts_with(name))
        }
        None => !value.is_empty() && device.starts_with(value),
    }
}

fn sentence_nft(chain: &Chain, has_docker: bool, device: &str, allowed: Allowed) -> Option<String> {
    // The tables that the iptables program makes have its names.
    if chain.table == "filter" && chain.name == "FORWARD" {
        let target = if has_docker { DOCKER_USER } else { "FORWARD" };
        return sentence("the iptables chain FORWARD", missing_iptables("iptables", target, device, allowed));
    }
    if chain.table == "firewalld" {
        let command = format!(
            "`firewall-cmd --permanent --zone=trusted --add-interface={device} && firewall-cmd --reload`"
        );
        let missing = if allowed.into && allowed.out { Vec::new() } else { vec![command] };
        return sentence("firewalld", missing);
    }
    let family = if chain.family == 1 { "inet" } else { "ip" };
    let (table, name) = (&chain.table, &chain.name);
    let rule = |direction| format!("`nft insert rule {family} {table} {name} {direction} {device} accept`");
    let mut missing = Vec::new();
    if !allowed.out {
        missing.push(rule("iifname"));
    }
    if !allowed.into {
        missing.push(rule("oifname"));
    }
    sentence(&format!("the chain {name} of the nftables table {family} {table}"), missing)
}

fn missing_iptables(program: &str, chain: &str, device: &str, allowed: Allowed) -> Vec<String> {
    let rule = |direction| format!("`{program} -I {chain} {direction} {device} -j ACCEPT`");
    let mut missing = Vec::new();
    if !allowed.out {
        missing.push(rule("-i"));
    }
    if !allowed.into {
        missing.push(rule("-o"));
    }
    missing
}

fn sentence(place: &str, missing: Vec<String>) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    Some(format!(
        "This host's firewall drops forwarded packets in {place}, so containers are cut off until it has: {}.",
        missing.join(" and ")
    ))
}

/// `struct ipt_entry` of linux/netfilter_ipv4/ip_tables.h.
mod legacy {
    use super::{Allowed, LegacyTable, names};

    const INPUT_NAME: usize = 16;
    const OUTPUT_NAME: usize = 32;
    const INVERTED: usize = 83;
    /// `struct ipt_ip`: everything that a rule can ask for without a match of its own.
    const CONDITIONS: usize = 84;
    const TARGET_OFFSET: usize = 88;
    const NEXT_OFFSET: usize = 90;
    /// `IPT_INV_VIA_IN | IPT_INV_VIA_OUT`.
    const INVERTED_NAMES: u8 = 0x03;
    /// A verdict is the negative of the netfilter verdict, less one.
    const DROP: i32 = -1;
    const ACCEPT: i32 = -2;

    pub(super) fn drops(table: &LegacyTable) -> bool {
        let mut at = table.forward_start;
        while let Some((entry, next, verdict)) = rule(table, at) {
            let is_policy = at == table.forward_policy;
            let asks_for_nothing =
                entry[..CONDITIONS].iter().all(|byte| *byte == 0) && entry[TARGET_OFFSET] == 112;
            if (is_policy || asks_for_nothing) && (verdict == Some(DROP) || rejects(entry)) {
                return true;
            }
            if is_policy {
                break;
            }
            at += next;
        }
        false
    }

    /// Whether the target is `REJECT`; its name follows a 16-bit size.
    fn rejects(entry: &[u8]) -> bool {
        let start = usize::from(u16::from_ne_bytes([entry[TARGET_OFFSET], entry[TARGET_OFFSET + 1]]));
        entry.get(start + 2..start + 9) == Some(b"REJECT\0")
    }

    pub(super) fn allowed(table: &LegacyTable, device: &str) -> Allowed {
        let mut allowed = Allowed::default();
        let mut at = 0;
        while let Some((entry, next, verdict)) = rule(table, at) {
            if verdict == Some(ACCEPT) && entry[INVERTED] & INVERTED_NAMES == 0 {
                let is_device =
                    |offset: usize| entry[offset] != 0 && names(&entry[offset..offset + 16], device);
                allowed.out |= is_device(INPUT_NAME) && entry[OUTPUT_NAME] == 0;
                allowed.into |= is_device(OUTPUT_NAME) && entry[INPUT_NAME] == 0;
            }
            at += next;
        }
        allowed
    }

    /// The entry at an offset, the distance to the next, and its verdict if it has a standard target.
    fn rule(table: &LegacyTable, at: usize) -> Option<(&[u8], usize, Option<i32>)> {
        let entry = table.entries.get(at..)?;
        let number = |offset: usize| {
            Some(usize::from(u16::from_ne_bytes(entry.get(offset..offset + 2)?.try_into().ok()?)))
        };
        let (target, next) = (number(TARGET_OFFSET)?, number(NEXT_OFFSET)?);
        if next < 112 || entry.len() < next {
            return None;
        }
        // `struct xt_standard_target`: size, a name of 29 bytes (empty for the standard one), revision, verdict.
        let body = entry.get(target..next)?;
        let is_standard = body.get(2) == Some(&0);
        let verdict = body.get(32..36).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes);
        Some((entry, next, verdict.filter(|_| is_standard)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{in_own_namespace, tool};

    fn warnings() -> Vec<String> {
        collect(&NetfilterSocket::default(), &["sampan0".to_owned()], false)
    }

    #[test]
    fn a_dropping_policy_is_told_with_the_rules_that_are_missing() {
        for program in ["iptables-nft", "iptables-legacy"] {
            in_own_namespace(move || {
                assert_eq!(warnings(), Vec::<String>::new());
                let before = tool(program, &["-S"]);
                tool(program, &["-P", "FORWARD", "DROP"]);
                let told = warnings();
                assert_eq!(told.len(), 1, "{told:?}");
                for option in ["-i", "-o"] {
                    assert!(told[0].contains(&format!("-I FORWARD {option} sampan0 -j ACCEPT")), "{told:?}");
                }
                // Somebody else's rule is no help, ours in one direction is half of it.
                tool(program, &["-I", "FORWARD", "-i", "docker0", "-j", "ACCEPT"]);
                tool(program, &["-I", "FORWARD", "-i", "sampan0", "-j", "ACCEPT"]);
                let told = warnings();
                assert!(
                    told.len() == 1 && !told[0].contains("-i sampan0") && told[0].contains("-o sampan0"),
                    "{told:?}"
                );
                tool(program, &["-I", "FORWARD", "-o", "sampan+", "-j", "ACCEPT"]);
                assert_eq!(warnings(), Vec::<String>::new());
                tool(program, &["-F"]);
                tool(program, &["-P", "FORWARD", "ACCEPT"]);
                // A last rule that lets nothing through is a policy, too.
                for target in ["DROP", "REJECT"] {
                    tool(program, &["-A", "FORWARD", "-j", target]);
                    assert_eq!(warnings().len(), 1, "{target}");
                    tool(program, &["-F"]);
                }
                assert_eq!(tool(program, &["-S"]), before);
            });
        }
    }

    #[test]
    fn docker_and_plain_nftables_have_their_own_places() {
        in_own_namespace(|| {
            tool("iptables-nft", &["-N", DOCKER_USER]);
            tool("iptables-nft", &["-P", "FORWARD", "DROP"]);
            assert!(warnings()[0].contains("-I DOCKER-USER -i sampan0"));
            tool("iptables-nft", &["-P", "FORWARD", "ACCEPT"]);
            tool("nft", &["add", "table", "inet", "mine"]);
            let chain = "{ type filter hook forward priority 0; policy drop; }";
            tool("nft", &["add", "chain", "inet", "mine", "forwarding", chain]);
            assert!(
                warnings()[0].contains("`nft insert rule inet mine forwarding iifname sampan0 accept`"),
                "{:?}",
                warnings()
            );
            tool("nft", &["insert", "rule", "inet", "mine", "forwarding", "iifname", "sampan0", "accept"]);
            tool("nft", &["insert", "rule", "inet", "mine", "forwarding", "oifname", "sampan0", "accept"]);
            assert!(warnings().is_empty());
        });
    }
}
