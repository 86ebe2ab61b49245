//! Docker's JSON of networks.

use serde::Serialize;
use std::collections::BTreeMap;

/// A network.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Network {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) created: String,
    pub(super) scope: &'static str,
    pub(super) driver: String,
    #[serde(rename = "EnableIPv4")]
    pub(super) enable_ipv4: bool,
    #[serde(rename = "EnableIPv6")]
    pub(super) enable_ipv6: bool,
    #[serde(rename = "IPAM")]
    pub(super) ipam: Ipam,
    pub(super) internal: bool,
    pub(super) attachable: bool,
    pub(super) ingress: bool,
    pub(super) config_from: ConfigFrom,
    pub(super) config_only: bool,
    /// Only inspect fills it.
    pub(super) containers: BTreeMap<String, Member>,
    pub(super) options: BTreeMap<String, String>,
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Ipam {
    pub(super) driver: &'static str,
    pub(super) options: Option<BTreeMap<String, String>>,
    pub(super) config: Vec<Subnet>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Subnet {
    pub(super) subnet: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) gateway: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ConfigFrom {
    pub(super) network: &'static str,
}

/// A container of a network.
#[derive(Debug, Serialize)]
pub(super) struct Member {
    #[serde(rename = "Name")]
    pub(super) name: String,
    #[serde(rename = "EndpointID")]
    pub(super) endpoint_id: String,
    #[serde(rename = "MacAddress")]
    pub(super) mac_address: String,
    #[serde(rename = "IPv4Address")]
    pub(super) ipv4_address: String,
    #[serde(rename = "IPv6Address")]
    pub(super) ipv6_address: String,
}

/// What a prune removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Prune {
    pub(super) networks_deleted: Vec<String>,
}
