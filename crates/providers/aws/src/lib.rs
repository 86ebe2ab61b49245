//! AWS as a place for containers: ECS on Fargate, with the repository, logs, load balancer and volumes that belong to it.
//!
//! `client` speaks to AWS, `services` knows the calls of each of its services that are used, `provider` makes of them
//! what [`sampan_provider::Provider`] asks. Nothing is remembered here: what exists, and for which container, is in tags.

mod client;
mod provider;
mod services;

use sampan_provider::{Provider, Result, Target};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The provider of a target in AWS. `environment` is the asker's: credentials in it come first.
///
/// # Errors
/// The target has no region, or an endpoint that is no URL.
pub fn connect(target: &Target, environment: &BTreeMap<String, String>) -> Result<Arc<dyn Provider>> {
    Ok(Arc::new(provider::Aws::new(target, environment)?))
}
