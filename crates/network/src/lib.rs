//! Container networking: sandboxes, drivers, addresses, published ports, name files.
//!
//! Everything is synchronous and thread safe; no process is spawned; the kernel is spoken to by netlink.
//! Start at [`Manager`].

mod drivers;
mod error;
mod fingerprint;
mod firewall;
mod forget;
mod host;
mod ipam;
mod mac;
mod manager;
mod names;
mod netlink;
mod nftables;
mod ports;
mod record;
mod sandbox;
#[cfg(test)]
mod testing;
mod warnings;

pub use drivers::NetworkDriver;
pub use error::{ErrorList, NetworkError, Result};
pub use mac::MacAddress;
pub use manager::{
    Manager, ManagerConfig, PublishRequest, Published, Reconciled, RelaySocket, Reservation, Statistics,
    default_bridge_device,
};
pub use names::{
    HOST_RESOLVER_FILE, HostEntry, HostsRequest, ResolverRequest, hostname, hosts, resolver, resolver_source,
};
pub use record::{
    BindingRequest, DriverName, EndpointRecord, EndpointRequest, HostPort, NetworkRecord, Protocol,
    PublishedBinding, PublishedRecord, Records, Subnet,
};
pub use sandbox::{Sandbox, SandboxPool};
