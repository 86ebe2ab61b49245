//! What a service uses, where something measures it.

use super::{Kubernetes, nanoseconds, text};
use crate::client::Kind;
use crate::{names, quantity};
use sampan_provider::{Failure, Result, Usage};
use serde_json::Value;

impl Kubernetes {
    /// One line for each pod.
    pub(super) async fn figures(&self, name: &str) -> Result<Vec<Usage>> {
        let deployment = self.ours(name).await?;
        let limit = text(&deployment, "/spec/template/spec/containers/0/resources/limits/memory");
        let limit = quantity::parse(&limit).map(whole);
        let (pods, _) = match self.client.list(Kind::POD_METRICS, &names::selector(name)).await {
            Err(Failure::NotFound(_)) => {
                return Err(Failure::unsupported(
                    "measuring use",
                    "nothing in this cluster measures: install metrics-server, which serves `metrics.k8s.io`",
                ));
            }
            other => other?,
        };
        Ok(pods.iter().map(|pod| usage(pod, limit)).collect())
    }
}

fn usage(pod: &Value, memory_limit: Option<u64>) -> Usage {
    let containers = || pod["containers"].as_array().into_iter().flatten();
    let sum = |name: &str| {
        let read = |one: &Value| quantity::parse(one["usage"][name].as_str()?);
        containers().filter_map(read).reduce(|one, other| one + other)
    };
    Usage {
        name: text(pod, "/metadata/name"),
        cpu_percent: sum("cpu").map(|cpus| cpus * 100.0),
        memory: sum("memory").map(whole),
        memory_limit,
        at: nanoseconds(pod, "/timestamp"),
        ..Usage::default()
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "bytes, of which there are none below 0"
)]
fn whole(bytes: f64) -> u64 {
    bytes.max(0.0) as u64
}
