//! The real engine's networks behind the interface of these routes.

use super::backend::{Backend, Network};
use sampan_engine::Engine;
use sampan_error::Result;

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
                id: network.id,
                name: network.name,
                ..Network::default()
            })
            .collect())
    }
}
