//! Container networking: sandboxes, drivers, addresses, published ports, name files.
//!
//! Everything is synchronous and thread safe, no process is spawned, and the kernel is spoken to by netlink.
//!
//! - [`Manager`] is the door; the engine keeps what it returns ([`Records`]) and hands it back after a restart.
//! - `sandbox/`: network namespaces held by descriptor, made ahead of need in a [`SandboxPool`].
//! - `drivers/`: one folder for each [`NetworkDriver`], and one suite that all of them pass.
//! - `ipam/`, `ports/`: which addresses and host ports are whose.
//! - `firewall.rs` over `nftables/`: the ruleset, shown in full in `nftables/ruleset/expected_ipv4.nft`.
//! - `netlink/`: messages, written and read by hand. `names/`: contents of hosts, resolv.conf and hostname.
//! - `warnings.rs`: what other firewalls drop. `forget.rs`: old connections, in the background.

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
mod near;
mod netlink;
mod nftables;
mod ports;
mod record;
mod sandbox;
#[cfg(test)]
mod testing;
mod warnings;
mod watch;

pub use drivers::NetworkDriver;
pub use error::{ErrorList, NetworkError, Result};
pub use mac::MacAddress;
pub use manager::{
    Manager, ManagerConfig, PublishRequest, Published, Reconciled, RelaySocket, Reservation, Statistics,
    default_bridge_device,
};
pub use names::{
    HOST_RESOLVER_FILE, HostEntry, HostsRequest, NAME_SERVER, ResolverRequest, host_servers, hostname, hosts,
    own_names, resolver, resolver_source,
};
pub use near::{Reach, is_near};
pub use record::{
    BalancedRecord, BalancedTarget, BindingRequest, DriverName, EndpointRecord, EndpointRequest, HostPort,
    NetworkRecord, Protocol, PublishedBinding, PublishedRecord, Records, Subnet,
};
pub use sandbox::{NameSockets, Sandbox, SandboxPool};
pub use watch::RulesetWatch;
