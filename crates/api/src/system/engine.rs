//! The real engine behind the interface of these routes.

use super::backend::Backend;
use sampan_engine::{DiskUsage, Engine, SystemInfo};
use sampan_error::Result;
use sampan_registry::Credentials;

impl Backend for Engine {
    async fn info(&self) -> Result<SystemInfo> {
        Engine::info(self).await
    }

    async fn login(&self, credentials: Credentials) -> Result<String> {
        self.images().login(&credentials).await
    }

    async fn disk_usage(&self) -> Result<DiskUsage> {
        Engine::disk_usage(self).await
    }
}
