//! Network drivers: one folder each.

use std::fmt;

use crate::error::Result;
use crate::record::{DriverName, EndpointRecord, EndpointRequest, NetworkRecord};
use crate::sandbox::Sandbox;

pub(crate) mod bridge;
pub(crate) mod host;
pub(crate) mod none;

#[cfg(test)]
mod suite;

/// Makes the kernel objects of one sort of network.
///
/// A driver keeps no list of its own: which networks and endpoints there are, and which addresses they have, the
/// manager knows and hands in. Every method may be called from any thread and takes less than a millisecond,
/// except where it says so.
///
/// The life of an endpoint: the manager chooses its addresses, [`connect`](Self::connect) gives the sandbox an
/// interface with them, the container runs, its processes end, [`disconnect`](Self::disconnect) forgets it while
/// the kernel removes the namespace with the interface.
///
/// A failed `create_network` or `connect` leaves nothing behind. A removal goes on after a failure and returns
/// all failures; what is gone already is no failure.
pub trait NetworkDriver: fmt::Debug + Send + Sync {
    /// The name that users type.
    fn name(&self) -> DriverName;

    /// Whether this driver can serve such a network.
    ///
    /// # Errors
    /// Which part of the record it cannot serve, and why.
    fn validate(&self, network: &NetworkRecord) -> Result<()>;

    /// Makes the network.
    ///
    /// # Errors
    /// A device of that name is there and is not ours; the kernel's refusal.
    fn create_network(&self, network: &NetworkRecord) -> Result<()>;

    /// Makes sure, after a restart, that a network's devices are still there; its packet filter rules are laid
    /// down by the manager for all networks at once.
    ///
    /// # Errors
    /// As [`Self::create_network`].
    fn restore_network(&self, network: &NetworkRecord) -> Result<()>;

    /// Removes a network without endpoints.
    ///
    /// # Errors
    /// All failures.
    fn remove_network(&self, network: &NetworkRecord) -> Result<()>;

    /// Gives the sandbox an interface. `endpoint` comes with its addresses, gateways and MAC address; the driver
    /// fills in the names of the devices.
    ///
    /// # Errors
    /// The kernel's refusal.
    fn connect(
        &self,
        sandbox: &Sandbox,
        network: &NetworkRecord,
        endpoint: EndpointRecord,
        request: &EndpointRequest,
    ) -> Result<EndpointRecord>;

    /// Makes sure, after a restart or a repair, that a living endpoint is still attached.
    ///
    /// # Errors
    /// The kernel's refusal.
    fn restore_endpoint(&self, network: &NetworkRecord, endpoint: &EndpointRecord) -> Result<()>;

    /// Forgets an endpoint. With `running` the sandbox lives on and the interface must go now, which takes the
    /// kernel about 20 ms; else the sandbox is about to go and takes the interface along.
    ///
    /// # Errors
    /// All failures.
    fn disconnect(&self, network: &NetworkRecord, endpoint: &EndpointRecord, running: bool) -> Result<()>;
}
