//! The files by which a container knows names: contents only, the engine writes them.

mod hosts;
mod resolver;

pub use hosts::{HostEntry, HostsRequest, hostname, hosts, own_names};
pub use resolver::{HOST_RESOLVER_FILE, ResolverRequest, host_servers, resolver, resolver_source};

/// Where a container on a network of one's own finds the name server that knows the others.
pub const NAME_SERVER: std::net::Ipv4Addr = std::net::Ipv4Addr::new(127, 0, 0, 11);
