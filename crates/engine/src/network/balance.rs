//! Published ports of a container that several containers answer.

use super::ports;
use crate::Engine;
use crate::containers::ContainerRecord;
use crate::spec::PortBinding;
use sampan_error::Result;
use sampan_network::{BalancedRecord, BalancedTarget};
use sampan_state::{Durability, Record};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// A balanced set of ports as the store keeps it, so that a daemon that starts lays the same rules down.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Balanced {
    pub(crate) record: BalancedRecord,
}

impl Record for Balanced {
    const COLLECTION: &'static str = "balanced";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.record.name.clone()
    }
}

impl Engine {
    /// Lets these containers answer the published ports that `holder` has, under a name by which this can be changed:
    /// each new connection goes to one of them, those that are there stay. While the holder does not run, the ports that it
    /// had last stay balanced. Without containers it is over, and the holder alone answers.
    ///
    /// # Errors
    /// No such container; the kernel's refusal, then all is as before.
    pub async fn balance_ports(&self, name: &str, holder: &str, targets: &[String]) -> Result<()> {
        self.recovered().await;
        let mut record = BalancedRecord { name: name.to_owned(), ..BalancedRecord::default() };
        let known = self.inner.network.balanced().into_iter().find(|known| known.name == name);
        if !targets.is_empty() {
            let holder = self.container(holder)?.record();
            record.bindings = match (holder.network.published.first(), &known) {
                (Some(published), _) if !published.bindings.is_empty() => published.bindings.clone(),
                (_, Some(known)) => known.bindings.clone(),
                _ => Vec::new(),
            };
            let network = self.published_network(&holder)?;
            for target in targets {
                record.targets.extend(target_at(&self.container(target)?.record(), network.as_deref()));
            }
        }
        if known.as_ref() == Some(&record) || (known.is_none() && record.bindings.is_empty()) {
            return Ok(());
        }
        let engine = self.clone();
        crate::blocking(move || {
            // Written first: what a kill leaves in between is laid down by the next daemon.
            if record.targets.is_empty() || record.bindings.is_empty() {
                engine.inner.balanced_records.remove(&record.name, Durability::Normal)?;
            } else {
                let balanced = Balanced { record: record.clone() };
                engine.inner.balanced_records.put(&balanced, Durability::Normal)?;
            }
            engine.inner.network.balance(&record)?;
            engine.forget_gone(known.as_ref(), &record);
            Ok(())
        })
        .await
    }

    /// Ends what was on its way to containers that are gone: a client that tries again finds one that is there.
    fn forget_gone(&self, before: Option<&BalancedRecord>, now: &BalancedRecord) {
        let left = before.iter().flat_map(|before| &before.targets).filter(|it| !now.targets.contains(it));
        let left: Vec<BalancedTarget> = left.copied().collect();
        if left.is_empty() {
            return;
        }
        let records = self.inner.registry.all();
        let lives = |target: &BalancedTarget| {
            let is_at = |address: IpAddr| {
                target.ipv4.map(IpAddr::V4) == Some(address) || target.ipv6.map(IpAddr::V6) == Some(address)
            };
            records.iter().any(|container| {
                let record = container.record();
                let mut addresses = record.network.endpoints.iter().flat_map(|endpoint| &endpoint.addresses);
                addresses.any(|address| is_at(address.addr()))
            })
        };
        for target in left.into_iter().filter(|target| !lives(target)) {
            self.inner.network.forget_target(target);
        }
    }

    /// The ports that are balanced under a name, as somebody else may publish them.
    #[must_use]
    pub fn balanced_bindings(&self, name: &str) -> Vec<PortBinding> {
        let known = self.inner.network.balanced().into_iter().find(|known| known.name == name);
        let bindings = known.map(|known| known.bindings).unwrap_or_default();
        bindings
            .iter()
            .map(|binding| PortBinding {
                container: ports::key(binding),
                host_ip: Some(binding.host_ip),
                host_port: Some((binding.host_port, binding.host_port)),
            })
            .collect()
    }

    /// The ports that a container publishes, or published when it last ran, as somebody else may publish them.
    ///
    /// # Errors
    /// No such container.
    pub async fn bindings_of(&self, container: &str) -> Result<Vec<PortBinding>> {
        let record = self.inspect(container).await?;
        if record.published.is_empty() {
            return Ok(record.spec.host.port_bindings.clone());
        }
        Ok(record
            .published
            .iter()
            .map(|port| PortBinding {
                container: port.container,
                host_ip: Some(port.host_ip),
                host_port: Some((port.host_port, port.host_port)),
            })
            .collect())
    }

    /// How many connections from outside a container holds, as the kernel tracks them. Blocks.
    ///
    /// # Errors
    /// No such container; a kernel that does not tell.
    pub fn connections_to(&self, container: &str) -> Result<u64> {
        let record = self.container(container)?.record();
        let addresses: Vec<IpAddr> = record
            .endpoints
            .values()
            .flat_map(|endpoint| [endpoint.ipv4.map(|it| it.0), endpoint.ipv6.map(|it| IpAddr::V6(it.0))])
            .flatten()
            .collect();
        Ok(self.inner.network.connections_to(&addresses)?)
    }

    /// The network on which a container's ports are published.
    fn published_network(&self, holder: &ContainerRecord) -> Result<Option<String>> {
        let endpoint = self.published_at(&holder.endpoints, &holder.network.endpoints)?;
        Ok(endpoint.map(|endpoint| endpoint.network_id.clone()))
    }
}

/// Where a running container answers on a network; without one, on its first.
fn target_at(record: &ContainerRecord, network: Option<&str>) -> Option<BalancedTarget> {
    let mut endpoints = record.network.endpoints.iter();
    let endpoint = endpoints.find(|endpoint| network.is_none_or(|network| endpoint.network_id == network))?;
    let mut target = BalancedTarget::default();
    for address in &endpoint.addresses {
        match address.addr() {
            IpAddr::V4(address) => target.ipv4 = Some(address),
            IpAddr::V6(address) => target.ipv6 = Some(address),
        }
    }
    Some(target)
}
