//! Services.

use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::state::{Deployment, Region, Service};
use crate::wire::members::{list, needed, number, short, tags, text_or, texts};
use crate::wire::{Answered, Call, Failure};

fn invalid(message: impl Into<String>) -> Failure {
    Failure::new("InvalidParameterException", message)
}

fn deployment(definition: String, is_stuck: bool) -> Deployment {
    let id = format!("ecs-svc/{}", clock::random(19));
    let now = clock::now();
    Deployment {
        reason: format!("ECS deployment {id} in progress."),
        id,
        definition,
        is_primary: true,
        rollout: "IN_PROGRESS".into(),
        created: now,
        updated: now,
        is_stuck,
        ..Deployment::default()
    }
}

/// Answers a call.
pub(super) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    let cluster = super::cluster(cloud, call)?;
    let arn_of =
        |name: &str| cloud.arn("ecs", &call.region, &format!("service/{}/{}", short(&cluster), short(name)));
    match call.operation.as_str() {
        "ListServices" => cloud.store.look(&call.region, |region| {
            let found = region.services.values().filter(|one| one.cluster == cluster && one.status != "INACTIVE");
            Ok(json!({ "serviceArns": found.map(|one| &one.arn).collect::<Vec<_>>() }))
        }),
        "DescribeServices" => cloud.store.look(&call.region, |region| {
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for name in texts(input, "services") {
                match region.services.get(&arn_of(name)) {
                    Some(service) => found.push(super::describe::service(region, service)),
                    None => missing.push(json!({ "arn": arn_of(name), "reason": "MISSING" })),
                }
            }
            Ok(json!({ "services": found, "failures": missing }))
        }),
        "CreateService" => cloud.store.change(&call.region, |region| {
            let arn = arn_of(needed(input, "serviceName")?);
            create(region, call, &cluster, &arn)?;
            region.tag(&arn, tags(&input["tags"]));
            Ok(json!({ "service": region.services.get(&arn).map(|one| super::describe::service(region, one)) }))
        }),
        "UpdateService" => cloud.store.change(&call.region, |region| {
            let arn = arn_of(needed(input, "service")?);
            update(region, call, &arn)?;
            Ok(json!({ "service": region.services.get(&arn).map(|one| super::describe::service(region, one)) }))
        }),
        "DeleteService" => cloud.store.change(&call.region, |region| {
            let arn = arn_of(needed(input, "service")?);
            let service = region.services.get_mut(&arn).filter(|one| one.status == "ACTIVE").ok_or_else(missing)?;
            if service.desired > 0 && input["force"] != true {
                return Err(invalid("The service cannot be stopped while it is scaled above 0."));
            }
            service.status = "DRAINING".into();
            service.desired = 0;
            Ok(json!({ "service": region.services.get(&arn).map(|one| super::describe::service(region, one)) }))
        }),
        _ => Err(Failure::unknown(call)),
    }
}

fn missing() -> Failure {
    Failure::new("ServiceNotFoundException", "Service not found.")
}

fn create(region: &mut Region, call: &Call, cluster: &str, arn: &str) -> Result<(), Failure> {
    let input = &call.input;
    if let Some(there) = region.services.get(arn).filter(|one| one.status != "INACTIVE") {
        let token = input["clientToken"].as_str();
        if token.is_some() && there.given["clientToken"].as_str() == token {
            return Ok(());
        }
        return Err(invalid("Creation of service was not idempotent."));
    }
    let definition = super::definitions::resolve(region, needed(input, "taskDefinition")?)?;
    if region.thing("task-definition", &definition).is_some_and(|one| one["status"] != "ACTIVE") {
        return Err(Failure::new("ClientException", "TaskDefinition is inactive"));
    }
    if list(&input["networkConfiguration"]["awsvpcConfiguration"], "subnets").is_empty() {
        return Err(invalid(
            "Network Configuration must be provided when networkMode 'awsvpc' is specified.",
        ));
    }
    for balancer in list(input, "loadBalancers") {
        let group = text_or(balancer, "targetGroupArn", "");
        if region.thing("target-group", group).is_none() {
            return Err(invalid(format!(
                "Unable to assume role and validate the specified targetGroupArn: {group}"
            )));
        }
        if !region.all("listener").any(|one| crate::balancer::target_group(one) == Some(group)) {
            let said = format!(
                "The target group with targetGroupArn {group} does not have an associated load balancer."
            );
            return Err(invalid(said));
        }
    }
    let desired = usize::try_from(number(&input["desiredCount"]).unwrap_or(1))
        .map_err(|_| invalid("desiredCount is negative"))?;
    let mut given = input.clone();
    if given["deploymentConfiguration"].is_null() {
        given["deploymentConfiguration"] = json!({ "maximumPercent": 200, "minimumHealthyPercent": 100 });
    }
    let service = Service {
        arn: arn.into(),
        name: needed(input, "serviceName")?.into(),
        cluster: cluster.into(),
        status: "ACTIVE".into(),
        desired,
        given,
        deployments: vec![deployment(definition, call.is_stuck)],
        created: clock::now(),
        ..Service::default()
    };
    region.services.insert(arn.into(), service);
    Ok(())
}

fn update(region: &mut Region, call: &Call, arn: &str) -> Result<(), Failure> {
    let input = &call.input;
    let definition =
        input["taskDefinition"].as_str().map(|name| super::definitions::resolve(region, name)).transpose()?;
    let service = region.services.get_mut(arn).ok_or_else(missing)?;
    if service.status != "ACTIVE" {
        return Err(Failure::new("ServiceNotActiveException", "Service was not ACTIVE."));
    }
    if let Some(desired) = number(&input["desiredCount"]) {
        service.desired = usize::try_from(desired).map_err(|_| invalid("desiredCount is negative"))?;
    }
    for name in
        ["deploymentConfiguration", "healthCheckGracePeriodSeconds", "networkConfiguration", "loadBalancers"]
    {
        match (&input[name], &mut service.given[name]) {
            (Value::Null, _) => {}
            (Value::Object(fresh), Value::Object(kept)) => kept.extend(fresh.clone()),
            (fresh, kept) => *kept = fresh.clone(),
        }
    }
    let current = service.primary().map(|one| one.definition.clone()).unwrap_or_default();
    let definition = definition.unwrap_or_else(|| current.clone());
    if definition != current || input["forceNewDeployment"] == true {
        service.deployments.iter_mut().for_each(|one| one.is_primary = false);
        service.deployments.insert(0, deployment(definition, call.is_stuck));
        service.not_before = 0;
    }
    Ok(())
}
