//! What happens when a container's program ends: its state, its network, its restart, its removal.

use super::container::Container;
use super::{ContainerRecord, Status, restart};
use crate::Engine;
use sampan_state::Durability;
use std::sync::Arc;

/// How a program ended, as its supervisor saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// Exit code; 128 and the signal's number when a signal ended it.
    pub(crate) code: i32,
    /// Nanoseconds since 1970.
    pub(crate) at: i64,
    /// The out-of-memory killer was at work.
    pub(crate) oom_killed: bool,
}

impl Engine {
    /// Takes over the end of a program: called once per run, by the task that follows its supervisor, or by
    /// the recovery for a run that ended while there was no daemon.
    pub(crate) async fn ended(&self, container: &Arc<Container>, ending: Ending) {
        let live = container.set_live(None);
        if let Some(live) = &live {
            live.ended.cancel();
        }
        let before = container.record();
        self.inner.sessions.container_ended(&before.id);
        self.inner.names.forget(&before.id);
        self.release(&before).await;

        let policy = restart::decide(&before, &ending);
        let removes_itself = before.spec.host.auto_remove && !container.keeps_on_exit();
        let after = container.change(|record| {
            settle(record, &ending);
            if policy.is_some() {
                record.state.status = Status::Restarting;
            }
        });
        self.tell_end(&after, &before, &ending);
        if removes_itself {
            // The name is free before anybody hears of the end: a script may use it again at once.
            self.inner.registry.remove(&after.id);
        } else {
            let durability = if after.spec.host.auto_remove { Durability::Normal } else { Durability::Full };
            if let Err(error) = self.save_now(&after, durability).await {
                tracing::error!(container = %after.id, %error, "the end of a container could not be recorded");
            }
        }
        container.announce_exit(ending.code, None);
        if let Some(live) = live
            && let Err(error) = live.supervisor.shutdown().await
        {
            tracing::debug!(container = %after.id, %error, "the supervisor was gone already");
        }
        self.clear_run_directory(&after.id).await;
        if removes_itself {
            let _operation = container.operation.lock().await;
            if let Err(error) = self.remove_locked(container, true).await {
                tracing::error!(container = %after.id, %error, "a container with --rm could not be removed");
            }
        } else if let Some(delay) = policy {
            self.restart_later(container, delay);
        }
    }

    fn tell_end(&self, after: &ContainerRecord, before: &ContainerRecord, ending: &Ending) {
        if ending.oom_killed {
            self.container_event(after, "oom", &[]);
        }
        let seconds = (ending.at - before.state.started).max(0) / 1_000_000_000;
        self.container_event(
            after,
            "die",
            &[("exitCode", &ending.code.to_string()), ("execDuration", &seconds.to_string())],
        );
    }

    /// Gives back what only a running container has: ports, addresses, cgroups, the run directory.
    async fn release(&self, record: &Arc<ContainerRecord>) {
        let engine = self.clone();
        let record = Arc::clone(record);
        let released = crate::blocking(move || {
            engine.release_network(&record.network);
            engine.release_volumes(&record);
            // The shim has removed them already, unless it was killed itself.
            if let Ok(cgroup) = engine.cgroup(&record)
                && let Err(error) = cgroup.remove()
            {
                tracing::warn!(container = %record.id, %error, "a cgroup could not be removed");
            }
            Ok(())
        });
        if let Err(error) = released.await {
            tracing::error!(%error, "a container's resources could not be given back");
        }
    }

    /// Removes what a run left beside its supervisor: the end is recorded, or not worth recording.
    pub(crate) async fn clear_run_directory(&self, id: &str) {
        let directory = self.inner.run_directory.join("c").join(id);
        if let Err(error) = crate::blocking(move || super::remove::remove_directory(&directory)).await {
            tracing::warn!(container = id, %error, "a run directory stays");
        }
    }

    /// Starts it again after a while, unless somebody else did something with it meanwhile.
    fn restart_later(&self, container: &Arc<Container>, delay: std::time::Duration) {
        let engine = self.clone();
        let container = Arc::clone(container);
        tokio::spawn(async move {
            tokio::time::sleep(delay).await;
            let _operation = container.operation.lock().await;
            let record = container.record();
            if record.state.status != Status::Restarting || record.stopped_by_user {
                return;
            }
            container.change(|record| record.restart_count += 1);
            if let Err(error) = engine.start_locked(&container, None).await {
                tracing::warn!(container = %container.id, %error, "a restart failed");
                engine.restart_failed(&container);
            }
        });
    }

    /// A start by the policy that failed counts as an end: the policy decides again.
    fn restart_failed(&self, container: &Arc<Container>) {
        let record = container.record();
        let ending = Ending { code: record.state.exit_code, at: crate::clock::now(), oom_killed: false };
        if let Some(delay) = restart::decide(&record, &ending) {
            let record = container.change(|record| record.state.status = Status::Restarting);
            self.save_soon(&record);
            self.restart_later(container, delay);
        }
    }
}

/// The record of a container whose program ended.
fn settle(record: &mut ContainerRecord, ending: &Ending) {
    let state = &mut record.state;
    state.status = Status::Exited;
    state.pid = 0;
    state.exit_code = ending.code;
    state.finished = ending.at;
    state.oom_killed = ending.oom_killed;
    if let Some(health) = &mut state.health {
        health.failing_streak = 0;
    }
    record.published.clear();
    record.network = Default::default();
    record.exec_ids.clear();
    record.cgroup.clear();
    for endpoint in record.endpoints.values_mut() {
        endpoint.endpoint_id.clear();
        endpoint.ipv4 = None;
        endpoint.gateway = None;
        endpoint.ipv6 = None;
        endpoint.ipv6_gateway = None;
        endpoint.mac_address = endpoint.options.mac_address.clone().unwrap_or_default();
    }
}
