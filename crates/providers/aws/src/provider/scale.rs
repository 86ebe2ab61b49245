//! How many replicas, stop and start, and what was there before.

use super::{Aws, names};
use crate::services::{tag_of, text};
use sampan_provider::{AutoscalePolicy, Failure, Result, Service};
use serde_json::{Value, json};

impl Aws {
    async fn desire(&self, service: &Value, replicas: u32) -> Result<()> {
        let body = json!({ "cluster": self.cluster(), "service": text(service, "serviceName"), "desiredCount": replicas });
        self.client.ecs("UpdateService", body).await.map(|_| ())
    }

    /// So many from now on.
    pub(super) async fn fix(&self, name: &str, replicas: u32) -> Result<()> {
        let service = self.ours(name).await?;
        self.client.unbound(self.cluster(), &names::service(name)).await?;
        self.desire(&service, replicas).await?;
        self.client.mark(&service, "sampan.stopped", "").await
    }

    /// As many as the load needs.
    pub(super) async fn follow_load(&self, name: &str, policy: &AutoscalePolicy) -> Result<()> {
        let service = self.ours(name).await?;
        if policy.least > policy.most || policy.most == 0 {
            return Err(Failure::invalid("most", "the most replicas are fewer than the least"));
        }
        let tracked = self.tracked(name, &service, policy).await?;
        let called = names::service(name);
        let held = tag_of(&service["tags"], "sampan.stopped").is_some();
        self.client.bound(self.cluster(), &called, policy.least, policy.most, held).await?;
        self.client.policies(self.cluster(), &called, &tracked).await?;
        let wanted = service["desiredCount"].as_u64().and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let within = wanted.clamp(policy.least, policy.most);
        if within != wanted && !held {
            self.desire(&service, within).await?;
        }
        Ok(())
    }

    async fn tracked(
        &self,
        name: &str,
        service: &Value,
        policy: &AutoscalePolicy,
    ) -> Result<Vec<(&'static str, Value)>> {
        let mut all = Vec::new();
        for (called, metric, target) in [
            ("sampan-cpu", "ECSServiceAverageCPUUtilization", policy.cpu),
            ("sampan-memory", "ECSServiceAverageMemoryUtilization", policy.memory),
        ] {
            if let Some(target) = target {
                all.push((
                    called,
                    json!({ "TargetValue": target, "ScaleOutCooldown": 60, "ScaleInCooldown": 300,
                    "PredefinedMetricSpecification": { "PredefinedMetricType": metric } }),
                ));
            }
        }
        if let Some(target) = policy.requests {
            let balancer = self.client.balancer(&names::balancer(name)).await?;
            let group = text(&service["loadBalancers"][0], "targetGroupArn");
            let balancer = balancer.filter(|_| !group.is_empty()).ok_or_else(|| {
                Failure::unsupported("scaling by requests", "publish a port, or scale by CPU or memory")
            })?;
            all.push(("sampan-requests", by_requests(&balancer.arn, &group, target)));
        }
        if all.is_empty() {
            return Err(Failure::invalid("cpu", "say by what to scale: CPU, memory or requests"));
        }
        Ok(all)
    }

    /// What was there before the newest.
    pub(super) async fn previous(&self, name: &str) -> Result<Service> {
        let service = self.ours(name).await?;
        let all = self.client.definitions(&names::family(name)).await?;
        let current = text(&service, "taskDefinition");
        let before = all.iter().skip_while(|arn| **arn != current).nth(1);
        let before =
            before.ok_or_else(|| Failure::NotFound(format!("nothing was there before {name} as it is")))?;
        let body = json!({ "cluster": self.cluster(), "service": text(&service, "serviceName"), "taskDefinition": before });
        self.client.ecs("UpdateService", body).await?;
        self.one(name).await
    }

    /// None, until it is started again.
    pub(super) async fn halt(&self, name: &str) -> Result<()> {
        let service = self.ours(name).await?;
        let wanted = service["desiredCount"].as_u64().unwrap_or(0);
        if tag_of(&service["tags"], "sampan.stopped").is_none() {
            self.client.mark(&service, "sampan.stopped", &wanted.max(1).to_string()).await?;
        }
        self.hold(name, true).await?;
        self.desire(&service, 0).await
    }

    /// As many as before.
    pub(super) async fn resume(&self, name: &str) -> Result<()> {
        let service = self.ours(name).await?;
        let Some(before) = tag_of(&service["tags"], "sampan.stopped") else { return Ok(()) };
        self.desire(&service, before.parse().unwrap_or(1)).await?;
        self.hold(name, false).await?;
        self.client.mark(&service, "sampan.stopped", "").await
    }

    /// Scaling by load waits, or goes on.
    async fn hold(&self, name: &str, held: bool) -> Result<()> {
        let called = names::service(name);
        for (_, least, most) in self.client.scaled(self.cluster(), &called).await? {
            self.client.bound(self.cluster(), &called, least, most, held).await?;
        }
        Ok(())
    }
}

/// New connections a minute for each healthy replica: a network load balancer does not see requests inside of one.
fn by_requests(balancer: &str, group: &str, target: f64) -> Value {
    let after =
        |arn: &str, mark: &str| arn.split_once(mark).map(|(_, rest)| rest.to_owned()).unwrap_or_default();
    let balancer = json!({ "Name": "LoadBalancer", "Value": after(balancer, ":loadbalancer/") });
    let group =
        json!({ "Name": "TargetGroup", "Value": format!("targetgroup/{}", after(group, ":targetgroup/")) });
    let metric = |id: &str, name: &str, stat: &str, dimensions: Value| {
        json!({ "Id": id, "ReturnData": false, "MetricStat": { "Stat": stat, "Metric": {
            "Namespace": "AWS/NetworkELB", "MetricName": name, "Dimensions": dimensions } } })
    };
    json!({ "TargetValue": target, "ScaleOutCooldown": 60, "ScaleInCooldown": 300, "CustomizedMetricSpecification": {
        "Metrics": [
            metric("flows", "NewFlowCount", "Sum", json!([balancer])),
            metric("healthy", "HealthyHostCount", "Average", json!([balancer, group])),
            { "Id": "each", "Expression": "flows / healthy", "ReturnData": true },
        ] } })
}
