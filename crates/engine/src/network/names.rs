//! Names: what a container is called on its networks, what it sees of others, and its name server.

use super::Connected;
use crate::Engine;
use crate::containers::container::Container;
use crate::containers::{ContainerRecord, EndpointRecord};
use crate::supervisor::Supervisor;
use sampan_dns::{Member, Upstream, View};
use sampan_error::{Context, Result};
use sampan_network::{NameSockets, Sandbox};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// The network on which nobody has a name, as at Docker.
const NAMELESS: &str = "bridge";

/// Whether a container on these networks has a name server of ours.
pub(super) fn has_name_server(endpoints: &BTreeMap<String, EndpointRecord>) -> bool {
    endpoints.keys().any(|network| network != NAMELESS)
}

/// What a container is called on a network: its name, its aliases, the beginning of its id, its host name.
pub(super) fn names(record: &ContainerRecord, network: &str, endpoint: &EndpointRecord) -> Vec<String> {
    if network == NAMELESS {
        return Vec::new();
    }
    let short: String = record.id.chars().take(12).collect();
    let mut names = Vec::new();
    let own = [record.name.clone()].into_iter().chain(endpoint.options.aliases.iter().cloned());
    for name in own.chain([short, record.resolved.hostname.clone()]) {
        if !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

impl Engine {
    /// Tells all others where a container is, and answers it on its own sockets: called before its program starts, so
    /// that its first question finds an answer. Gives copies of the sockets for the supervisor to keep.
    ///
    /// # Errors
    /// The sockets cannot be watched.
    pub(crate) fn serve_names(
        &self,
        record: &ContainerRecord,
        connected: &mut Connected,
    ) -> Result<Vec<OwnedFd>> {
        let Some(sockets) = connected.names.take() else { return Ok(Vec::new()) };
        let copies = vec![sockets.udp.try_clone()?, sockets.tcp.try_clone()?];
        let namespace = connected.namespace.as_ref().map(OwnedFd::try_clone).transpose()?;
        self.inner.names.set_members(&record.id, members(&connected.endpoints));
        let view = self.view(record, &connected.endpoints, || Ok(namespace.map(Sandbox::holding)))?;
        self.inner.names.serve(&record.id, sockets, view).context("cannot answer a container's questions")?;
        Ok(copies)
    }

    /// Tells where a running container is, before anybody is answered: a question that waited while there was no daemon
    /// may come from one that is taken over sooner than the one it asks for.
    pub(crate) fn announce_names(&self, record: &ContainerRecord) {
        if has_name_server(&record.endpoints) {
            self.inner.names.set_members(&record.id, members(&record.endpoints));
        }
    }

    /// Goes on answering a container that an earlier daemon started.
    ///
    /// # Errors
    /// The supervisor is gone; the sockets cannot be watched.
    pub(crate) async fn serve_names_again(
        &self,
        container: &Container,
        supervisor: &Supervisor,
    ) -> Result<()> {
        let record = container.record();
        if !has_name_server(&record.endpoints) {
            return Ok(());
        }
        self.inner.names.set_members(&record.id, members(&record.endpoints));
        if let Ok([udp, tcp]) = <[OwnedFd; 2]>::try_from(supervisor.name_sockets().await?) {
            let view = self.view_of_running(&record)?;
            let served = self.inner.names.serve(&record.id, NameSockets { udp, tcp }, view);
            served.context("cannot answer a container's questions")?;
        }
        Ok(())
    }

    /// Follows a change of a running container's networks or name.
    ///
    /// # Errors
    /// Its namespace is gone.
    pub(crate) fn renew_names(&self, record: &ContainerRecord) -> Result<()> {
        self.inner.names.set_members(&record.id, members(&record.endpoints));
        if self.inner.names.is_serving(&record.id) {
            self.inner.names.set_view(&record.id, self.view_of_running(record)?);
        }
        Ok(())
    }

    fn view_of_running(&self, record: &ContainerRecord) -> Result<View> {
        let pid = i32::try_from(record.state.pid).unwrap_or_default();
        self.view(record, &record.endpoints, || Ok(Some(Sandbox::from_pid(pid)?)))
    }

    /// What a container sees. Servers of its own are asked from inside its network, which `sandbox` opens.
    fn view(
        &self,
        record: &ContainerRecord,
        endpoints: &BTreeMap<String, EndpointRecord>,
        sandbox: impl FnOnce() -> Result<Option<Sandbox>>,
    ) -> Result<View> {
        let mut sorted: Vec<_> = endpoints.iter().filter(|(network, _)| *network != NAMELESS).collect();
        sorted.sort_by_key(|(_, endpoint)| Reverse(endpoint.options.gateway_priority));
        let networks = sorted.iter().map(|(_, endpoint)| endpoint.network_id.clone()).collect();
        let own_links = record.spec.host.links.iter();
        let links = own_links.chain(sorted.iter().flat_map(|(_, endpoint)| &endpoint.options.links));
        let servers =
            if record.spec.host.dns.is_empty() { &self.inner.config.dns } else { &record.spec.host.dns };
        let given: Vec<IpAddr> = servers.iter().filter_map(|server| server.parse().ok()).collect();
        let upstream = match given.is_empty() {
            false => sandbox()?.map_or(Upstream::Nobody, |sandbox| Upstream::Given(given, Arc::new(sandbox))),
            true if self.gateways(endpoints)? == [None, None] => Upstream::Nobody,
            true => Upstream::Host,
        };
        Ok(View { networks, links: links.map(|link| link_names(link)).collect(), upstream })
    }
}

/// Of `--link container:alias` the name that is asked for and the one that answers, both as they are looked up.
fn link_names(link: &str) -> (String, String) {
    let (name, alias) = link.split_once(':').unwrap_or((link, link));
    let last = |text: &str| text.rsplit('/').next().unwrap_or(text).to_lowercase();
    let name = last(name);
    let is_id = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    (last(alias), if is_id { name[..12].to_owned() } else { name })
}

fn members(endpoints: &BTreeMap<String, EndpointRecord>) -> Vec<Member> {
    let named = endpoints.iter().filter(|(network, _)| *network != NAMELESS);
    named
        .map(|(network, endpoint)| Member {
            network: endpoint.network_id.clone(),
            network_name: network.clone(),
            names: endpoint.dns_names.clone(),
            addresses: endpoint
                .ipv4
                .map(|(address, _)| address)
                .into_iter()
                .chain(endpoint.ipv6.map(|(address, _)| address.into()))
                .collect(),
        })
        .collect()
}
