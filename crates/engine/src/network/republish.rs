//! Published ports of a container that is there already: some come, some go, the others do not notice.

use super::{ports, relays};
use crate::Engine;
use crate::containers::ContainerRecord;
use crate::containers::container::Container;
use crate::error::Error;
use crate::spec::{NetworkMode, PortBinding, PortKey};
use sampan_error::Result;
use sampan_network::{EndpointRecord, PublishRequest, Published, PublishedBinding, PublishedRecord};
use sampan_shim::protocol::{ChangeSockets, RelayProtocol};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

impl Engine {
    /// Publishes ports, each in the place of what its container port was published as before, and takes others back: at
    /// once when the container runs, else with its next start. When it fails everything is as before.
    ///
    /// # Errors
    /// A port is taken; the container has no network of its own; the kernel's refusal.
    pub(crate) async fn change_ports(
        &self,
        container: &Arc<Container>,
        publish: &[PortBinding],
        unpublish: &[PortKey],
    ) -> Result<()> {
        if publish.is_empty() && unpublish.is_empty() {
            return Ok(());
        }
        let before = container.record();
        if matches!(before.spec.host.network_mode, NetworkMode::Host | NetworkMode::Container(_)) {
            return Err(Error::Conflict(
                "ports can only be published for a container with a network of its own".into(),
            )
            .into());
        }
        let goes = |port: &PortKey| {
            unpublish.contains(port) || publish.iter().any(|binding| binding.container == *port)
        };
        let record = container.change(|record| {
            let bindings = &mut record.spec.host.port_bindings;
            bindings.retain(|binding| !goes(&binding.container));
            bindings.extend(publish.iter().cloned());
            for binding in publish {
                if !record.resolved.exposed_ports.contains(&binding.container) {
                    record.resolved.exposed_ports.push(binding.container);
                }
            }
        });
        if !record.is_running() {
            return Ok(());
        }
        let changed = self.change_running_ports(container, &record, publish, &goes).await;
        if changed.is_err() {
            container.change(|record| {
                record.spec.host.port_bindings.clone_from(&before.spec.host.port_bindings);
                record.resolved.exposed_ports.clone_from(&before.resolved.exposed_ports);
            });
        }
        changed
    }

    async fn change_running_ports(
        &self,
        container: &Arc<Container>,
        record: &Arc<ContainerRecord>,
        publish: &[PortBinding],
        goes: &impl Fn(&PortKey) -> bool,
    ) -> Result<()> {
        let endpoint = self.published_at(&record.endpoints, &record.network.endpoints)?.cloned();
        let Some(endpoint) = endpoint else {
            return Err(Error::Conflict("none of the container's networks leads out".into()).into());
        };
        let old = record.network.published.first().cloned().unwrap_or_else(|| PublishedRecord {
            endpoint_id: endpoint.id.clone(),
            ipv4: endpoint.ipv4(),
            ipv6: endpoint.ipv6(),
            bindings: Vec::new(),
        });
        let gone: Vec<PublishedBinding> =
            old.bindings.iter().filter(|binding| goes(&ports::key(binding))).cloned().collect();
        // The supervisor holds the ports: it lets go of them first.
        self.change_sockets(container, &gone, Vec::new(), Vec::new()).await?;
        let (engine, taken) = (self.clone(), gone.clone());
        let left = crate::blocking(move || Ok(engine.inner.network.unpublish_some(&old, &taken)?)).await?;
        let bindings: Vec<_> = publish.iter().map(ports::binding).collect();
        match self.publish_more(&endpoint, bindings).await {
            Ok(published) => self.take_over(container, published).await,
            Err(error) => {
                self.note_published(container, left);
                let again = gone.iter().map(ports::binding_again).collect();
                let restored = self.publish_more(&endpoint, again).await?;
                self.take_over(container, restored).await?;
                Err(error)
            }
        }
    }

    async fn publish_more(
        &self,
        endpoint: &EndpointRecord,
        bindings: Vec<sampan_network::BindingRequest>,
    ) -> Result<Published> {
        let (engine, request) = (self.clone(), PublishRequest { endpoint: endpoint.clone(), bindings });
        crate::blocking(move || Ok(engine.inner.network.publish_more(&request)?)).await
    }

    async fn take_over(&self, container: &Arc<Container>, published: Published) -> Result<()> {
        for note in &published.notes {
            tracing::warn!(container = %container.id, "{note}");
        }
        self.note_published(container, published.record);
        let reservations = published.reservations.into_iter().map(|held| held.socket).collect();
        self.change_sockets(container, &[], reservations, published.relays).await
    }

    fn note_published(&self, container: &Container, published: PublishedRecord) {
        let shown = ports::shown(&published, self.inner.config.published_reach);
        container.change(|record| {
            record.network.published = vec![published];
            record.published = shown;
        });
    }

    async fn change_sockets(
        &self,
        container: &Container,
        closed: &[PublishedBinding],
        reservations: Vec<OwnedFd>,
        sockets: Vec<sampan_network::RelaySocket>,
    ) -> Result<()> {
        let Some(live) = container.live() else { return Ok(()) };
        let closed = closed.iter().map(|binding| {
            let protocol = match binding.protocol {
                sampan_network::Protocol::Udp => RelayProtocol::Udp,
                _ => RelayProtocol::Tcp,
            };
            (protocol, SocketAddr::new(binding.host_ip, binding.host_port))
        });
        let closed = closed.collect();
        let (relays, listeners) = relays(sockets);
        live.supervisor
            .change_sockets(&ChangeSockets { relays, closed, aims: Vec::new() }, reservations, listeners)
            .await
    }
}
