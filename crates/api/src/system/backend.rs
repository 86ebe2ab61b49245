//! What these routes need of an engine.

use sampan_engine::{DiskUsage, SystemInfo};
use sampan_error::Result;
use sampan_registry::Credentials;
use std::future::Future;

/// The engine at a glance.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// What `info` says.
    fn info(&self) -> impl Future<Output = Result<SystemInfo>> + Send;
    /// Signs in at a registry; an identity token where it has one.
    fn login(&self, credentials: Credentials) -> impl Future<Output = Result<String>> + Send;
    /// What lies on the disk.
    fn disk_usage(&self) -> impl Future<Output = Result<DiskUsage>> + Send;
}
