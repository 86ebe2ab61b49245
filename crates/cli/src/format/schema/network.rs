//! The fields of a network as `inspect` shows them to templates. Names, order and omission are those of Docker's API types.

use super::{Struct, Type, field, optional};

static NETWORK_IPAMCONFIG: Struct = Struct {
    name: "network.IPAMConfig",
    fields: &[
        optional("Subnet", "Subnet", Type::Text),
        optional("IPRange", "IPRange", Type::Text),
        optional("Gateway", "Gateway", Type::Text),
        optional("AuxAddress", "AuxiliaryAddresses", Type::Map(&Type::Text, "map[string]string")),
    ],
};

static NETWORK_IPAM: Struct = Struct {
    name: "network.IPAM",
    fields: &[
        field("Driver", "Driver", Type::Text),
        field("Options", "Options", Type::Map(&Type::Text, "map[string]string")),
        field("Config", "Config", Type::List(&Type::Struct(&NETWORK_IPAMCONFIG), "[]network.IPAMConfig")),
    ],
};

static NETWORK_CONFIG_REFERENCE: Struct =
    Struct { name: "network.ConfigReference", fields: &[field("Network", "Network", Type::Text)] };

static NETWORK_ENDPOINT_RESOURCE: Struct = Struct {
    name: "network.EndpointResource",
    fields: &[
        field("Name", "Name", Type::Text),
        field("EndpointID", "EndpointID", Type::Text),
        field("MacAddress", "MacAddress", Type::Text),
        field("IPv4Address", "IPv4Address", Type::Text),
        field("IPv6Address", "IPv6Address", Type::Text),
    ],
};

static NETWORK_PEER_INFO: Struct = Struct {
    name: "network.PeerInfo",
    fields: &[field("Name", "Name", Type::Text), field("IP", "IP", Type::Text)],
};

/// The whole object.
pub(crate) static NETWORK_INSPECT: Struct = Struct {
    name: "network.Inspect",
    fields: &[
        field("Name", "Name", Type::Text),
        field("ID", "Id", Type::Text),
        field("Created", "Created", Type::Time),
        field("Scope", "Scope", Type::Text),
        field("Driver", "Driver", Type::Text),
        field("EnableIPv4", "EnableIPv4", Type::Bool),
        field("EnableIPv6", "EnableIPv6", Type::Bool),
        field("IPAM", "IPAM", Type::Struct(&NETWORK_IPAM)),
        field("Internal", "Internal", Type::Bool),
        field("Attachable", "Attachable", Type::Bool),
        field("Ingress", "Ingress", Type::Bool),
        field("ConfigFrom", "ConfigFrom", Type::Struct(&NETWORK_CONFIG_REFERENCE)),
        field("ConfigOnly", "ConfigOnly", Type::Bool),
        field(
            "Containers",
            "Containers",
            Type::Map(&Type::Struct(&NETWORK_ENDPOINT_RESOURCE), "map[string]network.EndpointResource"),
        ),
        field("Options", "Options", Type::Map(&Type::Text, "map[string]string")),
        field("Labels", "Labels", Type::Map(&Type::Text, "map[string]string")),
        optional("Peers", "Peers", Type::List(&Type::Struct(&NETWORK_PEER_INFO), "[]network.PeerInfo")),
        optional("Services", "Services", Type::Map(&Type::Any, "map[string]Type::Any")),
    ],
};
