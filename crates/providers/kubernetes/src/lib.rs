//! Kubernetes as a place for containers.
//!
//! `manifests` makes objects of a specification, `client` speaks to an API server, `provider` makes of both what
//! [`sampan_provider::Provider`] asks. Nothing is remembered here: what exists, and for which container, is in labels.

mod client;
mod losses;
mod manifests;
mod names;
mod provider;
mod quantity;
mod registry;
mod settings;
mod yaml;

use sampan_provider::{Provider, Result, Specification, Target};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The provider of a target in a cluster. Which one is said by the kubeconfig that `environment` names, then by this process's
/// own, then by the pod that it runs in; the options `context` and `namespace` choose in it.
///
/// # Errors
/// The endpoint is no URL, or an option cannot be right.
pub fn connect(target: &Target, environment: &BTreeMap<String, String>) -> Result<Arc<dyn Provider>> {
    Ok(Arc::new(provider::Kubernetes::new(target, environment)?))
}

/// The objects of a specification as a target without options has them: documents of YAML, for `kubectl apply -f`. They hold
/// the values of secret variables.
#[must_use]
pub fn manifests(specification: &Specification) -> String {
    yaml::documents(&manifests::all(specification, &settings::Settings::default(), None))
}
