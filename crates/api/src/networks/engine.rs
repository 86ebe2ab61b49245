//! The real engine's networks behind the interface of these routes.

use super::backend::{Backend, Network};
use sampan_engine::Engine;
use sampan_error::Result;
use std::collections::BTreeMap;

impl Backend for Engine {
    async fn networks(&self) -> Result<Vec<Network>> {
        let networks = Engine::networks(self).await?;
        Ok(networks
            .into_iter()
            .map(|network| Network {
                ipv6: network.ipv6().is_some(),
                driver: network.driver.as_docker().to_owned(),
                subnets: network
                    .subnets
                    .iter()
                    .map(|subnet| (subnet.subnet.to_string(), subnet.gateway.to_string()))
                    .collect(),
                internal: network.internal,
                options: options(&network),
                id: network.id,
                name: network.name,
                ..Network::default()
            })
            .collect())
    }
}

/// What Docker shows of the default bridge. Other networks show exactly what they were given.
fn options(network: &sampan_network::NetworkRecord) -> BTreeMap<String, String> {
    if network.name != "bridge" {
        return BTreeMap::new();
    }
    let address = network.binding_address.map_or("0.0.0.0".to_owned(), |address| address.to_string());
    [
        ("com.docker.network.bridge.default_bridge", "true".to_owned()),
        ("com.docker.network.bridge.enable_icc", network.icc.to_string()),
        ("com.docker.network.bridge.enable_ip_masquerade", network.masquerade.to_string()),
        ("com.docker.network.bridge.host_binding_ipv4", address),
        ("com.docker.network.bridge.name", network.device.clone()),
        ("com.docker.network.driver.mtu", network.mtu.to_string()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into()
}
