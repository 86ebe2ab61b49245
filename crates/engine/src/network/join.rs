//! Containers that are there already come into a network, or leave it.

use super::{fill, request};
use crate::Engine;
use crate::containers::container::Container;
use crate::containers::{ContainerRecord, EndpointRecord};
use crate::error::Error;
use crate::spec::{EndpointOptions, NetworkMode};
use sampan_error::{Kind, Result};
use sampan_network::{DriverName, Sandbox};
use sampan_state::Durability;

impl Engine {
    /// Brings a container into a network: at once when it runs, else with its next start.
    ///
    /// # Errors
    /// No such network or container; a container without a network of its own; one that is in it already; an address
    /// that is taken; what the kernel refuses.
    pub async fn connect_container(
        &self,
        network: &str,
        container: &str,
        options: EndpointOptions,
    ) -> Result<()> {
        self.recovered().await;
        let container = self.container(container)?;
        let _operation = container.operation.lock().await;
        let (engine, network) = (self.clone(), network.to_owned());
        let inside = container.clone();
        let joined = crate::blocking(move || engine.join(&inside, &network, options)).await?;
        let (network, endpoint, made) = joined;
        let before = container.record();
        let record = container.change(|record| {
            record.spec.networks.insert(network.name.clone(), endpoint.options.clone());
            record.endpoints.insert(network.name.clone(), endpoint);
            record.network.endpoints.extend(made);
        });
        let settled = self.settle_network(&container, &before).await;
        self.save_now(&container.record(), Durability::Full).await?;
        self.membership_event(&network, &record, "connect");
        settled
    }

    fn join(
        &self,
        container: &Container,
        network: &str,
        options: EndpointOptions,
    ) -> Result<(sampan_network::NetworkRecord, EndpointRecord, Option<sampan_network::EndpointRecord>)> {
        let network = self.find_network(network)?.record;
        let record = &container.record();
        check_mode(record, &network)?;
        let name = &network.name;
        if record.endpoints.contains_key(name) {
            return Err(forbidden(format!(
                "endpoint with name {} already exists in network {name}",
                record.name
            )));
        }
        if name == "bridge" && (options.ipv4_address.is_some() || options.ipv6_address.is_some()) {
            return Err(Error::Invalid(
                "user specified IP address is supported only when connecting to networks with user configured subnets".into(),
            )
            .into());
        }
        let mac_address = options.mac_address.clone().unwrap_or_default();
        let mut endpoint =
            EndpointRecord { options, network_id: network.id.clone(), mac_address, ..Default::default() };
        if !record.is_running() {
            return Ok((network, endpoint, None));
        }
        let sandbox = sandbox_of(container)?;
        let wanted = request(record, &endpoint, [false; 2])?;
        let made = self.inner.network.connect(&sandbox, name, &wanted)?;
        fill(&mut endpoint, &made);
        endpoint.dns_names = super::names::names(record, name, &endpoint);
        Ok((network, endpoint, Some(made)))
    }

    /// Takes a container out of a network: at once when it runs. Its ports that were published there are taken back.
    ///
    /// # Errors
    /// No such network or container; one that is not in it; what the kernel refuses.
    pub async fn disconnect_container(&self, network: &str, container: &str) -> Result<()> {
        self.recovered().await;
        let container = self.container(container)?;
        let _operation = container.operation.lock().await;
        let (engine, reference) = (self.clone(), network.to_owned());
        let network = crate::blocking(move || engine.find_network(&reference)).await?.record;
        let record = container.record();
        if !record.endpoints.contains_key(&network.name) {
            return Err(forbidden(format!(
                "container {} is not connected to network {}",
                record.id, network.name
            )));
        }
        if network.driver == DriverName::Host {
            return Err(forbidden(
                "cannot disconnect container from host network - container was created in host network mode"
                    .to_owned(),
            ));
        }
        let left =
            record.network.endpoints.iter().find(|endpoint| endpoint.network_id == network.id).cloned();
        if let Some(left) = left.clone() {
            let engine = self.clone();
            crate::blocking(move || Ok(engine.inner.network.disconnect_running(&left)?)).await?;
        }
        let before = container.record();
        let record = container.change(|record| {
            record.endpoints.remove(&network.name);
            record.spec.networks.remove(&network.name);
            record.network.endpoints.retain(|endpoint| endpoint.network_id != network.id);
            if let Some(left) = &left {
                record.network.published.retain(|published| published.endpoint_id != left.id);
            }
        });
        let settled = self.settle_network(&container, &before).await;
        self.save_now(&container.record(), Durability::Full).await?;
        self.membership_event(&network, &record, "disconnect");
        settled
    }

    fn membership_event(
        &self,
        network: &sampan_network::NetworkRecord,
        record: &ContainerRecord,
        action: &str,
    ) {
        let attributes = [
            ("container".to_owned(), record.id.clone()),
            ("name".to_owned(), network.name.clone()),
            ("type".to_owned(), network.driver.as_docker().to_owned()),
        ];
        self.inner.events.publish("network", action, &network.id, attributes.into());
    }
}

/// The network namespace of a container that runs.
pub(super) fn sandbox_of(container: &Container) -> Result<Sandbox> {
    let record = container.record();
    let gone = || Error::NotRunning(record.id.clone());
    let live = container.live().ok_or_else(gone)?;
    let pid = i32::try_from(record.state.pid).unwrap_or_default();
    let sandbox = Sandbox::from_pid(pid)?;
    // The number may have become another process's meanwhile: ours is its supervisor's child.
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")?.trim().parse().ok());
    if parent == Some(live.supervisor.pid()) { Ok(sandbox) } else { Err(gone().into()) }
}

/// Only a container with a network namespace of its own can come into another network.
fn check_mode(record: &ContainerRecord, network: &sampan_network::NetworkRecord) -> Result<()> {
    let alone =
        "container cannot be connected to multiple networks with one of the networks in private (none) mode";
    match (&record.spec.host.network_mode, network.driver) {
        (NetworkMode::Container(_) | NetworkMode::Host, _) => Err(forbidden(
            "container sharing network namespace with another container or host cannot be connected to any other network".to_owned(),
        )),
        (_, DriverName::Host) => {
            Err(forbidden("container cannot be disconnected from host network or connected to host network".to_owned()))
        }
        (NetworkMode::None, _) | (_, DriverName::None) => Err(forbidden(alone.to_owned())),
        _ => Ok(()),
    }
}

fn forbidden(message: String) -> sampan_error::Error {
    sampan_error::Error::new(Kind::PermissionDenied, message)
}
