//! The driver `host`: the container lives in the host's own network namespace.

use crate::drivers::NetworkDriver;
use crate::error::{NetworkError, Result};
use crate::record::{DriverName, EndpointRecord, EndpointRequest, NetworkRecord};
use crate::sandbox::Sandbox;

/// There is nothing to make and nothing to remove.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Host;

impl NetworkDriver for Host {
    fn name(&self) -> DriverName {
        DriverName::Host
    }

    fn validate(&self, network: &NetworkRecord) -> Result<()> {
        super::none::without_subnets(network)
    }

    fn create_network(&self, network: &NetworkRecord) -> Result<()> {
        self.validate(network)
    }

    fn restore_network(&self, network: &NetworkRecord) -> Result<()> {
        self.validate(network)
    }

    fn remove_network(&self, _: &NetworkRecord) -> Result<()> {
        Ok(())
    }

    fn connect(
        &self,
        _: &Sandbox,
        _: &NetworkRecord,
        endpoint: EndpointRecord,
        request: &EndpointRequest,
    ) -> Result<EndpointRecord> {
        if request.mac.is_some() {
            let reason = "conflicting options: mac-address and the network mode".to_owned();
            return Err(NetworkError::Unsupported { reason });
        }
        Ok(endpoint)
    }

    fn restore_endpoint(&self, _: &NetworkRecord, _: &EndpointRecord) -> Result<()> {
        Ok(())
    }

    fn disconnect(&self, _: &NetworkRecord, _: &EndpointRecord, _: bool) -> Result<()> {
        Ok(())
    }
}
