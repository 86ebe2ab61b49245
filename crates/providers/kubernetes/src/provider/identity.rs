//! Who asks, and what is missing.

use super::{Kubernetes, text};
use crate::client::Kind;
use crate::registry;
use futures_util::future::try_join_all;
use sampan_provider::{Failure, Identity, Result};
use serde_json::json;

/// What has to be allowed: a verb and a kind.
const NEEDED: [(&str, Kind); 6] = [
    ("patch", Kind::DEPLOYMENT),
    ("patch", Kind::SERVICE),
    ("patch", Kind::SECRET),
    ("patch", Kind::CLAIM),
    ("patch", Kind::AUTOSCALER),
    ("list", Kind::POD),
];

impl Kubernetes {
    /// Who asks, by the server's own words where it says them.
    pub(super) async fn identity(&self) -> Result<Identity> {
        let place = self.client.place().await?;
        let version = self.client.read("/version").await?;
        let principal = self.principal().await?;
        let mut missing = Vec::new();
        match self.client.read(&format!("/api/v1/namespaces/{}", place.namespace)).await {
            Err(Failure::NotFound(_)) => missing.push(format!(
                "there is no namespace {0}: make it with `kubectl create namespace {0}`",
                place.namespace
            )),
            // Who may not look at namespaces may still work in one.
            Err(Failure::Denied(_)) => {}
            other => drop(other?),
        }
        let refused =
            try_join_all(NEEDED.map(|(verb, kind)| self.is_refused(verb, kind, &place.namespace))).await?;
        missing.extend(refused.into_iter().flatten());
        if self.settings.registry.is_none() {
            missing.push(registry::MISSING.to_owned());
        }
        let context = if place.context.is_empty() { &place.server } else { &place.context };
        Ok(Identity {
            account: format!("{context}/{}", place.namespace),
            principal,
            product: format!(
                "Kubernetes {} ({})",
                text(&version, "/gitVersion"),
                text(&version, "/platform")
            ),
            missing,
        })
    }

    /// The user's name as the server has it; servers before 1.28 do not say.
    async fn principal(&self) -> Result<String> {
        let question = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        match self.client.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", &question).await {
            Ok(said) => Ok(text(&said, "/status/userInfo/username")),
            Err(Failure::NotFound(_) | Failure::Denied(_)) => Ok(String::new()),
            Err(failure) => Err(failure),
        }
    }

    async fn is_refused(&self, verb: &str, kind: Kind, namespace: &str) -> Result<Option<String>> {
        let (group, resource) = kind.rule();
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes":
                { "namespace": namespace, "verb": verb, "group": group, "resource": resource } },
        });
        let said =
            self.client.ask("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &question).await?;
        let refused = said["status"]["allowed"] == false;
        Ok(refused.then(|| {
            format!("these credentials may not {verb} {resource} in namespace {namespace}: its administrator can allow it")
        }))
    }
}
