//! Ports as Docker writes them: `80`, `80/tcp`, `8000-8010/udp`, and where they are published.

use super::invalid;
use crate::containers::wire::PortBinding as WireBinding;
use sampan_engine::spec::{PortBinding, PortKey, PortProtocol};
use sampan_error::Result;
use std::collections::BTreeMap;

/// All ports of a key, one or a range.
///
/// # Errors
/// It is not a port.
pub(super) fn keys(text: &str) -> Result<Vec<PortKey>> {
    let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
    let protocol = match protocol.to_ascii_lowercase().as_str() {
        "tcp" | "" => PortProtocol::Tcp,
        "udp" => PortProtocol::Udp,
        "sctp" => PortProtocol::Sctp,
        other => return Err(invalid(format!("invalid port {text:?}: unknown protocol {other:?}"))),
    };
    let Some((first, last)) = range(ports).filter(|(first, _)| *first > 0) else {
        return Err(invalid(format!("invalid port specification: {text:?}")));
    };
    Ok((first..=last).map(|port| PortKey { port, protocol }).collect())
}

/// `80` or `80-90`.
fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// The publications of a `PortBindings` object.
///
/// # Errors
/// A port or an address that is none.
pub(super) fn bindings(map: BTreeMap<String, Option<Vec<WireBinding>>>) -> Result<Vec<PortBinding>> {
    let mut all = Vec::new();
    for (key, bindings) in map {
        let containers = keys(&key)?;
        for binding in bindings.unwrap_or_default() {
            for (index, container) in containers.iter().enumerate() {
                all.push(one(*container, &binding, index, containers.len())?);
            }
        }
    }
    Ok(all)
}

fn one(container: PortKey, binding: &WireBinding, index: usize, count: usize) -> Result<PortBinding> {
    let host_ip = match binding.host_ip.trim_matches(['[', ']']) {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            invalid(format!("invalid HostIp {:?} of port {container}: it is no IP address", binding.host_ip))
        })?),
    };
    let bad = || invalid(format!("invalid HostPort {:?} of port {container}", binding.host_port));
    let host_port = match binding.host_port.trim_end_matches("/tcp").trim_end_matches("/udp") {
        "" | "0" => None,
        text => Some(range(text).ok_or_else(bad)?),
    };
    let host_port = match host_port {
        // A range of container ports goes to a range of host ports of the same length, one to one.
        Some((first, last)) if count > 1 => {
            let step = u16::try_from(index).map_err(|_| bad())?;
            if usize::from(last - first) + 1 != count {
                return Err(invalid(format!(
                    "the range {:?} of host ports and that of container ports differ in length",
                    binding.host_port
                )));
            }
            Some((first + step, first + step))
        }
        other => other,
    };
    Ok(PortBinding { container, host_ip, host_port })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_come_in_all_forms() {
        let one = |text| keys(text).expect("a port")[0].to_string();
        assert_eq!(one("80"), "80/tcp");
        assert_eq!(one("80/TCP"), "80/tcp");
        assert_eq!(one("53/udp"), "53/udp");
        assert_eq!(keys("8000-8002/tcp").expect("a range").len(), 3);
        for bad in ["", "0", "/tcp", "80/x", "90-80", "65536", "http"] {
            assert!(keys(bad).is_err(), "{bad}");
        }
    }

    fn binding(key: &str, ip: &str, port: &str) -> Result<Vec<PortBinding>> {
        let binding = WireBinding { host_ip: ip.into(), host_port: port.into() };
        bindings(BTreeMap::from([(key.to_owned(), Some(vec![binding]))]))
    }

    #[test]
    fn an_empty_host_port_is_a_free_one() {
        let all = binding("80/tcp", "", "").expect("bindings");
        assert_eq!((all[0].host_ip, all[0].host_port), (None, None));
        let all = binding("80/tcp", "127.0.0.1", "8080-8090").expect("bindings");
        assert_eq!(all[0].host_port, Some((8080, 8090)));
        assert_eq!(binding("80/tcp", "[::1]", "1").expect("bindings")[0].host_ip, "::1".parse().ok());
        assert!(binding("80/tcp", "here", "1").is_err());
        assert!(binding("80/tcp", "", "http").is_err());
    }
}
