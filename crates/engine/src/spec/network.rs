//! Network modes, endpoints and published ports, as asked for.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

/// Where a container's network namespace comes from and which network is its first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NetworkMode {
    /// The default bridge network (`default`, `bridge`, or nothing said).
    #[default]
    Bridge,
    /// The host's own namespace.
    Host,
    /// Loopback only.
    None,
    /// The namespace of another container (`container:NAME`).
    Container(String),
    /// A user-defined network, by name or id.
    Named(String),
}

/// How one endpoint should be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointOptions {
    /// Static IPv4 address.
    pub ipv4_address: Option<String>,
    /// Static IPv6 address.
    pub ipv6_address: Option<String>,
    /// Link-local addresses.
    pub link_local_addresses: Vec<String>,
    /// Other names on that network.
    pub aliases: Vec<String>,
    /// Links, `container:alias`.
    pub links: Vec<String>,
    /// MAC address.
    pub mac_address: Option<String>,
    /// Options for the driver.
    pub driver_options: BTreeMap<String, String>,
    /// Higher wins when the default route is chosen.
    pub gateway_priority: i64,
}

/// Transport protocol of a port.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PortProtocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

/// A port of the container: `80/tcp`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PortKey {
    /// The port.
    pub port: u16,
    /// Its protocol.
    pub protocol: PortProtocol,
}

/// One publication of a container's port.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortBinding {
    /// The container's port.
    pub container: PortKey,
    /// The host's address; `None` is every address, v4 and v6.
    pub host_ip: Option<IpAddr>,
    /// The host's port as a range, first to last; `None` takes a free one.
    pub host_port: Option<(u16, u16)>,
}

impl fmt::Display for PortProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        })
    }
}

impl fmt::Display for PortKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.port, self.protocol)
    }
}
