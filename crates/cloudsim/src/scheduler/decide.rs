//! What a service needs next: a pure function, after ECS's rolling update and its circuit breaker.

use crate::state::{Deployment, Service};
use crate::wire::members::number;

/// A task that is wanted, as the scheduler sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct View {
    pub(crate) task: String,
    /// The deployment's id.
    pub(crate) deployment: String,
    /// Running, healthy, and healthy at its load balancer.
    pub(crate) is_ready: bool,
    pub(crate) created: i64,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Start so many tasks of the primary deployment.
    Start(usize),
    /// Stop a task.
    Stop(String),
    /// The primary deployment is completed.
    Complete,
    /// The primary deployment has failed too often.
    Break,
}

/// Failures that break a deployment: half of the wanted tasks, between 3 and 200.
pub(crate) fn threshold(desired: usize) -> usize {
    desired.div_ceil(2).clamp(3, 200)
}

fn percent(service: &Service, name: &str, or: i64) -> usize {
    let given = number(&service.given["deploymentConfiguration"][name]).unwrap_or(or);
    usize::try_from(given).unwrap_or(0)
}

/// What to do for a service that has these wanted tasks.
pub(crate) fn decide(service: &Service, tasks: &[View], now: i64) -> Vec<Decision> {
    if service.status != "ACTIVE" {
        return tasks.iter().map(|task| Decision::Stop(task.task.clone())).collect();
    }
    let Some(primary) = service.deployments.iter().find(|deployment| deployment.is_primary) else {
        return Vec::new();
    };
    let breaker = &service.given["deploymentConfiguration"]["deploymentCircuitBreaker"];
    if primary.rollout == "IN_PROGRESS"
        && breaker["enable"].as_bool() == Some(true)
        && primary.failed_tasks >= threshold(service.desired)
    {
        return vec![Decision::Break];
    }
    roll(service, primary, tasks, now)
}

fn roll(service: &Service, primary: &Deployment, tasks: &[View], now: i64) -> Vec<Decision> {
    let desired = service.desired;
    let upper = (desired * percent(service, "maximumPercent", 200) / 100).max(1);
    let lower = (desired * percent(service, "minimumHealthyPercent", 100)).div_ceil(100);
    let (mut new, mut old): (Vec<&View>, Vec<&View>) =
        tasks.iter().partition(|task| task.deployment == primary.id);
    let mut decisions = Vec::new();
    let has_failed = primary.rollout == "FAILED";
    let missing = if has_failed { 0 } else { desired.saturating_sub(new.len()) };
    let room = upper.saturating_sub(tasks.len());
    if missing.min(room) > 0 && now >= service.not_before {
        decisions.push(Decision::Start(missing.min(room)));
    }
    // Those that are of no use go first, then the youngest.
    let order = |task: &&View| (task.is_ready, -task.created);
    new.sort_by_key(order);
    old.sort_by_key(order);
    let surplus = new.len().saturating_sub(desired);
    decisions.extend(new.iter().take(surplus).map(|task| Decision::Stop(task.task.clone())));
    let ready = tasks.iter().filter(|task| task.is_ready).count();
    let mut spare = ready.saturating_sub(lower);
    let mut too_many = if has_failed { 0 } else { tasks.len().saturating_sub(surplus + desired) };
    if missing > 0 && room == 0 && !has_failed {
        too_many = too_many.max(missing);
    }
    for task in old.iter().take(too_many) {
        if task.is_ready && spare == 0 {
            break;
        }
        spare -= usize::from(task.is_ready);
        decisions.push(Decision::Stop(task.task.clone()));
    }
    let is_settled = old.is_empty() && new.len() == desired && new.iter().all(|task| task.is_ready);
    if is_settled && primary.rollout == "IN_PROGRESS" && !primary.is_stuck {
        decisions.push(Decision::Complete);
    }
    decisions
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(desired: usize, minimum: i64, maximum: i64) -> Service {
        let deployment = |id: &str, is_primary| Deployment {
            id: id.into(),
            is_primary,
            rollout: "IN_PROGRESS".into(),
            ..Deployment::default()
        };
        Service {
            status: "ACTIVE".into(),
            desired,
            deployments: vec![deployment("new", true), deployment("old", false)],
            given: json!({ "deploymentConfiguration": { "minimumHealthyPercent": minimum,
                "maximumPercent": maximum, "deploymentCircuitBreaker": { "enable": true } } }),
            ..Service::default()
        }
    }

    fn tasks(deployment: &str, ready: usize, waiting: usize) -> Vec<View> {
        (0..ready + waiting)
            .map(|number| View {
                task: format!("{deployment}{number}"),
                deployment: deployment.into(),
                is_ready: number < ready,
                created: 0,
            })
            .collect()
    }

    fn stops(decisions: &[Decision]) -> usize {
        decisions.iter().filter(|decision| matches!(decision, Decision::Stop(_))).count()
    }

    #[test]
    fn new_tasks_come_before_old_ones_go() {
        let both = |new: Vec<View>, old: Vec<View>| [new, old].concat();
        let service = service(2, 100, 200);
        assert_eq!(decide(&service, &tasks("old", 2, 0), 0), [Decision::Start(2)]);
        assert_eq!(decide(&service, &both(tasks("new", 0, 2), tasks("old", 2, 0)), 0), []);
        assert_eq!(stops(&decide(&service, &both(tasks("new", 1, 1), tasks("old", 2, 0)), 0)), 1);
        assert_eq!(stops(&decide(&service, &both(tasks("new", 2, 0), tasks("old", 2, 0)), 0)), 2);
        assert_eq!(decide(&service, &tasks("new", 2, 0), 0), [Decision::Complete]);
    }

    #[test]
    fn without_room_an_old_one_goes_first_if_it_may() {
        assert_eq!(stops(&decide(&service(1, 0, 100), &tasks("old", 1, 0), 0)), 1);
        assert_eq!(decide(&service(1, 100, 100), &tasks("old", 1, 0), 0), []);
    }

    #[test]
    fn the_breaker_opens_after_three_failures_of_a_small_service() {
        let mut service = service(1, 100, 200);
        service.deployments[0].failed_tasks = 2;
        assert_eq!(decide(&service, &[], 0), [Decision::Start(1)]);
        service.deployments[0].failed_tasks = 3;
        assert_eq!(decide(&service, &[], 0), [Decision::Break]);
        assert_eq!((threshold(1), threshold(20), threshold(1000)), (3, 10, 200));
    }

    #[test]
    fn a_stuck_one_stays_in_progress_and_scaling_down_takes_the_useless_first() {
        let mut service = service(1, 100, 200);
        service.deployments[0].is_stuck = true;
        assert_eq!(decide(&service, &tasks("new", 1, 0), 0), []);
        assert_eq!(decide(&service, &tasks("new", 1, 1), 0), [Decision::Stop("new1".into())]);
    }
}
