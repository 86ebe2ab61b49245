//! Which of a container's networks leads out: it gives the default route, and ports are published there.

use crate::Engine;
use crate::containers::EndpointRecord;
use sampan_error::Result;
use sampan_network::NetworkRecord;
use std::collections::BTreeMap;

impl Engine {
    /// The networks that give the default route, for IPv4 and for IPv6: of those with a way out the one with the
    /// highest priority, then the first by name, as Docker chooses.
    ///
    /// # Errors
    /// A network is gone.
    pub(super) fn gateways(
        &self,
        endpoints: &BTreeMap<String, EndpointRecord>,
    ) -> Result<[Option<String>; 2]> {
        let mut networks = Vec::new();
        for (name, endpoint) in endpoints {
            networks.push((self.inner.network.network(name)?, endpoint.options.gateway_priority));
        }
        // The sort keeps the order of names among equals.
        networks.sort_by_key(|(_, priority)| std::cmp::Reverse(*priority));
        let first = |leads: &dyn Fn(&NetworkRecord) -> bool| {
            let found = networks.iter().find(|(network, _)| !network.internal && leads(network));
            found.map(|(network, _)| network.name.clone())
        };
        Ok([first(&|network| network.ipv4().is_some()), first(&|network| network.ipv6().is_some())])
    }

    /// The endpoint at which a container's ports are published; `None` when no network leads out.
    ///
    /// # Errors
    /// A network is gone.
    pub(super) fn published_at<'a>(
        &self,
        endpoints: &BTreeMap<String, EndpointRecord>,
        made: &'a [sampan_network::EndpointRecord],
    ) -> Result<Option<&'a sampan_network::EndpointRecord>> {
        let [ipv4, ipv6] = self.gateways(endpoints)?;
        let Some(endpoint) = ipv4.or(ipv6).and_then(|name| endpoints.get(&name)) else { return Ok(None) };
        Ok(made.iter().find(|made| made.network_id == endpoint.network_id))
    }
}
