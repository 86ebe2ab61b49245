//! Handlers: parse, call, convert.

use super::backend::{Backend, Network};
use super::wire;
use crate::containers;
use crate::http::time::rfc3339;
use crate::http::{Call, Outcome, filters, reply};
use hyper::StatusCode;
use sampan_engine::containers::{Filters, ListQuery};
use sampan_engine::{NetworkRequest, SubnetRequest};
use sampan_error::{Error, Result};
use std::collections::BTreeMap;

/// `GET /networks`
pub(super) async fn list<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let filters = filters::parse(&call.query)?;
    filters::only(&filters, &["dangling", "driver", "id", "label", "name", "scope", "type"])?;
    let networks = call.engine.networks().await?;
    let rows: Vec<wire::Network> =
        networks.into_iter().filter(|network| fits(network, &filters)).map(shown).collect();
    Ok(reply::ok(&rows)?.into())
}

fn fits(network: &Network, filters: &Filters) -> bool {
    let has_label = |wanted: &String| match wanted.split_once('=') {
        Some((key, value)) => network.labels.get(key).is_some_and(|found| found == value),
        None => network.labels.contains_key(wanted),
    };
    filters.iter().all(|(name, values)| match name.as_str() {
        "label" => values.iter().all(has_label),
        name => values.iter().any(|value| match name {
            "driver" => network.driver == *value,
            "id" => network.id.starts_with(value.as_str()),
            "name" => network.name.contains(value.as_str()),
            "scope" => value == "local",
            "type" => (value == "builtin") == is_predefined(&network.name),
            // Those of the machine itself are never left over.
            "dangling" => matches!(value.as_str(), "false" | "0"),
            _ => true,
        }),
    })
}

fn is_predefined(name: &str) -> bool {
    matches!(name, "bridge" | "host" | "none")
}

fn shown(network: Network) -> wire::Network {
    let subnets = network.subnets.into_iter();
    wire::Network {
        name: network.name,
        id: network.id,
        created: rfc3339(network.created),
        scope: "local",
        driver: network.driver,
        enable_ipv4: true,
        enable_ipv6: network.ipv6,
        ipam: wire::Ipam {
            driver: "default",
            options: None,
            config: subnets
                .map(|subnet| wire::Subnet {
                    subnet: subnet.subnet,
                    ip_range: subnet.range,
                    gateway: subnet.gateway,
                    auxiliary_addresses: subnet.reserved,
                })
                .collect(),
        },
        internal: network.internal,
        attachable: network.attachable,
        ingress: false,
        config_from: wire::ConfigFrom { network: "" },
        config_only: false,
        containers: BTreeMap::new(),
        options: network.options,
        labels: network.labels,
    }
}

/// The network of this name or id, or of the unique beginning of an id.
async fn find<E: Backend>(engine: &E, reference: &str) -> Result<Network> {
    let networks = engine.networks().await?;
    let exact = networks.iter().find(|it| it.name == reference || it.id == reference);
    if let Some(found) = exact {
        return Ok(found.clone());
    }
    let mut starting = networks.into_iter().filter(|it| it.id.starts_with(reference));
    match (starting.next(), starting.next()) {
        (Some(found), None) => Ok(found),
        (None, _) => Err(Error::not_found(format!("network {reference} not found"))),
        (Some(_), Some(_)) => {
            Err(Error::invalid(format!("network {reference} is ambiguous: several ids start so")))
        }
    }
}

/// `GET /networks/{id}`
pub(super) async fn inspect<E: Backend + containers::backend::Backend>(call: Call<E>) -> Result<Outcome> {
    let network = find(&call.engine, &call.parameter("id")).await?;
    let mut answer = shown(network);
    let running = call.engine.list(&ListQuery::default()).await?;
    for record in &running {
        let endpoints = record.endpoints.iter().filter(|(name, endpoint)| {
            **name == answer.name && (!endpoint.endpoint_id.is_empty() || endpoint.ipv4.is_some())
        });
        for (_, endpoint) in endpoints {
            let address = |address: Option<String>| address.unwrap_or_default();
            let member = wire::Member {
                name: record.name.clone(),
                endpoint_id: endpoint.endpoint_id.clone(),
                mac_address: endpoint.mac_address.clone(),
                ipv4_address: address(endpoint.ipv4.map(|(address, length)| format!("{address}/{length}"))),
                ipv6_address: address(endpoint.ipv6.map(|(address, length)| format!("{address}/{length}"))),
            };
            answer.containers.insert(record.id.clone(), member);
        }
    }
    Ok(reply::ok(&answer)?.into())
}

/// `POST /networks/create`
pub(super) async fn create<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::Create = call.json().await?;
    let id = call.engine.create_network(request(body)?).await?;
    Ok(reply::json(StatusCode::CREATED, &wire::Created { id, warning: "" })?.into())
}

fn request(body: wire::Create) -> Result<NetworkRequest> {
    if body.ingress || body.config_only || !body.config_from.network.is_empty() {
        return Err(Error::not_implemented(
            "networks of swarm mode and configurations of networks are nothing that Sampan has",
        ));
    }
    if body.enable_ipv4 == Some(false) {
        return Err(Error::not_implemented("networks without IPv4 are not supported"));
    }
    if !matches!(body.ipam.driver.as_str(), "" | "default") {
        return Err(Error::invalid(format!(
            "invalid IPAM driver {:?}: only default is there",
            body.ipam.driver
        )));
    }
    let subnets = body.ipam.config.into_iter().map(subnet).collect::<Result<_>>()?;
    Ok(NetworkRequest {
        name: body.name,
        driver: body.driver,
        internal: body.internal,
        attachable: body.attachable,
        ipv6: body.enable_ipv6.unwrap_or(false),
        subnets,
        options: body.options,
        labels: body.labels,
    })
}

fn subnet(wanted: wire::Subnet) -> Result<SubnetRequest> {
    fn read<T: std::str::FromStr>(what: &str, text: &str) -> Result<Option<T>> {
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| Error::invalid(format!("invalid {what} {text}")))
    }
    let mut reserved = BTreeMap::new();
    for (name, text) in wanted.auxiliary_addresses {
        if let Some(address) = read("auxiliary address", &text)? {
            reserved.insert(name, address);
        }
    }
    Ok(SubnetRequest {
        subnet: read("subnet", &wanted.subnet)?,
        range: read("IP range", &wanted.ip_range)?,
        gateway: read("gateway", &wanted.gateway)?,
        reserved,
    })
}

/// `POST /networks/prune`
pub(super) async fn prune<E: Backend>(call: Call<E>) -> Result<Outcome> {
    let filters = filters::parse(&call.query)?;
    filters::only(&filters, &["until", "label", "label!"])?;
    let networks_deleted = call.engine.prune_networks(&filters).await?;
    Ok(reply::ok(&wire::Prune { networks_deleted })?.into())
}

/// `DELETE /networks/{id}`
pub(super) async fn remove<E: Backend>(call: Call<E>) -> Result<Outcome> {
    call.engine.remove_network(&call.parameter("id")).await?;
    Ok(reply::no_content().into())
}

/// `POST /networks/{id}/connect`
pub(super) async fn connect<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::Connect = call.json().await?;
    let options = containers::convert::endpoint_options(body.endpoint_config.unwrap_or_default())?;
    call.engine.connect_container(&call.parameter("id"), &body.container, options).await?;
    Ok(reply::empty(StatusCode::OK).into())
}

/// `POST /networks/{id}/disconnect`
pub(super) async fn disconnect<E: Backend>(mut call: Call<E>) -> Result<Outcome> {
    let body: wire::Disconnect = call.json().await?;
    call.engine.disconnect_container(&call.parameter("id"), &body.container).await?;
    Ok(reply::empty(StatusCode::OK).into())
}
