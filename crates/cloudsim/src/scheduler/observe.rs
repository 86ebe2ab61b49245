//! From the engine's containers to the state of tasks and targets.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::clock;
use crate::cloud::Cloud;
use crate::probe;
use crate::state::{Region, Target, Task};

/// Takes over what the engine says, and registers at load balancers what has become able to serve.
pub(crate) fn observe(cloud: &Arc<Cloud>, region: &str, there: &[Value]) {
    let by_id: HashMap<&str, &Value> =
        there.iter().filter_map(|container| Some((container["Id"].as_str()?, container))).collect();
    let busy = cloud.busy.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    let fresh = cloud.store.touch(region, |region| {
        for task in
            region.tasks.values_mut().filter(|task| task.status == "RUNNING" && !busy.contains(&task.arn))
        {
            look(task, &by_id);
        }
        register(region)
    });
    for (group, address) in fresh {
        let probing = probe::run(Arc::clone(cloud), region.to_owned(), group, address);
        let cloud = Arc::clone(cloud);
        tokio::spawn(async move { cloud.end.run_until_cancelled(probing).await });
    }
}

fn look(task: &mut Task, there: &HashMap<&str, &Value>) {
    for container in &mut task.containers {
        let Some(found) = container.id.as_deref().and_then(|id| there.get(id)) else {
            container.is_running = false;
            continue;
        };
        container.is_running = found["State"].as_str() == Some("running");
        let status = found["Status"].as_str().unwrap_or_default();
        container.health = match () {
            () if !container.is_checked => "UNKNOWN",
            () if status.contains("(healthy)") => "HEALTHY",
            () if status.contains("(unhealthy)") => "UNHEALTHY",
            () => "UNKNOWN",
        }
        .into();
    }
}

/// Whether a task runs and its containers are healthy as far as they are checked.
pub(crate) fn is_sound(task: &Task) -> bool {
    let sound = |container: &crate::state::Container| !container.is_checked || container.health == "HEALTHY";
    task.is_wanted && task.status == "RUNNING" && task.containers.iter().filter(|c| c.is_essential).all(sound)
}

/// The places where a task is registered: target group, and `address:port`.
pub(crate) fn places(region: &Region, task: &Task) -> Vec<(String, String)> {
    let service = task.service.as_ref().and_then(|arn| region.services.get(arn));
    let (Some(service), Some(address)) = (service, &task.address) else { return Vec::new() };
    let balancers = service.given["loadBalancers"].as_array().cloned().unwrap_or_default();
    let place = |balancer: &Value| {
        let group = balancer["targetGroupArn"].as_str()?;
        Some((group.to_owned(), format!("{address}:{}", balancer["containerPort"].as_i64()?)))
    };
    balancers.iter().filter_map(place).collect()
}

/// Registers the sound tasks that are not registered. Targets that were there before a restart have no probe, and
/// their state may be old: the first look after a start begins with none.
fn register(region: &mut Region) -> Vec<(String, String)> {
    let sound = region.tasks.values().filter(|task| is_sound(task));
    let wanted: Vec<(String, String)> = sound.flat_map(|task| places(region, task)).collect();
    let mut fresh = Vec::new();
    for (group, address) in wanted {
        let targets = region.targets.entry(group.clone()).or_default();
        if !targets.contains_key(&address) {
            targets.insert(address.clone(), Target { state: "initial".into(), since: clock::now() });
            fresh.push((group, address));
        }
    }
    fresh
}
