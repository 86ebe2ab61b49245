//! The door to this crate: one `Manager` for each daemon.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use ipnet::IpNet;

use crate::error::Result;
use crate::record::{
    BindingRequest, EndpointRecord, EndpointRequest, NetworkRecord, Protocol, PublishedBinding,
    PublishedRecord, Records,
};
use crate::sandbox::{Sandbox, not_yet};

/// What a manager is told once.
#[derive(Debug, Clone)]
pub struct ManagerConfig {
    /// The instance id of the data root: at least 8 characters of a-z and 0-9. It names every kernel object.
    pub instance: String,
    /// Device name of the default bridge; see [`default_bridge_device`].
    pub bridge: String,
    /// `--bip`: the default bridge's own address with its prefix; `None` chooses a free range.
    pub bridge_address: Option<IpNet>,
    /// `--fixed-cidr`: where automatic addresses of the default bridge come from.
    pub fixed_range: Option<IpNet>,
    /// `--mtu` in bytes; `None` takes that of the default route's device, else 1500.
    pub mtu: Option<u32>,
    /// `--icc`: containers on the default bridge may talk to each other.
    pub icc: bool,
    /// `--ip-masq`.
    pub masquerade: bool,
    /// `--ip-forward`: turn forwarding on if it is off (and then keep everything that is not ours from being forwarded).
    pub forward: bool,
    /// `--ip`: host address of bindings that name none; `None` is all of IPv4 and IPv6.
    pub binding_address: Option<IpAddr>,
}

impl ManagerConfig {
    /// Docker's defaults for this instance.
    pub fn new(instance: impl Into<String>, default_data_root: bool) -> Self {
        let instance = instance.into();
        let bridge = default_bridge_device(&instance, default_data_root);
        Self {
            instance,
            bridge,
            bridge_address: None,
            fixed_range: None,
            mtu: None,
            icc: true,
            masquerade: true,
            forward: true,
            binding_address: None,
        }
    }
}

/// `sampan0` for the default data root, else `spn-` and 8 characters of the instance id.
pub fn default_bridge_device(instance: &str, default_data_root: bool) -> String {
    if default_data_root {
        "sampan0".to_owned()
    } else {
        format!("spn-{}", instance.chars().take(8).collect::<String>())
    }
}

/// What to publish for one endpoint, all or nothing.
#[derive(Debug, Clone)]
pub struct PublishRequest {
    /// The endpoint that connections go to.
    pub endpoint: EndpointRecord,
    /// The ports.
    pub bindings: Vec<BindingRequest>,
}

/// A socket that does nothing but hold a host port, so that no other process takes it. The shim keeps it.
#[derive(Debug)]
pub struct Reservation {
    /// The bound socket; it has close-on-exec.
    pub socket: OwnedFd,
    /// Protocol.
    pub protocol: Protocol,
    /// What it holds.
    pub address: SocketAddr,
}

/// A socket whose connections or datagrams the shim passes on, where the kernel cannot translate.
#[derive(Debug)]
pub struct RelaySocket {
    /// Listening for TCP; bound for UDP (with packet information on, so that an answer leaves from the address
    /// that was asked).
    pub listener: OwnedFd,
    /// Protocol: TCP or UDP.
    pub protocol: Protocol,
    /// What it is bound to.
    pub address: SocketAddr,
    /// Where to pass it on.
    pub target: SocketAddr,
}

/// The outcome of [`Manager::publish`].
#[derive(Debug)]
pub struct Published {
    /// To be stored, and handed back to [`Manager::unpublish`].
    pub record: PublishedRecord,
    /// To be held by the shim as long as the container runs.
    pub reservations: Vec<Reservation>,
    /// To be served by the shim as long as the container runs.
    pub relays: Vec<RelaySocket>,
    /// Sentences for the user about what could not be done in full.
    pub notes: Vec<String>,
}

impl Published {
    /// The bindings as `docker ps` shows them.
    pub fn bindings(&self) -> &[PublishedBinding] {
        &self.record.bindings
    }
}

/// Counters of a container's interface, from the container's point of view.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Bytes received.
    pub received_bytes: u64,
    /// Packets received.
    pub received_packets: u64,
    /// Receive errors.
    pub received_errors: u64,
    /// Received and dropped.
    pub received_dropped: u64,
    /// Bytes sent.
    pub sent_bytes: u64,
    /// Packets sent.
    pub sent_packets: u64,
    /// Send errors.
    pub sent_errors: u64,
    /// Dropped instead of sent.
    pub sent_dropped: u64,
}

/// What a reconciliation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// Devices of ours without a record, removed.
    pub removed_devices: Vec<String>,
    /// The ruleset was missing or damaged and was laid down again.
    pub ruleset_repaired: bool,
}

/// Container networking of one daemon. Every method may be called from any thread.
#[derive(Debug)]
pub struct Manager {
    #[allow(dead_code)]
    config: ManagerConfig,
}

impl Manager {
    /// Makes or finds the default bridge and the ruleset, takes the records over and removes what has none.
    ///
    /// # Errors
    /// A wrong configuration, a range that clashes, the kernel's refusal.
    pub fn open(_config: ManagerConfig, _records: &Records) -> Result<Self> {
        Err(not_yet())
    }

    /// The network `bridge` (or the one that the engine configured as default).
    pub fn default_network(&self) -> NetworkRecord {
        unreachable!("a manager cannot be opened yet")
    }

    /// All networks, `bridge`, `host` and `none` first.
    pub fn networks(&self) -> Vec<NetworkRecord> {
        Vec::new()
    }

    /// Makes a network. Empty `device`, `subnets` and 0 as `mtu` are filled in; the result is to be stored.
    ///
    /// # Errors
    /// A wrong record, a clash, the kernel's refusal.
    pub fn create_network(&self, _network: NetworkRecord) -> Result<NetworkRecord> {
        Err(not_yet())
    }

    /// Removes a network (by name or id) without endpoints.
    ///
    /// # Errors
    /// It is not there, is in use, or the kernel refuses.
    pub fn remove_network(&self, _network: &str) -> Result<()> {
        Err(not_yet())
    }

    /// Gives the sandbox a place in the network (by name or id). The result is to be stored.
    ///
    /// # Errors
    /// No such network, no address left, address taken, the kernel's refusal. Nothing is left behind.
    pub fn connect(
        &self,
        _sandbox: &Sandbox,
        _network: &str,
        _request: &EndpointRequest,
    ) -> Result<EndpointRecord> {
        Err(not_yet())
    }

    /// Forgets an endpoint whose sandbox is gone or about to go: addresses are free again, connections forgotten.
    /// The kernel removes the link together with the sandbox.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn disconnect(&self, _endpoint: &EndpointRecord) -> Result<()> {
        Err(not_yet())
    }

    /// `docker network disconnect`: takes the link away from a sandbox that lives on. Takes about 20 ms.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn disconnect_running(&self, _endpoint: &EndpointRecord) -> Result<()> {
        Err(not_yet())
    }

    /// Publishes ports, all or none.
    ///
    /// # Errors
    /// [`crate::NetworkError::PortAllocated`], [`crate::NetworkError::PortBind`], the kernel's refusal.
    pub fn publish(&self, _request: &PublishRequest) -> Result<Published> {
        Err(not_yet())
    }

    /// Takes published ports back. The shim's sockets are to be closed by whoever holds them.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn unpublish(&self, _published: &PublishedRecord) -> Result<()> {
        Err(not_yet())
    }

    /// Counters for `docker stats`.
    ///
    /// # Errors
    /// The link is gone.
    pub fn statistics(&self, _endpoint: &EndpointRecord) -> Result<Statistics> {
        Err(not_yet())
    }

    /// Sentences for the user about the host: what other firewalls drop, and which rule is missing there.
    pub fn warnings(&self) -> Vec<String> {
        Vec::new()
    }

    /// Compares the kernel with what the manager knows: removes devices of this instance without a record and
    /// lays the ruleset down again if somebody flushed it. Others' objects are never touched.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn reconcile(&self) -> Result<Reconciled> {
        Err(not_yet())
    }

    /// Removes every kernel object of this instance: for tests and for uninstalling.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn teardown(&self) -> Result<()> {
        Err(not_yet())
    }
}
