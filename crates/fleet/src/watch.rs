//! What happens to replicas without our doing: they fail, end, are stopped or removed.

use crate::fleet::Fleet;
use crate::group::{Group, Operation};
use crate::report::Report;
use sampan_error::{Kind, Result};
use tokio::sync::OwnedMutexGuard;

/// Nanoseconds until what failed is tried again.
const AGAIN_AFTER: i64 = 60 * 1_000_000_000;

impl Fleet {
    /// Goes on with what a killed daemon left, then follows what happens to replicas, for ever.
    pub async fn run(self) {
        let mut changes = self.place().changes();
        for group in self.groups() {
            self.resume(group).await;
        }
        if let Ok(ashore) = self.ashore() {
            tokio::spawn(ashore.clone().resume_moves());
            tokio::spawn(ashore.clone().watch_leases());
            tokio::spawn(ashore.clone().renew_leases());
        }
        tokio::spawn(self.clone().run_jobs());
        // What happened while there was no daemon.
        self.look_at_all().await;
        loop {
            changes.next().await;
            self.look_at_all().await;
        }
    }

    async fn resume(&self, group: Group) {
        if let Err(error) = self.route(&group).await {
            tracing::error!(group = %group.name, %error, "connections cannot be sent to the replicas");
        }
        if group.operation.is_none() {
            return;
        }
        tracing::info!(group = %group.name, operation = ?group.operation, "going on with what was under way");
        let fleet = self.clone();
        tokio::spawn(async move {
            let _alone = fleet.alone_again(&group.name).await;
            let name = group.name.clone();
            if let Err(error) = fleet.operate(group, &Report::none()).await {
                tracing::error!(group = %name, %error, "what was under way failed");
            }
        });
    }

    async fn look_at_all(&self) {
        for job in self.jobs() {
            // While its group is worked on its name is on the way from one replica to the next.
            if self.group(&job.container).is_some_and(|group| group.operation.is_some()) {
                continue;
            }
            let there = self.place().blueprint(&job.container).await;
            let lives_elsewhere = self.ashore().is_ok_and(|ashore| ashore.knows(&job.container));
            if !lives_elsewhere && there.is_err_and(|error| error.kind() == Kind::NotFound) {
                tracing::info!(job = %job.id(), "its container is gone, and so is the job");
                if let Err(error) = self.forget_job(&job.id()).await {
                    tracing::warn!(%error, "a job stays");
                }
            }
        }
        for group in self.groups() {
            if let Err(error) = self.look_at(&group).await {
                tracing::warn!(group = %group.name, %error, "a group cannot be looked after");
            }
        }
    }

    /// Sends connections where they belong; replicas go, stop and start with the first one.
    async fn look_at(&self, group: &Group) -> Result<()> {
        // Whoever works on the group replaces its first replica by himself.
        let Some(alone) = self.try_alone(&group.name) else { return self.route(group).await };
        // What was read before may be old by now.
        let Some(group) = self.group(&group.name) else { return Ok(()) };
        let members = self.place().members(&group).await?;
        let Some(leader) = members.iter().find(|member| member.id == group.leader) else {
            let there = self.place().blueprint(&group.leader).await;
            let is_gone = there.is_err_and(|error| error.kind() == Kind::NotFound);
            if group.operation.is_some() || !is_gone {
                return Ok(());
            }
            tracing::info!(group = %group.name, "its first replica is gone, the others go too");
            self.place().route(&group, &[]).await?;
            for member in &members {
                self.place().stop(&member.id).await?;
                self.place().remove(&member.id, true).await?;
            }
            return self.forget(&group.name).await;
        };
        let others = members.iter().filter(|member| member.id != leader.id);
        if leader.stopped {
            for member in others.filter(|member| member.running) {
                self.place().stop(&member.id).await?;
            }
        } else if leader.running {
            for member in others.filter(|it| it.stopped && !it.running && leader.started > it.finished) {
                self.place().start(&member.id).await?;
            }
        }
        let is_short = members.len() < usize::try_from(group.replicas).unwrap_or(usize::MAX);
        let now = self.place().now();
        let failed = group.last.as_ref().filter(|last| !last.error.is_empty());
        if is_short && leader.running && failed.is_none_or(|last| now - last.at > AGAIN_AFTER) {
            return self.bring_back(group, alone).await;
        }
        self.route(&group).await
    }

    /// Makes replicas again that somebody removed.
    async fn bring_back(&self, mut group: Group, alone: OwnedMutexGuard<()>) -> Result<()> {
        tracing::info!(group = %group.name, "a replica is gone and comes again");
        group.operation = Some(Operation::Scale);
        self.save(&group).await?;
        let fleet = self.clone();
        tokio::spawn(async move {
            let _alone = alone;
            let name = group.name.clone();
            if let Err(error) = fleet.operate(group, &Report::none()).await {
                tracing::error!(group = %name, %error, "a replica that was removed does not come again");
            }
        });
        Ok(())
    }
}
