//! What these routes need of an engine.

use sampan_engine::NetworkRequest;
use sampan_engine::containers::Filters;
use sampan_engine::spec::EndpointOptions;
use sampan_error::Result;
use std::collections::BTreeMap;
use std::future::Future;

/// A network as these routes show it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    pub(crate) id: String,
    pub(crate) name: String,
    /// `bridge`, `host` or `null`.
    pub(crate) driver: String,
    /// Nanoseconds since 1970.
    pub(crate) created: i64,
    pub(crate) attachable: bool,
    pub(crate) subnets: Vec<Subnet>,
    pub(crate) ipv6: bool,
    pub(crate) internal: bool,
    /// Exactly the options that were given.
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// One range of a network.
#[derive(Debug, Clone, Default)]
pub(crate) struct Subnet {
    pub(crate) subnet: String,
    pub(crate) range: String,
    pub(crate) gateway: String,
    pub(crate) reserved: BTreeMap<String, String>,
}

/// The networks of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// All networks.
    fn networks(&self) -> impl Future<Output = Result<Vec<Network>>> + Send;
    /// Makes one; its id.
    fn create_network(&self, request: NetworkRequest) -> impl Future<Output = Result<String>> + Send;
    /// Removes one.
    fn remove_network(&self, reference: &str) -> impl Future<Output = Result<()>> + Send;
    /// Brings a container into one.
    fn connect_container(
        &self,
        network: &str,
        container: &str,
        options: EndpointOptions,
    ) -> impl Future<Output = Result<()>> + Send;
    /// Takes a container out of one.
    fn disconnect_container(&self, network: &str, container: &str)
    -> impl Future<Output = Result<()>> + Send;
    /// Removes those that nobody uses; their names.
    fn prune_networks(&self, filters: &Filters) -> impl Future<Output = Result<Vec<String>>> + Send;
}
