//! What a manager is told, and what it gives.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;

use ipnet::IpNet;

use crate::near::Reach;
use crate::record::{BindingRequest, EndpointRecord, Protocol, PublishedBinding, PublishedRecord};

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
    /// For whom such ports are there.
    pub reach: Reach,
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
            reach: Reach::World,
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
    /// Whether only near addresses may use it ([`crate::is_near`]).
    pub only_near: bool,
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
