//! As many replicas as the load needs.

use super::{gone, text};
use crate::client::{Api, Client};
use sampan_provider::Result;
use serde_json::{Value, json};

const SCALING: Api =
    Api::json("application-autoscaling", "application-autoscaling", "AnyScaleFrontendService");

/// What is scaled, as this service names it.
fn what(cluster: &str, service: &str) -> Value {
    json!({
        "ServiceNamespace": "ecs",
        "ResourceId": format!("service/{cluster}/{service}"),
        "ScalableDimension": "ecs:service:DesiredCount",
    })
}

impl Client {
    /// Least and most of each scaled service, by its name in ECS. All of them for an empty name.
    pub(crate) async fn scaled(&self, cluster: &str, service: &str) -> Result<Vec<(String, u32, u32)>> {
        let mut body = json!({ "ServiceNamespace": "ecs", "ScalableDimension": "ecs:service:DesiredCount" });
        if !service.is_empty() {
            body["ResourceIds"] = json!([format!("service/{cluster}/{service}")]);
        }
        let found =
            self.pages(SCALING, "DescribeScalableTargets", body, "ScalableTargets", "NextToken").await?;
        let prefix = format!("service/{cluster}/");
        let number =
            |target: &Value, name: &str| target[name].as_u64().and_then(|n| n.try_into().ok()).unwrap_or(0);
        Ok(found
            .iter()
            .filter_map(|target| {
                let name = text(target, "ResourceId").strip_prefix(&prefix)?.to_owned();
                Some((name, number(target, "MinCapacity"), number(target, "MaxCapacity")))
            })
            .collect())
    }

    /// Sets the bounds, and that they hold.
    pub(crate) async fn bound(
        &self,
        cluster: &str,
        service: &str,
        least: u32,
        most: u32,
        held: bool,
    ) -> Result<()> {
        let mut body = what(cluster, service);
        body["MinCapacity"] = least.into();
        body["MaxCapacity"] = most.into();
        body["SuspendedState"] = json!({
            "DynamicScalingInSuspended": held, "DynamicScalingOutSuspended": held, "ScheduledScalingSuspended": held,
        });
        self.json(SCALING, "RegisterScalableTarget", &body).await.map(|_| ())
    }

    /// Ends all scaling of a service.
    pub(crate) async fn unbound(&self, cluster: &str, service: &str) -> Result<()> {
        if self.scaled(cluster, service).await?.is_empty() {
            return Ok(());
        }
        gone(self.json(SCALING, "DeregisterScalableTarget", &what(cluster, service)).await)
    }

    /// Makes these the policies, each a name and its target tracking; others go.
    pub(crate) async fn policies(
        &self,
        cluster: &str,
        service: &str,
        wanted: &[(&str, Value)],
    ) -> Result<()> {
        let mut body = what(cluster, service);
        body["PolicyType"] = "TargetTrackingScaling".into();
        for (name, tracking) in wanted {
            body["PolicyName"] = (*name).into();
            body["TargetTrackingScalingPolicyConfiguration"] = tracking.clone();
            self.json(SCALING, "PutScalingPolicy", &body).await?;
        }
        let there = self
            .pages(SCALING, "DescribeScalingPolicies", what(cluster, service), "ScalingPolicies", "NextToken")
            .await?;
        for policy in there.iter().map(|policy| text(policy, "PolicyName")) {
            if !wanted.iter().any(|(name, _)| *name == policy) {
                let mut body = what(cluster, service);
                body["PolicyName"] = policy.into();
                gone(self.json(SCALING, "DeleteScalingPolicy", &body).await)?;
            }
        }
        Ok(())
    }
}
