//! Stopping a task: drain it at its load balancers, stop its containers in time, keep their output.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::clock;
use crate::cloud::Cloud;
use crate::logs;
use crate::scheduler::{observe, start};
use crate::state::Task;
use crate::wire::members::number;

/// Between looks at connections that drain.
const DRAIN_STEP: Duration = Duration::from_millis(200);

/// Stops a task in the background, unless somebody works on it already.
pub(crate) fn stop(cloud: &Arc<Cloud>, region: &str, arn: &str) {
    if !cloud.occupy(arn) {
        return;
    }
    let (cloud, region, arn) = (Arc::clone(cloud), region.to_owned(), arn.to_owned());
    tokio::spawn(async move {
        cloud.end.run_until_cancelled(work(&cloud, &region, &arn)).await;
        cloud.release(&arn);
    });
}

fn set_status(cloud: &Cloud, region: &str, arn: &str, status: &str) -> Option<Task> {
    cloud.store.change(region, |region| {
        let task = region.tasks.get_mut(arn)?;
        task.status = status.into();
        Some(task.clone())
    })
}

async fn work(cloud: &Cloud, region: &str, arn: &str) {
    let Some(task) = set_status(cloud, region, arn, "DEACTIVATING") else { return };
    drain(cloud, region, &task).await;
    set_status(cloud, region, arn, "STOPPING");
    let definition =
        cloud.store.look(region, |region| region.thing("task-definition", &task.definition).cloned());
    let definition = definition.unwrap_or_default();
    let mut codes = Vec::new();
    // The others use the network of the first.
    for container in task.containers.iter().rev() {
        codes.push(end(cloud, region, &task, container, &start::part(&definition, &container.name)).await);
    }
    codes.reverse();
    cloud.store.change(region, |region| {
        let Some(task) = region.tasks.get_mut(arn) else { return };
        task.status = "STOPPED".into();
        task.stopped = Some(clock::now());
        for (container, code) in task.containers.iter_mut().zip(codes) {
            container.is_running = false;
            container.exit_code = code.or(container.exit_code);
        }
    });
}

/// New connections go elsewhere; those that are open may end, as long as the target group says.
async fn drain(cloud: &Cloud, region: &str, task: &Task) {
    let places = cloud.store.look(region, |region| observe::places(region, task));
    let mut delay = 0;
    for (group, address) in &places {
        cloud.store.touch(region, |region| {
            if let Some(target) = region.targets.get_mut(group).and_then(|targets| targets.get_mut(address)) {
                target.state = "draining".into();
                let asked = region.thing("target-group-attributes", group);
                let asked = asked.and_then(|all| number(&all["deregistration_delay.timeout_seconds"]));
                delay = delay.max(asked.unwrap_or(300));
            }
        });
    }
    let open = || places.iter().any(|(_, address)| cloud.balancers.connections(address) > 0);
    let drained = async {
        while open() {
            tokio::time::sleep(DRAIN_STEP).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(delay.unsigned_abs()), drained).await;
    cloud.store.change(region, |region| {
        for (group, address) in &places {
            region.targets.get_mut(group).map(|targets| targets.remove(address));
        }
    });
}

/// Ends one container and removes it; returns its exit code.
async fn end(
    cloud: &Cloud,
    region: &str,
    task: &Task,
    container: &crate::state::Container,
    definition: &Value,
) -> Option<i64> {
    let name = start::container_name(region, task, &container.name);
    let id = container.id.as_deref().unwrap_or(&name);
    let seconds = number(&definition["stopTimeout"]).unwrap_or(30).clamp(2, 120).unsigned_abs();
    if let Err(error) = cloud.engine.stop(id, seconds).await {
        tracing::warn!(%error, id, "a container cannot be stopped");
    }
    let code = cloud.engine.inspect(id).await.ok().and_then(|seen| seen["State"]["ExitCode"].as_i64());
    if let Some((group, stream)) = start::log_place(definition, &task.id) {
        logs::keep(cloud, region, &group, &stream, id).await;
    }
    if let Err(error) = cloud.engine.remove(id).await {
        tracing::warn!(%error, id, "a container cannot be removed");
    }
    code
}
