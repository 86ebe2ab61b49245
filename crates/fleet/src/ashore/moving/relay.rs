//! The container that stays where another one was: it has its names and published ports, holds what comes while nobody is
//! there to answer, and passes it on to where the other one lives.

use super::{Moving, Phase};
use sampan_engine::containers::{ContainerRecord, PassOn, RemoveOptions, UpdateRequest};
use sampan_engine::spec::{
    ContainerSpec, HostOptions, NetworkMode, PortBinding, PortKey, PortProtocol, ProcessOptions, RestartKind,
};
use sampan_error::{Context, Error, Kind, Result};
use sampan_provider::Address;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Label: the container that it stands for.
pub(super) const FOR: &str = "sampan.relay.for";
/// Nobody can be there: what is passed on to it is refused.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Ends its name.
const SUFFIX: &str = ".relay";

impl Moving<'_> {
    /// Makes it where there is none yet, with connections waiting. `None` where nobody can come: neither a port is
    /// published, nor a name known.
    pub(super) async fn relay(&mut self, record: &ContainerRecord) -> Result<Option<String>> {
        if let Some(relay) = &self.voyage.relay {
            return Ok(Some(relay.clone()));
        }
        let ports = ports(record);
        let is_alone = matches!(
            record.spec.host.network_mode,
            NetworkMode::Host | NetworkMode::Container(_) | NetworkMode::None
        );
        if ports.is_empty() || is_alone {
            return Ok(None);
        }
        let name = name(&record.name);
        self.discard(&name).await?;
        let spec = specification(record, self.engine().own_program().await?);
        let made = self.engine().create(Some(name), spec).await?.id;
        self.voyage.relay = Some(made.clone());
        self.save().await?;
        let passes: Vec<PassOn> = ports.into_iter().map(|port| PassOn { port, to: None }).collect();
        self.engine().pass_on(&made, &passes).await?;
        self.engine().start(&made).await?;
        Ok(Some(made))
    }

    /// Lets a relay lead to these addresses: ports that none of them answers refuse. Without any address all of them wait.
    pub(super) async fn aim(&self, relay: &str, addresses: &[Address]) -> Result<()> {
        let record = self.engine().inspect(relay).await?;
        let mut passes = Vec::new();
        for pass in &record.passes {
            let answers = addresses.iter().find(|address| is_of(address, pass.port));
            let to = match answers {
                Some(address) => Some(resolve(address).await?),
                None => (!addresses.is_empty()).then_some(NOWHERE),
            };
            passes.push(PassOn { port: pass.port, to });
        }
        self.engine().pass_on(relay, &passes).await
    }

    /// Where a container of this engine answers, as an address to aim at.
    pub(super) async fn here(&self, id: &str) -> Result<Vec<Address>> {
        let record = self.engine().inspect(id).await?;
        let host = record.endpoints.values().find_map(|endpoint| endpoint.ipv4.map(|(address, _)| address));
        let Some(host) = host else { return Ok(Vec::new()) };
        let place = |port: PortKey| Address {
            host: host.to_string(),
            port: port.port,
            container_port: port.port,
            protocol: port.protocol.to_string(),
        };
        Ok(ports(&record).into_iter().map(place).collect())
    }

    /// The relay takes the host's side of the published ports from the container that had it, which is stopped.
    pub(super) async fn take_ports(&self, relay: &str) -> Result<()> {
        let (name, leader) = (&self.group.name, &self.group.leader);
        let mut publish = self.engine().balanced_bindings(name);
        if leader != relay {
            if publish.is_empty() {
                publish = self.engine().bindings_of(leader).await?;
            }
            self.fleet.place().stop(leader).await?;
        }
        self.publish(relay, publish).await?;
        self.fleet.place().start(relay).await?;
        self.engine().balance_ports(name, relay, &[]).await
    }

    /// Publishes ports, unless they are: once more would end connections that are there.
    async fn publish(&self, id: &str, publish: Vec<PortBinding>) -> Result<()> {
        let there = self.engine().bindings_of(id).await?;
        if publish.iter().all(|binding| there.contains(binding)) {
            return Ok(());
        }
        let request = UpdateRequest { publish, ..UpdateRequest::default() };
        self.engine().update(id, request).await.map(drop)
    }

    /// Whether a container is there.
    pub(super) async fn is_there(&self, id: &str) -> Result<bool> {
        match self.engine().inspect(id).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// New connections go to these containers of this engine.
    pub(super) async fn route(&self, ids: &[String]) -> Result<()> {
        self.engine().balance_ports(&self.group.name, &self.group.leader, ids).await
    }

    /// Takes a relay away, once its connections are over.
    pub(super) async fn discard_relay(&mut self) -> Result<()> {
        let Some(relay) = self.voyage.relay.clone() else { return Ok(()) };
        self.fleet.drain(&self.group, std::slice::from_ref(&relay), self.report).await;
        self.discard(&relay).await?;
        self.voyage.relay = None;
        self.save().await
    }

    /// Removes a container, running or not, with the volumes that it has for itself.
    pub(super) async fn discard(&self, id: &str) -> Result<()> {
        let options = RemoveOptions { force: true, volumes: true, link: false };
        match self.engine().remove(id, options).await {
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            other => other,
        }
    }

    /// A container here gets the ports that the relay has.
    pub(super) async fn give_ports(&self, relay: &str, to: &str) -> Result<()> {
        let publish = self.engine().bindings_of(relay).await?;
        self.fleet.place().stop(relay).await?;
        self.publish(to, publish).await?;
        self.engine().balance_ports(&self.group.name, to, &[]).await
    }

    /// How long connections have waited, in milliseconds; it ends with this.
    pub(super) fn waited(&mut self) -> i64 {
        let held = std::mem::take(&mut self.voyage.held);
        if held == 0 || self.voyage.phase == Phase::Begun {
            0
        } else {
            (sampan_engine::now() - held) / 1_000_000
        }
    }
}

/// The relay's name.
pub(super) fn name(container: &str) -> String {
    format!("{container}{SUFFIX}")
}

fn is_of(address: &Address, port: PortKey) -> bool {
    let is_udp = port.protocol == PortProtocol::Udp;
    address.container_port == port.port && (address.protocol == "udp") == is_udp
}

async fn resolve(address: &Address) -> Result<SocketAddr> {
    let unknown = || format!("{} cannot be looked up", address.host);
    let mut found = tokio::net::lookup_host((address.host.as_str(), address.port)).await.context(unknown())?;
    found.next().ok_or_else(|| Error::unavailable(unknown()))
}

/// The ports that others may come to.
fn ports(record: &ContainerRecord) -> Vec<PortKey> {
    let bindings = record.spec.host.port_bindings.iter().map(|binding| binding.container);
    let mut all: Vec<PortKey> = bindings.chain(record.resolved.exposed_ports.iter().copied()).collect();
    all.retain(|port| port.protocol != PortProtocol::Sctp);
    all.sort();
    all.dedup();
    all
}

/// On the same networks, by the same names; it starts again with the machine.
fn specification(record: &ContainerRecord, program: String) -> ContainerSpec {
    let mut networks = record.spec.networks.clone();
    if let NetworkMode::Named(network) = &record.spec.host.network_mode {
        networks.entry(network.clone()).or_default();
    }
    for (network, options) in &mut networks {
        // An address of its own stays the other one's as long as that is there.
        (options.ipv4_address, options.ipv6_address, options.mac_address) = (None, None, None);
        if network != "bridge" && !options.aliases.contains(&record.name) {
            options.aliases.push(record.name.clone());
        }
    }
    let mut host =
        HostOptions { network_mode: record.spec.host.network_mode.clone(), ..HostOptions::default() };
    host.restart.kind = RestartKind::UnlessStopped;
    let mut process = ProcessOptions { cmd: Some(vec!["wait".to_owned()]), ..ProcessOptions::default() };
    process.labels.insert(FOR.to_owned(), record.name.clone());
    ContainerSpec { image: program, process, host, networks, ..ContainerSpec::default() }
}
