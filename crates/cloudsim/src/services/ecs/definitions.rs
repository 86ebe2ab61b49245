//! Task definitions.

use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::state::Region;
use crate::wire::members::{list, needed, number, short, tag_list, tags, text_or};
use crate::wire::{Answered, Call, Failure};

fn client(message: impl Into<String>) -> Failure {
    Failure::new("ClientException", message)
}

/// Answers a call.
pub(super) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    match call.operation.as_str() {
        "RegisterTaskDefinition" => register(cloud, call),
        "DescribeTaskDefinition" => cloud.store.look(&call.region, |region| {
            let arn = resolve(region, needed(input, "taskDefinition")?)?;
            Ok(json!({ "taskDefinition": region.thing("task-definition", &arn),
                "tags": tag_list(region.tags.get(&arn), "key", "value") }))
        }),
        "ListTaskDefinitions" => cloud.store.look(&call.region, |region| {
            let (family, status) = (input["familyPrefix"].as_str(), text_or(input, "status", "ACTIVE"));
            let is_asked = |one: &&Value| family.is_none_or(|family| one["family"] == family) && one["status"] == status;
            let mut all: Vec<&Value> = region.all("task-definition").filter(is_asked).collect();
            all.sort_by_key(|one| (text_or(one, "family", ""), number(&one["revision"])));
            if input["sort"] == "DESC" {
                all.reverse();
            }
            Ok(json!({ "taskDefinitionArns": all.iter().map(|one| &one["taskDefinitionArn"]).collect::<Vec<_>>() }))
        }),
        "ListTaskDefinitionFamilies" => cloud.store.look(&call.region, |region| {
            let (prefix, status) = (text_or(input, "familyPrefix", ""), text_or(input, "status", "ALL"));
            let all = region.all("task-definition").filter(|one| status == "ALL" || one["status"] == status);
            let families: std::collections::BTreeSet<&str> = all.filter_map(|one| one["family"].as_str()).collect();
            let asked = families.into_iter().filter(|family| family.starts_with(prefix));
            Ok(json!({ "families": asked.collect::<Vec<_>>() }))
        }),
        "DeregisterTaskDefinition" => cloud.store.change(&call.region, |region| {
            let arn = resolve(region, needed(input, "taskDefinition")?)?;
            let mut definition = region.thing("task-definition", &arn).cloned().unwrap_or_default();
            definition["status"] = "INACTIVE".into();
            region.keep("task-definition", &arn, definition.clone());
            Ok(json!({ "taskDefinition": definition }))
        }),
        _ => Err(Failure::unknown(call)),
    }
}

/// The ARN of a definition named by ARN, `family:revision` or family.
pub(super) fn resolve(region: &Region, name: &str) -> Result<String, Failure> {
    let named = short(name);
    let revision = region.revisions.get(named).map(|last| format!("{named}:{last}"));
    let wanted = revision.as_deref().unwrap_or(named);
    let found = region.all("task-definition").filter_map(|one| one["taskDefinitionArn"].as_str());
    let mut found = found.filter(|arn| short(arn) == wanted);
    found.next().map(str::to_owned).ok_or_else(|| client("Unable to describe task definition."))
}

fn register(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    let family = needed(input, "family").map_err(|_| client("Family should not be null or empty."))?;
    let parts = list(input, "containerDefinitions");
    if parts.is_empty() {
        return Err(client("Container list cannot be empty."));
    }
    let is_fargate = list(input, "requiresCompatibilities").iter().any(|one| one == "FARGATE");
    if is_fargate {
        check(cloud, input, parts)?;
    }
    cloud.store.change(&call.region, |region| {
        let last = region.revisions.entry(family.into()).or_default();
        *last += 1;
        let revision = *last;
        let arn = cloud.arn("ecs", &call.region, &format!("task-definition/{family}:{revision}"));
        let mut definition = input.clone();
        for part in definition["containerDefinitions"].as_array_mut().into_iter().flatten() {
            for name in ["environment", "mountPoints", "portMappings", "volumesFrom"] {
                if part[name].is_null() {
                    part[name] = json!([]);
                }
            }
            if part["essential"].is_null() {
                part["essential"] = true.into();
            }
        }
        if let Some(members) = definition.as_object_mut() {
            members.remove("tags");
            members.entry("volumes").or_insert_with(|| json!([]));
        }
        definition["taskDefinitionArn"] = arn.as_str().into();
        definition["revision"] = revision.into();
        definition["status"] = "ACTIVE".into();
        definition["compatibilities"] = json!(["EC2", "FARGATE"]);
        definition["registeredAt"] = clock::seconds(clock::now()).into();
        region.keep("task-definition", &arn, definition.clone());
        region.tag(&arn, tags(&input["tags"]));
        Ok(json!({ "taskDefinition": definition, "tags": tag_list(region.tags.get(&arn), "key", "value") }))
    })
}

/// What Fargate demands: its grid of sizes, its network mode, and a role where it must pull or log.
fn check(cloud: &Cloud, input: &Value, parts: &[Value]) -> Result<(), Failure> {
    let (cpu, memory) = (number(&input["cpu"]).unwrap_or(0), number(&input["memory"]).unwrap_or(0));
    let fits = match cpu {
        256 => [512, 1024, 2048].contains(&memory),
        512 => (1024..=4096).contains(&memory) && memory % 1024 == 0,
        1024 => (2048..=8192).contains(&memory) && memory % 1024 == 0,
        2048 => (4096..=16384).contains(&memory) && memory % 1024 == 0,
        4096 => (8192..=30720).contains(&memory) && memory % 1024 == 0,
        8192 => (16384..=61440).contains(&memory) && memory % 4096 == 0,
        16384 => (32768..=122_880).contains(&memory) && memory % 8192 == 0,
        _ => false,
    };
    if !fits {
        return Err(client(format!(
            "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory."
        )));
    }
    if input["networkMode"] != "awsvpc" {
        return Err(client("Fargate only supports network mode 'awsvpc'."));
    }
    let needs_role = |part: &Value| {
        text_or(part, "image", "").starts_with(&cloud.registry.host)
            || part["logConfiguration"]["logDriver"] == "awslogs"
    };
    if input["executionRoleArn"].is_null() && parts.iter().any(needs_role) {
        let said =
            "Fargate requires task definition to have execution role ARN to support ECR images or awslogs.";
        return Err(client(said));
    }
    Ok(())
}
