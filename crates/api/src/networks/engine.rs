//! The real engine's networks behind the interface of these routes.

use super::backend::{Backend, Network, Subnet};
use sampan_engine::containers::Filters;
use sampan_engine::spec::EndpointOptions;
use sampan_engine::{Engine, NetworkRequest};
use sampan_error::Result;
use std::collections::BTreeMap;

impl Backend for Engine {
    async fn networks(&self) -> Result<Vec<Network>> {
        Ok(Engine::networks(self).await?.into_iter().map(shown).collect())
    }

    async fn create_network(&self, request: NetworkRequest) -> Result<String> {
        Engine::create_network(self, request).await
    }

    async fn remove_network(&self, reference: &str) -> Result<()> {
        Engine::remove_network(self, reference).await
    }

    async fn connect_container(
        &self,
        network: &str,
        container: &str,
        options: EndpointOptions,
    ) -> Result<()> {
        Engine::connect_container(self, network, container, options).await
    }

    async fn disconnect_container(&self, network: &str, container: &str) -> Result<()> {
        Engine::disconnect_container(self, network, container).await
    }

    async fn prune_networks(&self, filters: &Filters) -> Result<Vec<String>> {
        Engine::prune_networks(self, filters).await
    }
}

fn shown(network: sampan_engine::Network) -> Network {
    let record = network.record;
    let subnets = record.subnets.iter().map(|subnet| Subnet {
        subnet: subnet.subnet.to_string(),
        range: subnet.range.map(|range| range.to_string()).unwrap_or_default(),
        gateway: subnet.gateway.to_string(),
        reserved: network
            .reserved
            .iter()
            .filter(|(_, address)| subnet.subnet.contains(*address))
            .map(|(name, address)| (name.clone(), address.to_string()))
            .collect(),
    });
    Network {
        driver: record.driver.as_docker().to_owned(),
        ipv6: record.ipv6().is_some(),
        internal: record.internal,
        attachable: network.attachable,
        created: network.created,
        subnets: subnets.collect(),
        options: if record.name == "bridge" { options(&record) } else { network.options },
        labels: network.labels,
        id: record.id,
        name: record.name,
    }
}

/// What Docker shows of the default bridge. Other networks show exactly what they were given.
fn options(network: &sampan_network::NetworkRecord) -> BTreeMap<String, String> {
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
