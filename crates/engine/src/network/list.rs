//! The networks of an engine, for those who look.

use crate::Engine;
use sampan_error::Result;
use sampan_network::NetworkRecord;

impl Engine {
    /// All networks, `bridge`, `host` and `none` first.
    ///
    /// # Errors
    /// None at present.
    pub async fn networks(&self) -> Result<Vec<NetworkRecord>> {
        Ok(self.inner.network.networks())
    }
}
