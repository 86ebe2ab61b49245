//! Clusters, task definitions, services and tasks.

use super::{gone, listed, tags, text, texts};
use crate::client::{Api, Client};
use sampan_provider::{Failure, Result};
use serde_json::{Value, json};

const ECS: Api = Api::json("ecs", "ecs", "AmazonEC2ContainerServiceV20141113");

impl Client {
    /// Any operation.
    pub(crate) async fn ecs(&self, operation: &str, body: Value) -> Result<Value> {
        self.json(ECS, operation, &body).await
    }

    /// Whether the cluster is there.
    pub(crate) async fn has_cluster(&self, name: &str) -> Result<bool> {
        let answer = self.ecs("DescribeClusters", json!({ "clusters": [name] })).await?;
        Ok(answer["clusters"][0]["status"] == "ACTIVE")
    }

    /// Makes the cluster unless it is there. Answers whether it was there.
    pub(crate) async fn ensure_cluster(&self, name: &str) -> Result<()> {
        if !self.has_cluster(name).await? {
            let tags = listed(&tags(""), "key", "value");
            self.ecs("CreateCluster", json!({ "clusterName": name, "tags": tags })).await?;
        }
        Ok(())
    }

    /// A service with its tags; `None` when there is none, or it is gone.
    pub(crate) async fn service(&self, cluster: &str, name: &str) -> Result<Option<Value>> {
        let found = self.described(cluster, &[name.to_owned()]).await?;
        Ok(found.into_iter().find(|service| service["status"] != "INACTIVE"))
    }

    /// All services of a cluster, with their tags.
    pub(crate) async fn services(&self, cluster: &str) -> Result<Vec<Value>> {
        let listed =
            self.pages(ECS, "ListServices", json!({ "cluster": cluster }), "serviceArns", "nextToken").await;
        let arns = match listed {
            Err(Failure::NotFound(_)) => return Ok(Vec::new()),
            other => texts(&Value::Array(other?)),
        };
        let mut all = Vec::new();
        for some in arns.chunks(10) {
            all.extend(self.described(cluster, some).await?);
        }
        Ok(all)
    }

    async fn described(&self, cluster: &str, names: &[String]) -> Result<Vec<Value>> {
        let body = json!({ "cluster": cluster, "services": names, "include": ["TAGS"] });
        let answer = self.ecs("DescribeServices", body).await;
        match answer {
            Ok(mut answer) => Ok(answer["services"].as_array_mut().map(std::mem::take).unwrap_or_default()),
            Err(Failure::NotFound(_)) => Ok(Vec::new()),
            Err(failure) => Err(failure),
        }
    }

    /// A task definition, with its tags beside it in `tags`.
    pub(crate) async fn definition(&self, arn: &str) -> Result<Value> {
        let body = json!({ "taskDefinition": arn, "include": ["TAGS"] });
        let mut answer = self.ecs("DescribeTaskDefinition", body).await?;
        let mut definition = answer["taskDefinition"].take();
        definition["tags"] = answer["tags"].take();
        Ok(definition)
    }

    /// The ARNs of a family, newest first.
    pub(crate) async fn definitions(&self, family: &str) -> Result<Vec<String>> {
        let body = json!({ "familyPrefix": family, "status": "ACTIVE", "sort": "DESC" });
        let found = self.pages(ECS, "ListTaskDefinitions", body, "taskDefinitionArns", "nextToken").await?;
        let mine = |arn: &String| {
            let name = arn.rsplit('/').next().and_then(|last| last.split(':').next());
            name == Some(family)
        };
        let mut arns: Vec<String> = texts(&Value::Array(found)).into_iter().filter(mine).collect();
        arns.sort_by_key(|arn| std::cmp::Reverse(revision(arn)));
        Ok(arns)
    }

    /// The families that begin so and have something in them.
    pub(crate) async fn families(&self, prefix: &str) -> Result<Vec<String>> {
        let body = json!({ "familyPrefix": prefix, "status": "ACTIVE" });
        let found = self.pages(ECS, "ListTaskDefinitionFamilies", body, "families", "nextToken").await?;
        Ok(texts(&Value::Array(found)))
    }

    /// The tasks of a service.
    pub(crate) async fn tasks(&self, cluster: &str, service: &str) -> Result<Vec<Value>> {
        let body = json!({ "cluster": cluster, "serviceName": service });
        let arns = self.pages(ECS, "ListTasks", body, "taskArns", "nextToken").await?;
        let mut all = Vec::new();
        for some in texts(&Value::Array(arns)).chunks(100) {
            let mut answer = self.ecs("DescribeTasks", json!({ "cluster": cluster, "tasks": some })).await?;
            all.extend(answer["tasks"].as_array_mut().map(std::mem::take).unwrap_or_default());
        }
        Ok(all)
    }

    /// Marks a service; an empty value takes the mark away.
    pub(crate) async fn mark(&self, service: &Value, name: &str, value: &str) -> Result<()> {
        let arn = text(service, "serviceArn");
        if value.is_empty() {
            return gone(self.ecs("UntagResource", json!({ "resourceArn": arn, "tagKeys": [name] })).await);
        }
        let body = json!({ "resourceArn": arn, "tags": [{ "key": name, "value": value }] });
        self.ecs("TagResource", body).await.map(|_| ())
    }
}

/// The number that ECS gave to a task definition; it is never given again.
pub(crate) fn revision(arn: &str) -> u64 {
    arn.rsplit(':').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}
