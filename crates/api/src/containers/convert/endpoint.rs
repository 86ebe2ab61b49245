//! Endpoint settings, in both directions.

use super::invalid;
use super::process::some;
use crate::containers::wire::{Endpoint, IpamConfig, NetworkingConfig};
use crate::http::Version;
use sampan_engine::containers::EndpointRecord;
use sampan_engine::spec::{EndpointOptions, HostOptions, NetworkMode};
use sampan_error::Result;
use std::collections::BTreeMap;

/// What a create body asks of its endpoints.
///
/// # Errors
/// An address that is none.
pub(super) fn requests(networking: NetworkingConfig) -> Result<BTreeMap<String, EndpointOptions>> {
    let all = networking.endpoints_config.into_iter();
    all.map(|(name, endpoint)| Ok((name, options(endpoint.unwrap_or_default())?))).collect()
}

/// What is asked of one endpoint.
///
/// # Errors
/// An address that is none.
pub(crate) fn options(endpoint: Endpoint) -> Result<EndpointOptions> {
    let ipam = endpoint.ipam_config.unwrap_or_default();
    for (text, is_address) in [
        (&ipam.ipv4_address, ipam.ipv4_address.parse::<std::net::Ipv4Addr>().is_ok()),
        (&ipam.ipv6_address, ipam.ipv6_address.parse::<std::net::Ipv6Addr>().is_ok()),
    ] {
        if !text.is_empty() && !is_address {
            return Err(invalid(format!("invalid endpoint settings: {text:?} is not a valid IP address")));
        }
    }
    Ok(EndpointOptions {
        ipv4_address: some(ipam.ipv4_address),
        ipv6_address: some(ipam.ipv6_address),
        link_local_addresses: ipam.link_local_ips,
        aliases: endpoint.aliases.unwrap_or_default(),
        links: endpoint.links.unwrap_or_default(),
        mac_address: some(endpoint.mac_address),
        driver_options: endpoint.driver_opts.unwrap_or_default(),
        gateway_priority: endpoint.gw_priority,
    })
}

/// Gives the container-wide MAC address of old clients to the endpoint of the network mode.
///
/// # Errors
/// A network mode without an own address; another address on that endpoint.
pub(super) fn place_mac_address(
    address: String,
    host: &HostOptions,
    networks: &mut BTreeMap<String, EndpointOptions>,
    version: Version,
    warnings: &mut Vec<String>,
) -> Result<()> {
    if version < Version(44) {
        // Endpoints had no address of their own then.
        networks.values_mut().for_each(|endpoint| endpoint.mac_address = None);
    }
    if address.is_empty() {
        return Ok(());
    }
    let network = match &host.network_mode {
        NetworkMode::Bridge => "bridge",
        NetworkMode::Named(name) => name.as_str(),
        NetworkMode::Host | NetworkMode::None | NetworkMode::Container(_) => {
            return Err(invalid("conflicting options: mac-address and the network mode"));
        }
    };
    let endpoint = networks.entry(network.to_owned()).or_default();
    if endpoint.mac_address.as_ref().is_some_and(|own| !own.eq_ignore_ascii_case(&address)) {
        return Err(invalid(
            "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
        ));
    }
    endpoint.mac_address = Some(address);
    if version >= Version(44) {
        warnings.push("The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.".into());
    }
    Ok(())
}

/// An endpoint as inspect and the list show it.
pub(crate) fn settings(endpoint: &EndpointRecord) -> Endpoint {
    let options = &endpoint.options;
    let ipam = IpamConfig {
        ipv4_address: options.ipv4_address.clone().unwrap_or_default(),
        ipv6_address: options.ipv6_address.clone().unwrap_or_default(),
        link_local_ips: options.link_local_addresses.clone(),
    };
    let list = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let text = |address: Option<String>| address.unwrap_or_default();
    Endpoint {
        ipam_config: (ipam != IpamConfig::default()).then_some(ipam),
        links: list(&options.links),
        aliases: list(&options.aliases),
        mac_address: if endpoint.mac_address.is_empty() {
            text(options.mac_address.clone())
        } else {
            endpoint.mac_address.clone()
        },
        driver_opts: (!options.driver_options.is_empty()).then(|| options.driver_options.clone()),
        gw_priority: options.gateway_priority,
        network_id: endpoint.network_id.clone(),
        endpoint_id: endpoint.endpoint_id.clone(),
        gateway: text(endpoint.gateway.map(|it| it.to_string())),
        ip_address: text(endpoint.ipv4.map(|(address, _)| address.to_string())),
        ip_prefix_len: endpoint.ipv4.map_or(0, |(_, length)| length),
        ipv6_gateway: text(endpoint.ipv6_gateway.map(|it| it.to_string())),
        global_ipv6_address: text(endpoint.ipv6.map(|(address, _)| address.to_string())),
        global_ipv6_prefix_len: endpoint.ipv6.map_or(0, |(_, length)| length),
        dns_names: list(&endpoint.dns_names),
    }
}
