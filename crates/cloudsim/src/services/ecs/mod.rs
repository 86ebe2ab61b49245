//! ECS: clusters, task definitions, services and tasks.

mod definitions;
mod describe;
mod services;
mod tasks;

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::wire::members::{needed, short, tag_list, tags, text_or, texts};
use crate::wire::{Answered, Call, Failure};

/// Answers a call.
pub(crate) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    match call.operation.as_str() {
        "CreateCluster" => {
            let name = text_or(input, "clusterName", "default");
            let arn = cloud.arn("ecs", &call.region, &format!("cluster/{name}"));
            cloud.store.change(&call.region, |region| {
                region.keep("cluster", name, json!({ "clusterArn": arn, "clusterName": name, "status": "ACTIVE",
                    "capacityProviders": ["FARGATE"], "defaultCapacityProviderStrategy": [] }));
                region.tag(&arn, tags(&input["tags"]));
                Ok(json!({ "cluster": region.thing("cluster", name) }))
            })
        }
        "DescribeClusters" => cloud.store.look(&call.region, |region| {
            let mut names = texts(input, "clusters");
            if names.is_empty() {
                names.push("default");
            }
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for name in names.into_iter().map(short) {
                match region.thing("cluster", name) {
                    Some(cluster) => {
                        let mut cluster = cluster.clone();
                        let arn = text_or(&cluster, "clusterArn", "").to_owned();
                        let active = region.services.values().filter(|one| one.cluster == arn && one.status == "ACTIVE");
                        let running = region.tasks.values().filter(|one| one.cluster == arn && one.status == "RUNNING");
                        cluster["activeServicesCount"] = active.count().into();
                        cluster["runningTasksCount"] = running.count().into();
                        cluster["tags"] = tag_list(region.tags.get(&arn), "key", "value");
                        found.push(cluster);
                    }
                    None => missing.push(json!({ "reason": "MISSING",
                        "arn": cloud.arn("ecs", &call.region, &format!("cluster/{name}")) })),
                }
            }
            Ok(json!({ "clusters": found, "failures": missing }))
        }),
        "ListClusters" => cloud.store.look(&call.region, |region| {
            Ok(json!({ "clusterArns": region.all("cluster").map(|one| &one["clusterArn"]).collect::<Vec<_>>() }))
        }),
        "DeleteCluster" => {
            let name = short(needed(input, "cluster")?);
            let arn = cluster(cloud, call)?;
            cloud.store.change(&call.region, |region| {
                if region.services.values().any(|one| one.cluster == arn && one.status == "ACTIVE") {
                    let said = "The Cluster cannot be deleted while Services are active.";
                    return Err(Failure::new("ClusterContainsServicesException", said));
                }
                region.tags.remove(&arn);
                Ok(json!({ "cluster": region.forget("cluster", name) }))
            })
        }
        "TagResource" => cloud.store.change(&call.region, |region| {
            region.tag(needed(input, "resourceArn")?, tags(&input["tags"]));
            Ok(Value::Null)
        }),
        "UntagResource" => cloud.store.change(&call.region, |region| {
            if let Some(tags) = region.tags.get_mut(needed(input, "resourceArn")?) {
                texts(input, "tagKeys").into_iter().for_each(|key| drop(tags.remove(key)));
            }
            Ok(Value::Null)
        }),
        "ListTagsForResource" => cloud.store.look(&call.region, |region| {
            Ok(json!({ "tags": tag_list(region.tags.get(needed(input, "resourceArn")?), "key", "value") }))
        }),
        operation if operation.contains("TaskDefinition") => definitions::answer(cloud, call),
        operation if operation.contains("Service") => services::answer(cloud, call),
        operation if operation.contains("Task") => tasks::answer(cloud, call),
        _ => Err(Failure::unknown(call)),
    }
}

/// The ARN of the cluster that a call means.
fn cluster(cloud: &Cloud, call: &Call) -> Result<String, Failure> {
    let name = short(text_or(&call.input, "cluster", "default"));
    let is_there = cloud.store.look(&call.region, |region| region.thing("cluster", name).is_some());
    if is_there {
        Ok(cloud.arn("ecs", &call.region, &format!("cluster/{name}")))
    } else {
        Err(Failure::new("ClusterNotFoundException", "Cluster not found."))
    }
}
