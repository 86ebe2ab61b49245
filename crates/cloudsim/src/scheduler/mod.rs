//! The scheduler: one loop that wakes on changes and on the engine's events, and brings services to what is wanted.

mod apply;
pub(crate) mod decide;
mod observe;
pub(crate) mod scaling;
mod start;
mod stop;

use std::sync::Arc;
use std::time::Duration;

use crate::balancer;
use crate::cloud::Cloud;

/// Longest time between two looks when nothing happens: a net for events that were lost.
const LONGEST: Duration = Duration::from_secs(30);
/// Before the engine's events are asked for again.
const AGAIN: Duration = Duration::from_secs(1);

/// Runs until the simulation ends.
pub(crate) async fn run(cloud: Arc<Cloud>) {
    tokio::spawn(listen(Arc::clone(&cloud)));
    let loop_ = async {
        loop {
            let next = pass(&cloud).await;
            let _ = tokio::time::timeout(next, cloud.wake.notified()).await;
        }
    };
    cloud.end.run_until_cancelled(loop_).await;
}

/// Wakes the loop whenever something happens to the simulation's containers.
async fn listen(cloud: Arc<Cloud>) {
    let listening = async {
        loop {
            match cloud.engine.events(&cloud.label()).await {
                Ok(mut events) => {
                    cloud.wake.notify_one();
                    while events.next().await {
                        cloud.wake.notify_one();
                    }
                }
                Err(error) => tracing::warn!(%error, "the engine's events cannot be followed"),
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    cloud.end.run_until_cancelled(listening).await;
}

/// Looks at everything once; returns when to look again at the latest.
async fn pass(cloud: &Arc<Cloud>) -> Duration {
    let there = match cloud.engine.containers(&cloud.label()).await {
        Ok(there) => there,
        Err(error) => {
            tracing::warn!(%error, "the engine's containers cannot be listed");
            return AGAIN;
        }
    };
    let mut next = LONGEST;
    for region in cloud.store.names() {
        if region == "global" {
            continue;
        }
        balancer::sync(cloud, &region).await;
        observe::observe(cloud, &region, &there);
        next = next.min(apply::apply(cloud, &region));
    }
    next
}

/// Where the output of a container of a task goes: log group and stream.
pub(crate) fn start_log_place(
    definition: &serde_json::Value,
    container: &str,
    task: &str,
) -> Option<(String, String)> {
    start::log_place(&start::part(definition, container), task)
}

/// A task that is not started yet and belongs to no service.
pub(crate) fn lone_task(
    cloud: &Cloud,
    region: &crate::state::Region,
    cluster: &str,
    definition: &str,
    group: &str,
    started_by: &str,
) -> crate::state::Task {
    start::plan(cloud, region, cluster, definition, None, group, started_by)
}

pub(crate) use apply::give_up;
pub(crate) use start::volume_name;
