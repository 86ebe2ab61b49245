//! Starting a task: its network, its images, its containers.

use std::sync::Arc;

use sampan_error::{Context, Error, Result};
use serde_json::{Map, Value, json};

use crate::clock;
use crate::cloud::Cloud;
use crate::scheduler::apply::give_up;
use crate::state::{Container, Region, Task};
use crate::wire::members::{list, number, text_or};

/// A task that is not started yet.
pub(crate) fn plan(
    cloud: &Cloud,
    region: &Region,
    cluster: &str,
    definition: &str,
    service: Option<String>,
    group: &str,
    started_by: &str,
) -> Task {
    let id = clock::random(32);
    let short = crate::wire::members::short(cluster);
    let containers = region
        .thing("task-definition", definition)
        .map(|definition| list(definition, "containerDefinitions"));
    let container = |part: &Value| Container {
        name: text_or(part, "name", "").into(),
        image: text_or(part, "image", "").into(),
        is_essential: part["essential"].as_bool().unwrap_or(true),
        is_checked: part["healthCheck"].is_object(),
        health: "UNKNOWN".into(),
        ..Container::default()
    };
    Task {
        arn: cloud.arn("ecs", &region.name, &format!("task/{short}/{id}")),
        id,
        cluster: cluster.into(),
        definition: definition.into(),
        service,
        group: group.into(),
        started_by: started_by.into(),
        is_wanted: true,
        status: "PROVISIONING".into(),
        containers: containers.unwrap_or_default().iter().map(container).collect(),
        created: clock::now(),
        ..Task::default()
    }
}

/// The definition of one container of a task definition.
pub(crate) fn part(definition: &Value, name: &str) -> Value {
    let parts = list(definition, "containerDefinitions");
    parts.iter().find(|part| part["name"] == name).cloned().unwrap_or_default()
}

/// The engine's name for a container.
pub(crate) fn container_name(region: &str, task: &Task, container: &str) -> String {
    let group = task.group.split(':').next_back().unwrap_or_default();
    let first = task.containers.first().is_some_and(|first| first.name == container);
    let more = if first { String::new() } else { format!("-{container}") };
    format!("cloudsim-{region}-{group}-{}{more}", task.id)
}

/// The log group and stream of a container, with the driver `awslogs`.
pub(crate) fn log_place(definition: &Value, task: &str) -> Option<(String, String)> {
    let options = &definition["logConfiguration"]["options"];
    let group = options["awslogs-group"].as_str()?;
    let (prefix, name) = (text_or(options, "awslogs-stream-prefix", "ecs"), definition["name"].as_str()?);
    Some((group.into(), format!("{prefix}/{name}/{task}")))
}

/// Starts a task in the background, unless somebody works on it already.
pub(crate) fn start(cloud: &Arc<Cloud>, region: &str, arn: &str) {
    if !cloud.occupy(arn) {
        return;
    }
    let (cloud, region, arn) = (Arc::clone(cloud), region.to_owned(), arn.to_owned());
    tokio::spawn(async move {
        let started = cloud.end.run_until_cancelled(work(&cloud, &region, &arn)).await;
        if let Some(Err(error)) = started {
            tracing::warn!(%error, task = %arn, "a task cannot be started");
            cloud.store.change(&region, |region| {
                if let Some(task) = region.tasks.get_mut(&arn) {
                    task.containers
                        .iter_mut()
                        .for_each(|container| container.reason = Some(error.to_string()));
                    give_up(task, "TaskFailedToStart", &error.to_string());
                }
            });
        }
        cloud.release(&arn);
    });
}

async fn work(cloud: &Cloud, region: &str, arn: &str) -> Result<()> {
    let found = cloud.store.look(region, |region| {
        let task = region.tasks.get(arn)?.clone();
        let definition = region.thing("task-definition", &task.definition)?.clone();
        let points: Map<String, Value> = region
            .things
            .get("access-point")
            .map(|all| all.clone().into_iter().collect())
            .unwrap_or_default();
        Some((task, definition, points))
    });
    let Some((task, definition, points)) = found else {
        return Err(Error::not_found("its task definition is gone"));
    };
    let labels = json!({ "sampan.cloudsim": "1", "sampan.cloudsim.id": cloud.keys.simulation,
        "sampan.cloudsim.region": region, "sampan.cloudsim.task": task.id, "sampan.cloudsim.group": task.group });
    let network = format!("cloudsim-{region}");
    cloud.engine.network(&network, &labels).await.context("ResourceInitializationError: no network")?;
    let mut ids: Vec<String> = Vec::new();
    for container in &task.containers {
        let part = part(&definition, &container.name);
        check_logs(cloud, region, &part)?;
        pull(cloud, &container.image).await?;
        let mut body = body(&task, &definition, &part, &labels, region, &points);
        body["HostConfig"]["NetworkMode"] = match ids.first() {
            None => network.clone().into(),
            Some(first) => format!("container:{first}").into(),
        };
        let name = container_name(region, &task, &container.name);
        // What a killed simulation left half made.
        cloud.engine.remove(&name).await?;
        let id = cloud.engine.create(&name, &body).await.context("CannotCreateContainerError")?;
        ids.push(id.clone());
        cloud.store.change(region, |region| {
            if let Some(task) = region.tasks.get_mut(arn) {
                task.status = "PENDING".into();
                if let Some(kept) = task.containers.iter_mut().find(|kept| kept.name == container.name) {
                    kept.id = Some(id.clone());
                }
            }
        });
        cloud.engine.start(&id).await.context("CannotStartContainerError")?;
    }
    let Some(first) = ids.first() else { return Err(Error::invalid("it has no containers")) };
    let seen = cloud.engine.inspect(first).await?;
    let address = seen["NetworkSettings"]["Networks"][&network]["IPAddress"].as_str().map(str::to_owned);
    cloud.store.change(region, |region| {
        if let Some(task) = region.tasks.get_mut(arn) {
            task.status = "RUNNING".into();
            task.started = Some(clock::now());
            task.address = address.filter(|address| !address.is_empty());
            task.containers.iter_mut().for_each(|container| container.is_running = true);
        }
    });
    Ok(())
}

fn check_logs(cloud: &Cloud, region: &str, part: &Value) -> Result<()> {
    let options = &part["logConfiguration"]["options"];
    let Some(group) = options["awslogs-group"].as_str() else { return Ok(()) };
    let is_there = cloud.store.look(region, |region| region.thing("log-group", group).is_some());
    if is_there {
        return Ok(());
    }
    if options["awslogs-create-group"] == "true" {
        let thing = crate::services::logs::group(cloud, region, group);
        cloud.store.change(region, |region| region.keep("log-group", group, thing));
        return Ok(());
    }
    Err(Error::not_found(format!(
        "ResourceInitializationError: failed to validate logger args: the specified log group {group} does not exist"
    )))
}

async fn pull(cloud: &Cloud, image: &str) -> Result<()> {
    let ours = image.strip_prefix(&cloud.registry.host).is_some_and(|rest| rest.starts_with('/'));
    let login = ours.then_some(("AWS", cloud.registry.token.as_str()));
    if !ours && cloud.engine.call(hyper::Method::GET, &format!("/images/{image}/json"), None).await.is_ok() {
        return Ok(());
    }
    cloud.engine.pull(image, login).await.context(format!("CannotPullContainerError: {image}"))
}

fn limit(value: &Value) -> i64 {
    number(value).unwrap_or(0)
}

/// What the engine is asked for: a container as its definition says, within what its task may use.
fn body(
    task: &Task,
    definition: &Value,
    part: &Value,
    labels: &Value,
    region: &str,
    points: &Map<String, Value>,
) -> Value {
    let over = list(&task.overrides, "containerOverrides").iter().find(|over| over["name"] == part["name"]);
    let over = over.cloned().unwrap_or_default();
    let mut environment: Map<String, Value> = Map::new();
    for one in list(part, "environment").iter().chain(list(&over, "environment")) {
        environment.insert(text_or(one, "name", "").into(), one["value"].clone());
    }
    let environment: Vec<String> = environment
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let mut all = part["dockerLabels"].as_object().cloned().unwrap_or_default();
    all.extend(labels.as_object().cloned().unwrap_or_default());
    let or_none = |value: &Value| {
        if value.as_array().is_some_and(|list| list.is_empty()) { Value::Null } else { value.clone() }
    };
    let command = if over["command"].is_array() { &over["command"] } else { &part["command"] };
    let cpu = Some(limit(&part["cpu"]))
        .filter(|units| *units > 0 && task.containers.len() > 1)
        .unwrap_or(limit(&definition["cpu"]));
    let memory =
        Some(limit(&part["memory"])).filter(|size| *size > 0).unwrap_or(limit(&definition["memory"]));
    let linux = &part["linuxParameters"];
    let ports: Map<String, Value> = list(part, "portMappings")
        .iter()
        .map(|port| {
            (format!("{}/{}", limit(&port["containerPort"]), text_or(port, "protocol", "tcp")), json!({}))
        })
        .collect();
    crate::wire::without_nulls(json!({
        "Image": part["image"], "Cmd": or_none(command), "Entrypoint": or_none(&part["entryPoint"]),
        "Env": environment, "Labels": all, "WorkingDir": part["workingDirectory"], "User": part["user"],
        "Tty": part["pseudoTerminal"], "OpenStdin": part["interactive"], "ExposedPorts": ports,
        "StopTimeout": part["stopTimeout"], "Healthcheck": health_check(&part["healthCheck"]),
        "HostConfig": crate::wire::without_nulls(json!({
            // 1024 units are a processor.
            "NanoCpus": cpu * 1_000_000_000 / 1024, "Memory": memory << 20,
            "ReadonlyRootfs": part["readonlyRootFilesystem"], "Init": linux["initProcessEnabled"],
            "CapAdd": linux["capabilities"]["add"], "CapDrop": linux["capabilities"]["drop"],
            "Mounts": mounts(definition, part, labels, region, points),
        })),
    }))
}

/// The image's own check counts for nothing, as on Fargate.
fn health_check(check: &Value) -> Value {
    if !check.is_object() {
        return json!({ "Test": ["NONE"] });
    }
    let nanoseconds = |name: &str, or: i64| number(&check[name]).unwrap_or(or) * 1_000_000_000;
    json!({ "Test": check["command"], "Interval": nanoseconds("interval", 30), "Timeout": nanoseconds("timeout", 5),
        "StartPeriod": nanoseconds("startPeriod", 0), "Retries": number(&check["retries"]).unwrap_or(3) })
}

/// The engine's volume for an access point or a file system.
pub(crate) fn volume_name(region: &str, id: &str) -> String {
    format!("cloudsim-{region}-{id}")
}

fn mounts(
    definition: &Value,
    part: &Value,
    labels: &Value,
    region: &str,
    points: &Map<String, Value>,
) -> Vec<Value> {
    let volume = |name: &Value| list(definition, "volumes").iter().find(|volume| volume["name"] == *name);
    let mount = |point: &Value| {
        let settings = &volume(&point["sourceVolume"])?["efsVolumeConfiguration"];
        let id =
            settings["authorizationConfig"]["accessPointId"].as_str().filter(|id| points.contains_key(*id));
        // A volume that is nothing on EFS has no name, and goes with the container.
        let source = id.or(settings["fileSystemId"].as_str()).map(|id| volume_name(region, id));
        Some(crate::wire::without_nulls(
            json!({ "Type": "volume", "Source": source, "Target": point["containerPath"],
            "ReadOnly": point["readOnly"].as_bool().unwrap_or(false), "VolumeOptions": { "Labels": labels } }),
        ))
    };
    list(part, "mountPoints").iter().filter_map(mount).collect()
}
