//! Published ports as a load balancer has them.

use sampan_provider::{Loss, Port, Probe, Protocol, Specification};
use std::collections::BTreeMap;

/// One port of the load balancer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Listening {
    /// Outside.
    pub(super) published: u16,
    /// Inside.
    pub(super) container: u16,
    /// `TCP`, `UDP` or `TCP_UDP`.
    pub(super) protocol: &'static str,
}

fn outside(port: &Port) -> Option<u16> {
    port.published.map(|published| if published == 0 { port.container } else { published })
}

/// One for each published number: TCP and UDP of one number are one listener.
pub(super) fn listening(specification: &Specification) -> Vec<Listening> {
    let mut all: BTreeMap<u16, Listening> = BTreeMap::new();
    for port in &specification.ports {
        let protocol = if port.protocol == Protocol::Udp { "UDP" } else { "TCP" };
        let Some(published) = outside(port) else { continue };
        let one =
            all.entry(published).or_insert(Listening { published, container: port.container, protocol });
        if one.protocol != protocol {
            one.protocol = "TCP_UDP";
        }
    }
    all.into_values().collect()
}

/// The port inside that a load balancer asks whether it is up; `None` when it cannot ask any.
pub(super) fn asked(specification: &Specification, one: Listening) -> Option<u16> {
    if let Some(Probe::Http { port, .. } | Probe::Tcp { port }) =
        specification.health.as_ref().map(|health| &health.probe)
    {
        return Some(*port);
    }
    if one.protocol != "UDP" {
        return Some(one.container);
    }
    specification.ports.iter().find(|port| port.protocol == Protocol::Tcp).map(|port| port.container)
}

/// What a load balancer cannot do.
pub(super) fn losses(specification: &Specification) -> Vec<Loss> {
    let all = listening(specification);
    let mut losses = Vec::new();
    if all.len() > 5 {
        losses.push(Loss::fatal("HostConfig.PortBindings", format!("{} ports", all.len()), "5 at most"));
    }
    for one in all {
        let differ = specification
            .published()
            .any(|port| outside(port) == Some(one.published) && port.container != one.container);
        if differ {
            let what = format!("{} for two ports inside", one.published);
            losses.push(Loss::fatal("HostConfig.PortBindings", what, "one port inside for TCP and UDP"));
        }
        if asked(specification, one).is_none() {
            let what = format!("{}/udp", one.published);
            losses.push(Loss::fatal(
                "HostConfig.PortBindings",
                what,
                "a TCP port is needed to see whether it is up",
            ));
        }
    }
    losses
}

#[cfg(test)]
mod tests {
    use super::{listening, losses};
    use sampan_provider::{Port, Protocol, Specification};

    fn with(ports: &[(u16, u16, Protocol)]) -> Specification {
        let ports = ports
            .iter()
            .map(|(published, container, protocol)| Port {
                container: *container,
                published: Some(*published),
                protocol: *protocol,
            })
            .collect();
        Specification { ports, ..Specification::default() }
    }

    #[test]
    fn tcp_and_udp_of_a_number_are_one_listener() {
        let both = with(&[(53, 53, Protocol::Tcp), (53, 53, Protocol::Udp), (0, 80, Protocol::Tcp)]);
        let all = listening(&both);
        assert_eq!(all.len(), 2);
        assert_eq!((all[0].protocol, all[1].published), ("TCP_UDP", 80));
        assert!(losses(&both).is_empty());
        assert_eq!(losses(&with(&[(53, 53, Protocol::Udp)])).len(), 1);
        assert_eq!(losses(&with(&[(53, 5353, Protocol::Tcp), (53, 53, Protocol::Udp)])).len(), 1);
    }
}
