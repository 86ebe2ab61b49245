//! The files by which a container knows names: contents only, the engine writes them.

mod hosts;
mod resolver;

pub use hosts::{HostEntry, HostsRequest, hostname, hosts};
pub use resolver::{HOST_RESOLVER_FILE, ResolverRequest, resolver, resolver_source};
