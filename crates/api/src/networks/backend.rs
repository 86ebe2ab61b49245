//! What these routes need of an engine.

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
    /// Subnet and gateway.
    pub(crate) subnets: Vec<(String, String)>,
    pub(crate) ipv6: bool,
    pub(crate) internal: bool,
    /// Exactly the options that were given.
    pub(crate) options: BTreeMap<String, String>,
    pub(crate) labels: BTreeMap<String, String>,
}

/// The networks of an engine.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// All networks.
    fn networks(&self) -> impl Future<Output = Result<Vec<Network>>> + Send;
}
