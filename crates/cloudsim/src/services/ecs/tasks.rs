//! Tasks.

use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::scheduler::{give_up, lone_task};
use crate::wire::members::{needed, number, short, tags, text_or, texts};
use crate::wire::{Answered, Call, Failure};

/// Answers a call.
pub(super) fn answer(cloud: &Cloud, call: &Call) -> Answered {
    let input = &call.input;
    let cluster = super::cluster(cloud, call)?;
    match call.operation.as_str() {
        "ListTasks" => cloud.store.look(&call.region, |region| {
            let service = input["serviceName"].as_str().map(short);
            let wants = text_or(input, "desiredStatus", "RUNNING") == "RUNNING";
            let found = region.tasks.values().filter(|task| {
                task.cluster == cluster
                    && task.is_wanted == wants
                    && service.is_none_or(|name| task.group == format!("service:{name}"))
                    && input["family"]
                        .as_str()
                        .is_none_or(|family| short(&task.definition).split(':').next() == Some(family))
                    && input["startedBy"].as_str().is_none_or(|by| task.started_by == by)
            });
            Ok(json!({ "taskArns": found.map(|task| &task.arn).collect::<Vec<_>>() }))
        }),
        "DescribeTasks" => cloud.store.look(&call.region, |region| {
            let (mut found, mut missing) = (Vec::new(), Vec::new());
            for asked in texts(input, "tasks") {
                match region.tasks.values().find(|task| task.id == short(asked)) {
                    Some(task) => found.push(super::describe::task(region, task)),
                    None => missing.push(json!({ "arn": asked, "reason": "MISSING" })),
                }
            }
            Ok(json!({ "tasks": found, "failures": missing }))
        }),
        "RunTask" => cloud.store.change(&call.region, |region| {
            let definition = super::definitions::resolve(region, needed(input, "taskDefinition")?)?;
            let family = short(&definition).split(':').next().unwrap_or_default().to_owned();
            let group = input["group"].as_str().map_or_else(|| format!("family:{family}"), str::to_owned);
            let mut made: Vec<Value> = Vec::new();
            for _ in 0..number(&input["count"]).unwrap_or(1).clamp(1, 10) {
                let mut task =
                    lone_task(cloud, region, &cluster, &definition, &group, text_or(input, "startedBy", ""));
                task.overrides = input["overrides"].clone();
                region.tag(&task.arn, tags(&input["tags"]));
                made.push(super::describe::task(region, &task));
                region.tasks.insert(task.arn.clone(), task);
            }
            Ok(json!({ "tasks": made, "failures": [] }))
        }),
        "StopTask" => cloud.store.change(&call.region, |region| {
            let id = short(needed(input, "task")?);
            let Some(arn) = region.tasks.values().find(|task| task.id == id).map(|task| task.arn.clone())
            else {
                return Err(Failure::new("InvalidParameterException", "The referenced task was not found."));
            };
            if let Some(task) = region.tasks.get_mut(&arn) {
                give_up(task, "UserInitiated", text_or(input, "reason", "Task stopped by user"));
            }
            Ok(json!({ "task": region.tasks.get(&arn).map(|task| super::describe::task(region, task)) }))
        }),
        _ => Err(Failure::unknown(call)),
    }
}
