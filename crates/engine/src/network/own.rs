//! Networks of one's own: made, shown, removed, and known again after a restart.

use crate::Engine;
use crate::clock;
use crate::containers::Filters;
use crate::error::Error;
use crate::time_filter;
use ipnet::IpNet;
use sampan_error::{Kind, Result};
use sampan_network::{DriverName, NetworkRecord, Subnet};
use sampan_state::{Durability, Record};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A network as the engine keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    /// What the network crate knows of it.
    pub record: NetworkRecord,
    /// When it was made, nanoseconds since 1970.
    #[serde(default)]
    pub created: i64,
    /// Whether containers outside of a swarm may join; kept for those who ask.
    #[serde(default)]
    pub attachable: bool,
    /// Labels.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// Exactly the driver's options that were given.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// Reserved addresses by the names that their owner gave them.
    #[serde(default)]
    pub reserved: BTreeMap<String, IpAddr>,
}

impl Record for Network {
    const COLLECTION: &'static str = "network";
    const VERSION: u32 = 1;

    fn key(&self) -> String {
        self.record.id.clone()
    }
}

/// A range that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SubnetRequest {
    /// The whole range; `None` takes a free one.
    pub subnet: Option<IpNet>,
    /// Where automatic addresses come from.
    pub range: Option<IpNet>,
    /// The bridge's own address; `None` takes the first.
    pub gateway: Option<IpAddr>,
    /// Addresses that no container may get, by name.
    pub reserved: BTreeMap<String, IpAddr>,
}

/// A network that is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NetworkRequest {
    /// Its name.
    pub name: String,
    /// `bridge`, or empty for the same.
    pub driver: String,
    /// No way out.
    pub internal: bool,
    /// See [`Network::attachable`].
    pub attachable: bool,
    /// Whether containers get IPv6 addresses, too.
    pub ipv6: bool,
    /// Its ranges; a free one where there is none for IPv4.
    pub subnets: Vec<SubnetRequest>,
    /// Options of the driver, as Docker calls them.
    pub options: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
}

impl Engine {
    /// Makes a network. Gives its id.
    ///
    /// # Errors
    /// A bad name, option or range; a name or a range that is taken; what the kernel refuses.
    pub async fn create_network(&self, request: NetworkRequest) -> Result<String> {
        let engine = self.clone();
        crate::blocking(move || engine.make_network(request)).await
    }

    fn make_network(&self, request: NetworkRequest) -> Result<String> {
        check_name(&request.name)?;
        check_driver(&request.driver)?;
        let record = self.inner.network.create_network(record(&request)?)?;
        let reserved = request.subnets.iter().flat_map(|subnet| subnet.reserved.clone()).collect();
        let network = Network {
            record,
            created: clock::now(),
            attachable: request.attachable,
            labels: request.labels,
            options: request.options,
            reserved,
        };
        if let Err(error) = self.inner.network_records.put(&network, Durability::Full) {
            // It would be gone after the next start: better now, with a word.
            let _ = self.inner.network.remove_network(&network.record.id);
            return Err(error.into());
        }
        self.network_event(&network.record, "create");
        Ok(network.record.id)
    }

    /// Removes a network, by name, id, or the unique beginning of an id.
    ///
    /// # Errors
    /// `NotFound`; `PermissionDenied` for one that is predefined or in use.
    pub async fn remove_network(&self, reference: &str) -> Result<()> {
        let (engine, reference) = (self.clone(), reference.to_owned());
        crate::blocking(move || {
            let network = engine.find_network(&reference)?;
            engine.take_network(&network)
        })
        .await
    }

    fn take_network(&self, network: &Network) -> Result<()> {
        let (id, name) = (&network.record.id, &network.record.name);
        let members: Vec<String> = self
            .inner
            .registry
            .all()
            .iter()
            .map(|container| container.record())
            .filter(|record| record.is_running() && record.endpoints.contains_key(name))
            .map(|record| {
                format!("name:{:?} id:{:?}", record.name, record.id.get(..12).unwrap_or(&record.id))
            })
            .collect();
        if !members.is_empty() {
            return Err(sampan_error::Error::new(
                Kind::PermissionDenied,
                format!(
                    "error while removing network: network {name} has active endpoints ({})",
                    members.join(", ")
                ),
            ));
        }
        self.inner.network.remove_network(id).map_err(|error| {
            sampan_error::Error::new(Kind::PermissionDenied, error.to_string()).caused_by(error)
        })?;
        self.inner.network_records.remove(id, Durability::Full)?;
        self.network_event(&network.record, "destroy");
        Ok(())
    }

    /// Removes networks that no running container is in. Gives their names.
    ///
    /// # Errors
    /// A filter that cannot be read; the database failed.
    pub async fn prune_networks(&self, filters: &Filters) -> Result<Vec<String>> {
        let (engine, filters) = (self.clone(), filters.clone());
        crate::blocking(move || {
            let until = match filters.get("until").and_then(|values| values.first()) {
                Some(text) => Some(
                    time_filter::parse(text, clock::now())
                        .ok_or_else(|| Error::Invalid(format!("invalid filter 'until={text}'")))?,
                ),
                None => None,
            };
            let mut gone = Vec::new();
            for network in engine.inner.network_records.all()? {
                let old_enough = until.is_none_or(|until| network.created < until);
                if old_enough && fits(&network, &filters) && engine.take_network(&network).is_ok() {
                    gone.push(network.record.name);
                }
            }
            Ok(gone)
        })
        .await
    }

    /// All networks, `bridge`, `host` and `none` first.
    ///
    /// # Errors
    /// The database failed.
    pub async fn networks(&self) -> Result<Vec<Network>> {
        let engine = self.clone();
        crate::blocking(move || engine.all_networks()).await
    }

    fn all_networks(&self) -> Result<Vec<Network>> {
        let kept = self.inner.network_records.all()?;
        let known = self.inner.network.networks().into_iter();
        Ok(known
            .map(|record| {
                let own = kept.iter().find(|network| network.record.id == record.id);
                own.cloned().unwrap_or_else(|| Network {
                    created: self.inner.opened,
                    attachable: false,
                    labels: BTreeMap::new(),
                    options: BTreeMap::new(),
                    reserved: BTreeMap::new(),
                    record,
                })
            })
            .collect())
    }

    pub(super) fn find_network(&self, reference: &str) -> Result<Network> {
        let networks = self.all_networks()?;
        let exact = networks.iter().find(|it| it.record.name == reference || it.record.id == reference);
        if let Some(found) = exact {
            return Ok(found.clone());
        }
        let mut starting = networks.into_iter().filter(|it| it.record.id.starts_with(reference));
        match (starting.next(), starting.next()) {
            (Some(found), None) if !reference.is_empty() => Ok(found),
            (Some(_), Some(_)) => {
                Err(Error::Invalid(format!("network {reference} is ambiguous: several ids start so")).into())
            }
            _ => Err(Error::NotFound(format!("network {reference} not found")).into()),
        }
    }

    fn network_event(&self, network: &NetworkRecord, action: &str) {
        let attributes = BTreeMap::from([
            ("name".to_owned(), network.name.clone()),
            ("type".to_owned(), network.driver.as_docker().to_owned()),
        ]);
        self.inner.events.publish("network", action, &network.id, attributes);
    }
}

/// Whether a network has the labels that are wanted, and not those that are not.
fn fits(network: &Network, filters: &Filters) -> bool {
    let has = |wanted: &String| match wanted.split_once('=') {
        Some((key, value)) => network.labels.get(key).is_some_and(|found| found == value),
        None => network.labels.contains_key(wanted),
    };
    let of = |name: &str| filters.get(name).into_iter().flatten();
    of("label").all(has) && !of("label!").any(has)
}

fn check_name(name: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
    if name.trim().is_empty() {
        return Err(Error::Invalid("invalid name: name is empty".into()).into());
    }
    if !name.bytes().all(good) || !name.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return Err(Error::Invalid(format!(
            "invalid name: {name:?}: only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed"
        ))
        .into());
    }
    Ok(())
}

fn check_driver(driver: &str) -> Result<()> {
    match driver {
        "" | "default" | "bridge" => Ok(()),
        "host" | "null" | "none" => Err(sampan_error::Error::new(
            Kind::PermissionDenied,
            format!("only one instance of \"{driver}\" network is allowed"),
        )),
        other => Err(Error::NotFound(format!(
            "could not find plugin {other} in v1 plugin registry: plugin not found"
        ))
        .into()),
    }
}

/// What the network crate is asked for.
fn record(request: &NetworkRequest) -> Result<NetworkRecord> {
    let option = |name: &str| request.options.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let truth = |name: &str| match option(name) {
        None => Ok(true),
        Some(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "t" => Ok(true),
            "false" | "0" | "f" => Ok(false),
            _ => Err(Error::Invalid(format!(
                "failed to parse {name} value: {text:?} is neither true nor false"
            ))),
        },
    };
    let mtu = match option("com.docker.network.driver.mtu") {
        None => 0,
        Some(text) => text.parse().map_err(|_| Error::Invalid(format!("invalid MTU: {text:?}")))?,
    };
    let binding = match option("com.docker.network.bridge.host_binding_ipv4") {
        None => None,
        Some(text) => {
            Some(text.parse().map_err(|_| Error::Invalid(format!("invalid host binding address {text:?}")))?)
        }
    };
    let mut subnets = request.subnets.iter().filter_map(subnet).collect::<Result<Vec<_>>>()?;
    if request.ipv6 && !subnets.iter().any(|subnet| subnet.subnet.addr().is_ipv6()) {
        subnets.push(unique_local()?);
    }
    Ok(NetworkRecord {
        id: crate::identity::random_id(),
        name: request.name.clone(),
        driver: DriverName::Bridge,
        device: option("com.docker.network.bridge.name").unwrap_or_default().to_owned(),
        subnets,
        mtu,
        internal: request.internal,
        icc: truth("com.docker.network.bridge.enable_icc")?,
        masquerade: truth("com.docker.network.bridge.enable_ip_masquerade")?,
        binding_address: binding,
    })
}

/// A range of the request; none where it names no subnet.
fn subnet(request: &SubnetRequest) -> Option<Result<Subnet>> {
    let subnet = request.subnet?.trunc();
    let first = match subnet.network() {
        IpAddr::V4(network) => IpAddr::V4((u32::from(network) | 1).into()),
        IpAddr::V6(network) => IpAddr::V6((u128::from(network) | 1).into()),
    };
    let outside = request.reserved.iter().find(|(_, address)| !subnet.contains(*address));
    Some(match outside {
        Some((name, address)) => {
            Err(Error::Invalid(format!("no matching subnet for aux-address {address} ({name})")).into())
        }
        None => Ok(Subnet {
            subnet,
            range: request.range,
            gateway: request.gateway.unwrap_or(first),
            reserved: request.reserved.values().copied().collect(),
        }),
    })
}

/// A range of IPv6 that is this host's alone (RFC 4193): 40 random bits after `fd`.
fn unique_local() -> Result<Subnet> {
    let random = crate::identity::random_id();
    let number = u128::from_str_radix(random.get(..10).unwrap_or("0"), 16).unwrap_or_default();
    let network = std::net::Ipv6Addr::from((0xfd_u128 << 120) | (number << 80));
    let subnet = IpNet::new(network.into(), 64).map_err(|error| Error::Invalid(error.to_string()))?;
    Ok(Subnet {
        subnet,
        range: None,
        gateway: IpAddr::V6((u128::from(network) | 1).into()),
        reserved: Vec::new(),
    })
}
