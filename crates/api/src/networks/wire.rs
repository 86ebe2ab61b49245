//! Docker's JSON of networks.

use crate::containers::wire::Endpoint;
use serde::{Deserialize, Serialize};
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

/// One range, shown and asked for.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Subnet {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) subnet: String,
    #[serde(rename = "IPRange", skip_serializing_if = "String::is_empty")]
    pub(super) ip_range: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) gateway: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) auxiliary_addresses: BTreeMap<String, String>,
}

/// A network that is asked for.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Create {
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) internal: bool,
    pub(super) attachable: bool,
    pub(super) ingress: bool,
    pub(super) config_only: bool,
    pub(super) config_from: CreateFrom,
    #[serde(rename = "EnableIPv4")]
    pub(super) enable_ipv4: Option<bool>,
    #[serde(rename = "EnableIPv6")]
    pub(super) enable_ipv6: Option<bool>,
    #[serde(rename = "IPAM")]
    pub(super) ipam: CreateIpam,
    pub(super) options: BTreeMap<String, String>,
    pub(super) labels: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateFrom {
    pub(super) network: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateIpam {
    pub(super) driver: String,
    pub(super) config: Vec<Subnet>,
}

/// A container that is to come into a network.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Connect {
    pub(super) container: String,
    pub(super) endpoint_config: Option<Endpoint>,
}

/// A container that is to leave a network.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Disconnect {
    pub(super) container: String,
}

/// What a creation says.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Created {
    pub(super) id: String,
    pub(super) warning: &'static str,
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
