//! Endpoints: a sandbox gets its place in a network, and gives it up.

use super::Manager;
use crate::error::{ErrorList, Result};
use crate::mac::MacAddress;
use crate::record::{EndpointRecord, EndpointRequest, NetworkRecord};
use crate::sandbox::{Sandbox, lock};

impl Manager {
    /// Gives the sandbox a place in the network (by name or id). The result is to be stored.
    ///
    /// # Errors
    /// No such network, no address left, address taken, the kernel's refusal. Nothing is left behind.
    pub fn connect(
        &self,
        sandbox: &Sandbox,
        network: &str,
        request: &EndpointRequest,
    ) -> Result<EndpointRecord> {
        let _gate = self.coming_or_going();
        let (network, endpoint) = self.reserve_addresses(network, request)?;
        let driver = self.driver(network.driver)?;
        match driver.connect(sandbox, &network, endpoint.clone(), request) {
            Ok(endpoint) => {
                lock(&self.state).endpoints.insert(endpoint.id.clone(), endpoint.clone());
                Ok(endpoint)
            }
            Err(error) => {
                self.release_addresses(&endpoint);
                Err(error)
            }
        }
    }

    /// Forgets an endpoint whose sandbox is gone or about to go: its addresses are free again, and ports that are
    /// still published are taken back. The kernel removes the link together with the sandbox.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn disconnect(&self, endpoint: &EndpointRecord) -> Result<()> {
        self.leave(endpoint, false)
    }

    /// `docker network disconnect`: takes the link away from a sandbox that lives on. Takes about 20 ms.
    ///
    /// # Errors
    /// All failures, after everything was tried.
    pub fn disconnect_running(&self, endpoint: &EndpointRecord) -> Result<()> {
        self.leave(endpoint, true)
    }

    fn leave(&self, endpoint: &EndpointRecord, running: bool) -> Result<()> {
        let mut errors = ErrorList::default();
        let published = lock(&self.state).published.get(&endpoint.id).cloned();
        if let Some(published) = published {
            errors.collect(self.unpublish(&published));
        }
        let _gate = self.coming_or_going();
        if let Some(network) = errors.collect(self.network(&endpoint.network_id)) {
            let left =
                self.driver(network.driver).and_then(|driver| driver.disconnect(&network, endpoint, running));
            errors.collect(left);
        }
        // Whoever disconnects twice must not free an address that somebody else has by now.
        if lock(&self.state).endpoints.remove(&endpoint.id).is_some() {
            self.release_addresses(endpoint);
        }
        errors.finish()
    }

    fn reserve_addresses(
        &self,
        name: &str,
        request: &EndpointRequest,
    ) -> Result<(NetworkRecord, EndpointRecord)> {
        let mut state = lock(&self.state);
        let network = state.network(name)?;
        let record = network.record.clone();
        let mut addresses = Vec::new();
        addresses.extend(network.book.allocate(false, request.ipv4.map(Into::into))?);
        match network.book.allocate(true, request.ipv6.map(Into::into)) {
            Ok(address) => addresses.extend(address),
            Err(error) => {
                network.book.release(&addresses);
                return Err(error);
            }
        }
        let mut endpoint = EndpointRecord {
            id: request.endpoint_id.clone(),
            network_id: record.id.clone(),
            container_id: request.container_id.clone(),
            host_device: String::new(),
            interface: String::new(),
            addresses,
            gateways: Vec::new(),
            mac: request.mac,
        };
        endpoint.mac = endpoint
            .mac
            .or_else(|| endpoint.ipv4().map(MacAddress::from_ipv4))
            .or_else(|| endpoint.ipv6().map(MacAddress::from_ipv6));
        if !record.internal {
            endpoint.gateways = record.subnets.iter().map(|subnet| subnet.gateway).collect();
        }
        Ok((record, endpoint))
    }

    fn release_addresses(&self, endpoint: &EndpointRecord) {
        if let Ok(network) = lock(&self.state).network(&endpoint.network_id) {
            network.book.release(&endpoint.addresses);
        }
    }
}
