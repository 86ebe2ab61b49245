//! What the engine stores: plain data about networks, endpoints and published ports.
//!
//! Nothing here holds a descriptor or a lock. [`crate::Manager::open`] takes these back after a restart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::mac::MacAddress;

/// Which driver serves a network; the user-visible driver string in lower case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DriverName {
    /// A Linux bridge on this host, with translation to the outside.
    Bridge,
    /// The host's own network namespace.
    Host,
    /// A namespace with nothing but the loopback interface.
    None,
}

impl DriverName {
    /// The name as the API shows it; `none` networks call their driver `null`.
    pub fn as_docker(self) -> &'static str {
        match self {
            Self::Bridge => "bridge",
            Self::Host => "host",
            Self::None => "null",
        }
    }
}

/// One address range of a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    /// The whole range, such as `172.17.0.0/16`.
    pub subnet: IpNet,
    /// The part that automatic addresses come from; `None` means all of it.
    #[serde(default)]
    pub range: Option<IpNet>,
    /// The bridge's own address in it.
    pub gateway: IpAddr,
    /// Addresses that no container may get (the user's auxiliary addresses).
    #[serde(default)]
    pub reserved: Vec<IpAddr>,
}

/// One network. The bridge driver is told everything by this record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkRecord {
    /// 64 lower-case hexadecimal digits.
    pub id: String,
    /// The name that users type; unique.
    pub name: String,
    /// The driver.
    pub driver: DriverName,
    /// The bridge's device name on the host, at most 15 bytes; empty for `host` and `none`.
    #[serde(default)]
    pub device: String,
    /// The ranges: at most one for IPv4 and one for IPv6.
    #[serde(default)]
    pub subnets: Vec<Subnet>,
    /// Largest packet in bytes on the bridge and on every container interface.
    #[serde(default)]
    pub mtu: u32,
    /// No way in or out other than between its own members.
    #[serde(default)]
    pub internal: bool,
    /// Members may talk to each other.
    #[serde(default)]
    pub icc: bool,
    /// Traffic that leaves by another interface carries the host's address.
    #[serde(default)]
    pub masquerade: bool,
    /// Host address of bindings that name none.
    #[serde(default)]
    pub binding_address: Option<IpAddr>,
}

impl NetworkRecord {
    /// The IPv4 range, if there is one.
    pub fn ipv4(&self) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| matches!(subnet.subnet, IpNet::V4(_)))
    }

    /// The IPv6 range, if there is one.
    pub fn ipv6(&self) -> Option<&Subnet> {
        self.subnets.iter().find(|subnet| matches!(subnet.subnet, IpNet::V6(_)))
    }
}

/// What a container asks of a network.
#[derive(Debug, Clone, Default)]
pub struct EndpointRequest {
    /// Id of the new endpoint, 64 hexadecimal digits.
    pub endpoint_id: String,
    /// Id of the container.
    pub container_id: String,
    /// Name of the interface inside; `None` takes the first free of eth0, eth1, …
    pub interface: Option<String>,
    /// A static IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// A static IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// A static hardware address; `None` derives it from the IPv4 address.
    pub mac: Option<MacAddress>,
    /// Whether this network gives the container its default route, for IPv4 and for IPv6.
    pub default_route: [bool; 2],
}

/// A container's place in a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointRecord {
    /// Id of the endpoint.
    pub id: String,
    /// Id of the network.
    pub network_id: String,
    /// Id of the container.
    pub container_id: String,
    /// Name of the veth end on the host; empty where there is none.
    #[serde(default)]
    pub host_device: String,
    /// Name of the interface inside; empty where there is none.
    #[serde(default)]
    pub interface: String,
    /// Addresses with the length of their network's prefix.
    #[serde(default)]
    pub addresses: Vec<IpNet>,
    /// Gateways, at most one of each family.
    #[serde(default)]
    pub gateways: Vec<IpAddr>,
    /// Hardware address of the interface inside.
    #[serde(default)]
    pub mac: Option<MacAddress>,
}

impl EndpointRecord {
    /// The IPv4 address, if there is one.
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        self.addresses.iter().find_map(|net| match net {
            IpNet::V4(net) => Some(net.addr()),
            IpNet::V6(_) => None,
        })
    }

    /// The gateways of these families, IPv4 and IPv6.
    pub fn gateways_of(&self, families: [bool; 2]) -> Vec<IpAddr> {
        let wanted = |gateway: &&IpAddr| families[usize::from(gateway.is_ipv6())];
        self.gateways.iter().filter(wanted).copied().collect()
    }

    /// The IPv6 address, if there is one.
    pub fn ipv6(&self) -> Option<Ipv6Addr> {
        self.addresses.iter().find_map(|net| match net {
            IpNet::V6(net) => Some(net.addr()),
            IpNet::V4(_) => None,
        })
    }
}

/// Transport protocol of a published port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// `tcp`, `udp` or `sctp`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    /// The protocol's number in the IP header (IANA).
    pub fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }
}

/// The host port that a binding asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum HostPort {
    /// Any free port of the host's ephemeral range.
    Any,
    /// Exactly this one.
    Fixed(u16),
    /// The first free one of first..=last.
    Between(u16, u16),
}

/// One `-p`: Docker's clients send one for every port of a range; neighbours are joined again here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingRequest {
    /// Protocol.
    pub protocol: Protocol,
    /// Port inside the container.
    pub container_port: u16,
    /// Host address; `None` is the network's default, normally all of IPv4 and IPv6.
    pub host_ip: Option<IpAddr>,
    /// Host port.
    pub host_port: HostPort,
}

/// A binding as it was made; what `docker ps` and `docker port` show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublishedBinding {
    /// Protocol.
    pub protocol: Protocol,
    /// Host address; `0.0.0.0` and `::` for all.
    pub host_ip: IpAddr,
    /// Host port.
    pub host_port: u16,
    /// Port inside the container.
    pub container_port: u16,
}

/// All published ports of one endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedRecord {
    /// The endpoint.
    pub endpoint_id: String,
    /// Its IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// The bindings.
    pub bindings: Vec<PublishedBinding>,
}

/// Published ports that several containers answer: each connection goes to one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancedRecord {
    /// Whose ports they are; unique.
    pub name: String,
    /// The ports, which one of the containers holds.
    pub bindings: Vec<PublishedBinding>,
    /// Who answers; without any the ports lead where they were published to.
    pub targets: Vec<BalancedTarget>,
}

/// A container that answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BalancedTarget {
    /// Its IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
}

impl BalancedTarget {
    /// Its address in a family.
    pub(crate) fn of(self, ipv6: bool) -> Option<IpAddr> {
        if ipv6 { self.ipv6.map(IpAddr::from) } else { self.ipv4.map(IpAddr::from) }
    }
}

/// Everything the engine remembers of this crate's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Records {
    /// Networks other than `bridge`, `host` and `none`, and `bridge` itself once it was made.
    #[serde(default)]
    pub networks: Vec<NetworkRecord>,
    /// Endpoints of containers that live, and of stopped ones that keep a static address.
    #[serde(default)]
    pub endpoints: Vec<EndpointRecord>,
    /// Published ports of containers that live.
    #[serde(default)]
    pub published: Vec<PublishedRecord>,
    /// Ports that several containers answer.
    #[serde(default)]
    pub balanced: Vec<BalancedRecord>,
}
