//! Services and tasks as ECS describes them.

use serde_json::{Value, json};

use crate::clock::seconds;
use crate::state::{Region, Service, Task};
use crate::wire::members::tag_list;
use crate::wire::without_nulls;

/// A service.
pub(super) fn service(region: &Region, service: &Service) -> Value {
    let of = |deployment: Option<&str>, status: &[&str]| {
        let tasks = region.tasks.values().filter(|task| task.service.as_deref() == Some(&service.arn));
        tasks
            .filter(|task| {
                deployment.is_none_or(|id| task.started_by == id) && status.contains(&task.status.as_str())
            })
            .filter(|task| task.is_wanted || task.status != "RUNNING")
            .count()
    };
    let (running, pending) = (["RUNNING"], ["PROVISIONING", "PENDING"]);
    let deployments: Vec<Value> = service
        .deployments
        .iter()
        .map(|one| {
            json!({ "id": one.id, "status": if one.is_primary { "PRIMARY" } else { "ACTIVE" },
                "taskDefinition": one.definition, "desiredCount": if one.is_primary { service.desired } else { 0 },
                "runningCount": of(Some(&one.id), &running), "pendingCount": of(Some(&one.id), &pending),
                "failedTasks": one.failed_tasks, "createdAt": seconds(one.created), "updatedAt": seconds(one.updated),
                "launchType": "FARGATE", "rolloutState": one.rollout, "rolloutStateReason": one.reason })
        })
        .collect();
    let event = |(number, (at, message)): (usize, &(i64, String))| json!({ "id": format!("{at}-{number}"), "createdAt": seconds(*at), "message": message });
    let definition = service.deployments.iter().find(|one| one.is_primary).map(|one| one.definition.clone());
    without_nulls(
        json!({ "serviceArn": service.arn, "serviceName": service.name, "clusterArn": service.cluster,
        "status": service.status, "desiredCount": service.desired, "runningCount": of(None, &running),
        "pendingCount": of(None, &pending), "launchType": "FARGATE", "taskDefinition": definition,
        "deployments": deployments, "createdAt": seconds(service.created), "schedulingStrategy": "REPLICA",
        "events": service.events.iter().enumerate().map(event).collect::<Vec<_>>(),
        "loadBalancers": service.given["loadBalancers"].as_array().cloned().unwrap_or_default(),
        "networkConfiguration": service.given["networkConfiguration"],
        "deploymentConfiguration": service.given["deploymentConfiguration"],
        "healthCheckGracePeriodSeconds": service.given["healthCheckGracePeriodSeconds"],
        "tags": tag_list(region.tags.get(&service.arn), "key", "value") }),
    )
}

/// A task.
pub(super) fn task(region: &Region, task: &Task) -> Value {
    let containers: Vec<Value> = task
        .containers
        .iter()
        .map(|one| {
            let addresses: Vec<Value> =
                task.address.iter().map(|ip| json!({ "privateIpv4Address": ip })).collect();
            without_nulls(
                json!({ "name": one.name, "image": one.image, "runtimeId": one.id, "taskArn": task.arn,
                "containerArn": format!("{}/{}", task.arn, one.name), "healthStatus": one.health,
                "lastStatus": if one.is_running { "RUNNING" } else { task.status.as_str() },
                "exitCode": one.exit_code, "reason": one.reason, "networkInterfaces": addresses }),
            )
        })
        .collect();
    let health = if task.containers.iter().any(|one| one.health == "UNHEALTHY") {
        "UNHEALTHY"
    } else if task.containers.iter().any(|one| one.health == "HEALTHY") {
        "HEALTHY"
    } else {
        "UNKNOWN"
    };
    let details: Vec<Value> =
        task.address.iter().map(|ip| json!({ "name": "privateIPv4Address", "value": ip })).collect();
    let code = Some(&task.stop_code).filter(|code| !code.is_empty());
    let reason = Some(&task.stop_reason).filter(|reason| !reason.is_empty());
    without_nulls(
        json!({ "taskArn": task.arn, "clusterArn": task.cluster, "taskDefinitionArn": task.definition,
        "group": task.group, "startedBy": task.started_by, "lastStatus": task.status, "healthStatus": health,
        "desiredStatus": if task.is_wanted { "RUNNING" } else { "STOPPED" }, "launchType": "FARGATE",
        "containers": containers, "createdAt": seconds(task.created), "startedAt": task.started.map(seconds),
        "stoppingAt": task.stopping.map(seconds), "stoppedAt": task.stopped.map(seconds), "stopCode": code,
        "stoppedReason": reason, "connectivity": "CONNECTED", "overrides": task.overrides,
        "attachments": [{ "id": task.id, "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": details }],
        "tags": tag_list(region.tags.get(&task.arn), "key", "value") }),
    )
}
