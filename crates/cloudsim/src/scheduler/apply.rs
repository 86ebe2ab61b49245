//! From decisions to the state of services, and to what must be done on the engine.

use std::sync::Arc;
use std::time::Duration;

use crate::clock;
use crate::cloud::Cloud;
use crate::scheduler::decide::{self, Decision, View};
use crate::scheduler::{observe, start, stop};
use crate::state::{Deployment, Region, Service, Task};
use crate::wire::members::number;

/// Stopped tasks that a region remembers.
const REMEMBERED: usize = 60;

/// Decides for all services of a region and sets the engine to work. Returns when to look again.
pub(crate) fn apply(cloud: &Arc<Cloud>, region: &str) -> Duration {
    let now = clock::now();
    let decide = |region: &mut Region| {
        let before = serde_json::to_string(region).ok();
        notice_failures(region, now);
        let arns: Vec<String> = region.services.keys().cloned().collect();
        for arn in arns {
            decide_for(cloud, region, &arn, now);
        }
        tidy(region);
        before != serde_json::to_string(region).ok()
    };
    if cloud.store.touch(region, decide) {
        // What was decided is kept before anything is done.
        cloud.store.change(region, |_| ());
    }
    let tasks: Vec<Task> = cloud.store.look(region, |region| region.tasks.values().cloned().collect());
    for task in tasks {
        if task.is_wanted && matches!(task.status.as_str(), "PROVISIONING" | "PENDING") {
            start::start(cloud, region, &task.arn);
        } else if !task.is_wanted && task.status != "STOPPED" {
            stop::stop(cloud, region, &task.arn);
        }
    }
    let wait = cloud.store.look(region, |region| {
        let later = region.services.values().map(|service| service.not_before - now).filter(|wait| *wait > 0);
        later.min().unwrap_or(i64::MAX)
    });
    Duration::from_millis(wait.unsigned_abs().saturating_add(10))
}

/// Tasks that ended by themselves, became unhealthy, or fail at their load balancer.
fn notice_failures(region: &mut Region, now: i64) {
    let mut failed: Vec<(String, &str, String)> = Vec::new();
    for task in region.tasks.values().filter(|task| task.is_wanted && task.status == "RUNNING") {
        if task.containers.iter().any(|container| container.is_essential && !container.is_running) {
            failed.push((
                task.arn.clone(),
                "EssentialContainerExited",
                "Essential container in task exited".into(),
            ));
        } else if task
            .containers
            .iter()
            .any(|container| container.is_essential && container.health == "UNHEALTHY")
        {
            failed.push((
                task.arn.clone(),
                "ServiceSchedulerInitiated",
                "Task failed container health checks".into(),
            ));
        } else if let Some(group) = unhealthy_at(region, task, now) {
            let reason = format!("Task failed ELB health checks in (target-group {group})");
            failed.push((task.arn.clone(), "ServiceSchedulerInitiated", reason));
        }
    }
    for (arn, code, reason) in failed {
        if let Some(task) = region.tasks.get_mut(&arn) {
            give_up(task, code, &reason);
        }
    }
    // Also those that could not be started, which are given up where that is seen.
    let counted: Vec<Task> = region
        .tasks
        .values_mut()
        .filter(|task| !task.is_wanted && !task.is_counted && task.stop_code != "UserInitiated")
        .map(|task| {
            task.is_counted = true;
            task.clone()
        })
        .collect();
    for task in counted {
        let Some(service) = task.service.as_ref().and_then(|arn| region.services.get_mut(arn)) else {
            continue;
        };
        service.say(now, &format!("(task {}) failed: {}", task.id, task.stop_reason));
        let Some(deployment) = service.deployments.iter_mut().find(|one| one.id == task.started_by) else {
            continue;
        };
        deployment.failed_tasks += 1;
        let tries = u32::try_from(deployment.failed_tasks).unwrap_or(u32::MAX).saturating_sub(1).min(4);
        service.not_before = now + 500 * i64::from(2_u32.pow(tries));
    }
}

/// A task is no longer wanted, for this reason.
pub(crate) fn give_up(task: &mut Task, code: &str, reason: &str) {
    if task.is_wanted {
        task.is_wanted = false;
        task.stopping = Some(clock::now());
        (task.stop_code, task.stop_reason) = (code.into(), reason.into());
    }
}

fn unhealthy_at(region: &Region, task: &Task, now: i64) -> Option<String> {
    let service = region.services.get(task.service.as_ref()?)?;
    let grace = number(&service.given["healthCheckGracePeriodSeconds"]).unwrap_or(0) * 1000;
    if now < task.started? + grace {
        return None;
    }
    let is_unhealthy = |group: &String, address: &String| {
        region
            .targets
            .get(group)
            .and_then(|targets| targets.get(address))
            .is_some_and(|t| t.state == "unhealthy")
    };
    observe::places(region, task)
        .into_iter()
        .find(|(group, address)| is_unhealthy(group, address))
        .map(|(g, _)| g)
}

/// Whether a task can serve: sound, and healthy wherever it is registered.
fn is_ready(region: &Region, task: &Task) -> bool {
    let is_healthy = |(group, address): &(String, String)| {
        region
            .targets
            .get(group)
            .and_then(|targets| targets.get(address))
            .is_some_and(|t| t.state == "healthy")
    };
    observe::is_sound(task) && observe::places(region, task).iter().all(is_healthy)
}

fn decide_for(cloud: &Cloud, region: &mut Region, arn: &str, now: i64) {
    let of_service = |task: &&Task| task.service.as_deref() == Some(arn);
    let views: Vec<View> = region
        .tasks
        .values()
        .filter(of_service)
        .filter(|task| task.is_wanted)
        .map(|task| View {
            task: task.arn.clone(),
            deployment: task.started_by.clone(),
            is_ready: is_ready(region, task),
            created: task.created,
        })
        .collect();
    let all_stopped = region.tasks.values().filter(of_service).all(|task| task.status == "STOPPED");
    let Some(mut service) = region.services.remove(arn) else { return };
    for decision in decide::decide(&service, &views, now) {
        match decision {
            Decision::Start(count) => {
                service.say(now, &format!("has started {count} tasks."));
                let primary = service.primary().cloned().unwrap_or_default();
                for _ in 0..count {
                    let task = new_task(cloud, region, &service, &primary);
                    region.tasks.insert(task.arn.clone(), task);
                }
            }
            Decision::Stop(task) => {
                if let Some(task) = region.tasks.get_mut(&task) {
                    service.say(now, &format!("has stopped 1 running tasks: (task {}).", task.id));
                    give_up(
                        task,
                        "ServiceSchedulerInitiated",
                        &format!("Scaling activity initiated by (deployment {})", task.started_by),
                    );
                    task.is_counted = true;
                }
            }
            Decision::Complete => complete(&mut service, now),
            Decision::Break => break_off(&mut service, now),
        }
    }
    let live: Vec<&str> = views.iter().map(|view| view.deployment.as_str()).collect();
    service.deployments.retain(|deployment| deployment.is_primary || live.contains(&deployment.id.as_str()));
    if service.status == "DRAINING" && all_stopped {
        service.status = "INACTIVE".into();
        service.deployments.clear();
    }
    region.services.insert(arn.into(), service);
}

/// A task of a service that is not started yet.
fn new_task(cloud: &Cloud, region: &Region, service: &Service, primary: &Deployment) -> Task {
    let group = format!("service:{}", service.name);
    start::plan(
        cloud,
        region,
        &service.cluster,
        &primary.definition,
        Some(service.arn.clone()),
        &group,
        &primary.id,
    )
}

fn complete(service: &mut Service, now: i64) {
    let Some(primary) = service.primary() else { return };
    let id = primary.id.clone();
    (primary.rollout, primary.updated) = ("COMPLETED".into(), now);
    primary.reason = format!("ECS deployment {id} completed.");
    let definition = primary.definition.clone();
    service.proven = Some(definition);
    service.not_before = 0;
    service.say(now, "has reached a steady state.");
    service.say(now, &format!("(deployment {id}) deployment completed."));
}

/// The circuit breaker: the deployment has failed; back to the last one that was completed, if it may.
fn break_off(service: &mut Service, now: i64) {
    let rolls_back = service.given["deploymentConfiguration"]["deploymentCircuitBreaker"]["rollback"] == true;
    let proven = service.proven.clone();
    let Some(primary) = service.primary() else { return };
    let id = primary.id.clone();
    (primary.rollout, primary.updated) = ("FAILED".into(), now);
    primary.reason = "ECS deployment circuit breaker: tasks failed to start.".into();
    let back = proven.filter(|proven| rolls_back && !primary.is_rollback && *proven != primary.definition);
    service.say(now, &format!("(deployment {id}) deployment failed: tasks failed to start."));
    let Some(definition) = back else { return };
    // If the old deployment has tasks still, they are what is wanted again.
    let old = service.deployments.iter().position(|one| !one.is_primary && one.definition == definition);
    let mut next = old.map(|at| service.deployments.remove(at)).unwrap_or_else(|| Deployment {
        id: format!("ecs-svc/{}", clock::random(19)),
        definition,
        created: now,
        ..Deployment::default()
    });
    (next.is_primary, next.is_rollback, next.updated, next.failed_tasks) = (true, true, now, 0);
    next.rollout = "IN_PROGRESS".into();
    next.reason = format!("ECS deployment circuit breaker: rolling back to deploymentId {}.", next.id);
    service.deployments.iter_mut().for_each(|one| one.is_primary = false);
    let said = format!("rolling back to (deployment {}).", next.id);
    service.deployments.insert(0, next);
    service.not_before = 0;
    service.say(now, &said);
}

/// Forgets the oldest of many stopped tasks.
fn tidy(region: &mut Region) {
    let mut stopped: Vec<(i64, String)> =
        region.tasks.values().filter_map(|task| Some((task.stopped?, task.arn.clone()))).collect();
    stopped.sort();
    let surplus = stopped.len().saturating_sub(REMEMBERED);
    for (_, arn) in &stopped[..surplus] {
        region.tasks.remove(arn);
        region.tags.remove(arn);
    }
}
