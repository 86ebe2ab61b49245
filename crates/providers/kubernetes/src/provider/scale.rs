//! How many replicas: fixed, by load, or none.

use super::{Kubernetes, number, text};
use crate::client::Kind;
use crate::{manifests, names};
use sampan_provider::{AutoscalePolicy, Failure, Result};
use serde_json::{Value, json};

impl Kubernetes {
    /// So many from now on.
    pub(super) async fn fix(&self, name: &str, replicas: u32) -> Result<()> {
        let deployment = self.ours(name).await?;
        let called = names::object(name);
        self.drop_ours(Kind::AUTOSCALER, &called, name).await?;
        let wanted = json!({ "spec": { "replicas": replicas } });
        self.client.change(Kind::DEPLOYMENT, &called, "scale", &wanted).await?;
        if replicas > 0 && !deployment["metadata"]["annotations"][names::STOPPED].is_null() {
            let unmark = json!({ "metadata": { "annotations": { names::STOPPED: null } } });
            self.client.change(Kind::DEPLOYMENT, &called, "", &unmark).await?;
        }
        Ok(())
    }

    /// As many as the load needs.
    pub(super) async fn follow_load(&self, name: &str, policy: &AutoscalePolicy) -> Result<()> {
        let scaler = manifests::autoscaler(name, policy, &self.settings)?;
        let deployment = self.ours(name).await?;
        let requests = deployment.pointer("/spec/template/spec/containers/0/resources/requests");
        for metric in scaler["spec"]["metrics"].as_array().into_iter().flatten() {
            let of = text(metric, "/resource/name");
            if requests.is_none_or(|requests| requests[&of].is_null()) {
                let option = if of == "cpu" { "--cpus" } else { "--memory" };
                return Err(Failure::invalid(
                    of.clone(),
                    format!(
                        "Kubernetes scales by percent of what a container may have, and {name} has no limit of {of}: \
                        run it with `{option}` and push it again"
                    ),
                ));
            }
        }
        if let Some(other) = self.client.get(Kind::AUTOSCALER, &names::object(name)).await?
            && !super::is_of(&other, name)
        {
            return Err(Failure::AlreadyExists(format!(
                "the autoscaler {} was not made by Sampan",
                names::object(name)
            )));
        }
        self.client.apply(Kind::AUTOSCALER, &scaler).await.map(drop)
    }

    /// None, and how many there were is remembered. An autoscaler leaves a deployment alone that has none.
    pub(super) async fn halt(&self, name: &str) -> Result<()> {
        let deployment = self.ours(name).await?;
        let now = number(&deployment, "/spec/replicas");
        if now == 0 {
            return Ok(());
        }
        let wanted = json!({
            "metadata": { "annotations": { names::STOPPED: now.to_string() } },
            "spec": { "replicas": 0 },
        });
        self.client.change(Kind::DEPLOYMENT, &names::object(name), "", &wanted).await.map(drop)
    }

    /// As many as before the stop.
    pub(super) async fn resume(&self, name: &str) -> Result<()> {
        let deployment = self.ours(name).await?;
        if number(&deployment, "/spec/replicas") > 0 {
            return Ok(());
        }
        let before = deployment["metadata"]["annotations"][names::STOPPED].as_str();
        let replicas: u32 = before.and_then(|text| text.parse().ok()).unwrap_or(1).max(1);
        let wanted = json!({
            "metadata": { "annotations": { names::STOPPED: Value::Null } },
            "spec": { "replicas": replicas },
        });
        self.client.change(Kind::DEPLOYMENT, &names::object(name), "", &wanted).await.map(drop)
    }
}
