//! CloudWatch Logs: groups, and the output of tasks as events.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::logs;
use crate::scheduler::start_log_place;
use crate::state::Task;
use crate::wire::members::{needed, number, tags, text_or, texts};
use crate::wire::{Answered, Call, Failure};

/// A new group.
pub(crate) fn group(cloud: &Cloud, region: &str, name: &str) -> Value {
    let arn = cloud.arn("logs", region, &format!("log-group:{name}"));
    json!({ "logGroupName": name, "arn": format!("{arn}:*"), "logGroupArn": arn, "creationTime": clock::now(),
        "metricFilterCount": 0, "storedBytes": 0 })
}

fn missing() -> Failure {
    Failure::new("ResourceNotFoundException", "The specified log group does not exist.")
}

/// A stream of a group: its name, its task, and the container while it is there.
struct Stream {
    name: String,
    created: i64,
    container: Option<String>,
}

fn streams(cloud: &Cloud, region: &str, group: &str) -> Vec<Stream> {
    cloud.store.look(region, |region| {
        let of = |task: &Task| {
            let definition = region.thing("task-definition", &task.definition).cloned().unwrap_or_default();
            let stream = |container: &crate::state::Container| {
                let (of, name) = start_log_place(&definition, &container.name, &task.id)?;
                let there = container.id.clone().filter(|_| task.status != "STOPPED");
                (of == group).then_some(Stream { name, created: task.created, container: there })
            };
            task.containers.iter().filter_map(stream).collect::<Vec<_>>()
        };
        region.tasks.values().flat_map(of).collect()
    })
}

/// Answers a call.
pub(crate) async fn answer(cloud: &Arc<Cloud>, call: &Call) -> Answered {
    let input = &call.input;
    let region = call.region.as_str();
    if call.operation == "DescribeLogGroups" {
        let prefix = text_or(input, "logGroupNamePrefix", "");
        return cloud.store.look(region, |region| {
            let is_asked = |one: &&Value| text_or(one, "logGroupName", "").starts_with(prefix);
            Ok(json!({ "logGroups": region.all("log-group").filter(is_asked).collect::<Vec<_>>() }))
        });
    }
    if matches!(call.operation.as_str(), "TagResource" | "ListTagsForResource") {
        let arn = needed(input, "resourceArn")?.trim_end_matches(":*").to_owned();
        return cloud.store.change(region, |region| {
            region.tag(&arn, tags(&input["tags"]));
            Ok(json!({ "tags": region.tags.get(&arn) }))
        });
    }
    let name = needed(input, "logGroupName").or_else(|_| needed(input, "logGroupIdentifier"))?;
    let is_there = cloud.store.look(region, |region| region.thing("log-group", name).is_some());
    let arn = cloud.arn("logs", region, &format!("log-group:{name}"));
    match call.operation.as_str() {
        "CreateLogGroup" if is_there => {
            Err(Failure::new("ResourceAlreadyExistsException", "The specified log group already exists"))
        }
        "CreateLogGroup" => cloud.store.change(region, |state| {
            state.keep("log-group", name, group(cloud, region, name));
            state.tag(&arn, tags(&input["tags"]));
            Ok(Value::Null)
        }),
        _ if !is_there => Err(missing()),
        "DeleteLogGroup" => {
            logs::forget(cloud, region, name);
            cloud.store.change(region, |region| {
                region.tags.remove(&arn);
                region.forget("log-group", name);
                Ok(Value::Null)
            })
        }
        "PutRetentionPolicy" => cloud.store.change(region, |region| {
            let mut group = region.thing("log-group", name).cloned().ok_or_else(missing)?;
            group["retentionInDays"] = input["retentionInDays"].clone();
            region.keep("log-group", name, group);
            Ok(Value::Null)
        }),
        "TagLogGroup" => cloud.store.change(region, |region| {
            region.tag(&arn, tags(&input["tags"]));
            Ok(Value::Null)
        }),
        "ListTagsLogGroup" => cloud.store.look(region, |region| Ok(json!({ "tags": region.tags.get(&arn) }))),
        "DescribeLogStreams" => {
            let prefix = text_or(input, "logStreamNamePrefix", "");
            let mut all = streams(cloud, region, name);
            all.retain(|stream| stream.name.starts_with(prefix));
            let one = |stream: Stream| {
                json!({ "logStreamName": stream.name, "creationTime": stream.created, "storedBytes": 0,
                    "arn": format!("{arn}:log-stream:{}", stream.name) })
            };
            Ok(json!({ "logStreams": all.into_iter().map(one).collect::<Vec<_>>() }))
        }
        "FilterLogEvents" | "GetLogEvents" => events(cloud, call, name).await,
        _ => Err(Failure::unknown(call)),
    }
}

async fn events(cloud: &Cloud, call: &Call, group: &str) -> Answered {
    let (input, region) = (&call.input, call.region.as_str());
    let is_get = call.operation == "GetLogEvents";
    let mut names = texts(input, "logStreamNames");
    names.extend(input["logStreamName"].as_str());
    let prefix = text_or(input, "logStreamNamePrefix", "");
    let (from, to) =
        (number(&input["startTime"]).unwrap_or(0), number(&input["endTime"]).unwrap_or(i64::MAX));
    let pattern = text_or(input, "filterPattern", "").trim_matches('"');
    let mut all = Vec::new();
    for stream in streams(cloud, region, group) {
        if !stream.name.starts_with(prefix) || !(names.is_empty() || names.contains(&stream.name.as_str())) {
            continue;
        }
        let live = match &stream.container {
            Some(id) => cloud.engine.output(id, from).await.unwrap_or_default(),
            None => Vec::new(),
        };
        let lines = if live.is_empty() { logs::kept(cloud, region, group, &stream.name) } else { live };
        for (number, (time, message)) in lines.into_iter().enumerate() {
            if time >= from && time <= to && message.contains(pattern) {
                let place = format!("{time:020}-{}-{number:08}", stream.name);
                all.push((
                    place,
                    json!({ "logStreamName": stream.name, "timestamp": time, "message": message,
                    "ingestionTime": time }),
                ));
            }
        }
    }
    all.sort_by(|one, other| one.0.cmp(&other.0));
    // A token is the place of the last event that was given.
    let token = text_or(input, "nextToken", "").to_owned();
    let last = hex::decode(&token).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let limit = usize::try_from(number(&input["limit"]).unwrap_or(10_000)).unwrap_or(10_000);
    let rest: Vec<_> = all.into_iter().filter(|(place, _)| *place > last).collect();
    let is_all = rest.len() <= limit;
    let page: Vec<_> = rest.into_iter().take(limit).collect();
    let next = page.last().map_or(token, |(place, _)| hex::encode(place));
    let events: Vec<Value> = page
        .into_iter()
        .map(|(place, mut event)| {
            event["eventId"] = hex::encode(place).into();
            event
        })
        .collect();
    Ok(if is_get {
        json!({ "events": events, "nextForwardToken": next, "nextBackwardToken": "" })
    } else {
        crate::wire::without_nulls(json!({ "events": events, "searchedLogStreams": [],
            "nextToken": (!is_all).then_some(next) }))
    })
}
