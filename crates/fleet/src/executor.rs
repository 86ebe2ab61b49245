//! Carries plans out. Each step may be done twice; what a kill interrupts is planned again from what is there then.

use crate::fleet::Fleet;
use crate::group::Group;
use crate::member::Member;
use crate::plan::{Plan, Slot, Step};
use crate::report::Report;
use sampan_error::{Error, Kind, Result};
use std::time::Duration;

/// Connections that somebody waits for are counted so often; the kernel tells nobody when the last one ends.
const COUNTED_EVERY: Duration = Duration::from_millis(250);

impl Fleet {
    /// Makes the group what is wanted of it.
    ///
    /// # Errors
    /// The first step that fails. What was done stays.
    pub(crate) async fn carry_out(&self, group: &mut Group, report: &Report) -> Result<()> {
        let members = self.place().members(group).await?;
        let plan = Plan::of(group, &members, self.place().now());
        for step in plan.steps {
            report.say(step.to_string());
            let done = self.step(group, &step, report).await;
            if done.is_err() {
                self.set_leaving(&group.name, &[]);
            }
            done?;
        }
        self.set_leaving(&group.name, &[]);
        self.route(group).await
    }

    async fn step(&self, group: &mut Group, step: &Step, report: &Report) -> Result<()> {
        let place = self.place();
        match step {
            Step::Run { slot, name, predecessor } => {
                let generation = group.generations.iter().find(|it| it.number == slot.generation).cloned();
                let generation =
                    generation.ok_or_else(|| Error::internal("a generation that nobody knows is wanted"))?;
                place.run(group, &generation, slot.number, name, predecessor.as_deref()).await.map(drop)
            }
            Step::Start { id, .. } => place.start(id).await,
            Step::Await { slots } => self.await_ready(group, slots).await,
            Step::Leave { ids } => {
                self.set_leaving(&group.name, ids);
                self.route(group).await
            }
            Step::Drain { ids } => {
                self.drain(group, ids, report).await;
                Ok(())
            }
            Step::Stop { ids } => {
                futures_util::future::try_join_all(ids.iter().map(|id| place.stop(id))).await.map(drop)
            }
            Step::HandOver { from, to } => {
                let member = self.find(group, *to).await?;
                place.hand_over(group, from, &member.id).await?;
                group.leader = member.id;
                self.save(group).await?;
                self.route(group).await
            }
            Step::Remove { ids, with_volumes } => {
                let removals = ids.iter().map(|id| place.remove(id, *with_volumes));
                futures_util::future::try_join_all(removals).await.map(drop)
            }
            Step::Rename { slot, name } => {
                let member = self.find(group, *slot).await?;
                if member.name == *name { Ok(()) } else { place.rename(&member.id, name).await }
            }
        }
    }

    async fn find(&self, group: &Group, slot: Slot) -> Result<Member> {
        let members = self.place().members(group).await?;
        members.into_iter().find(|member| is(member, slot)).ok_or_else(|| {
            Error::not_found(format!("{slot} of {} is gone: somebody removed it meanwhile", group.name))
        })
    }

    /// Waits until these are ready.
    ///
    /// # Errors
    /// One of them fails, is gone, or takes too long.
    async fn await_ready(&self, group: &Group, slots: &[Slot]) -> Result<()> {
        let settings = &group.settings;
        let deadline = tokio::time::Instant::now() + Duration::from_secs(settings.ready_timeout);
        let mut changes = self.place().changes();
        loop {
            let members = self.place().members(group).await?;
            let now = self.place().now();
            let mut waiting = None;
            for slot in slots {
                let member = members.iter().find(|member| is(member, *slot)).ok_or_else(|| {
                    Error::not_found(format!("{slot} of {} is gone before it was ready", group.name))
                })?;
                if member.has_failed() {
                    return Err(failed(member));
                }
                if !member.is_ready(settings, now) {
                    waiting = Some(member.name.clone());
                }
            }
            let Some(name) = waiting else { return Ok(()) };
            // What has no health check becomes ready by time alone.
            let soon = Duration::from_secs(settings.ready_after.clamp(1, 5)) / 4;
            tokio::select! {
                () = changes.next() => {}
                () = tokio::time::sleep(soon) => {}
                () = tokio::time::sleep_until(deadline) => {
                    return Err(Error::new(Kind::Deadline, format!(
                        "{name} was not ready within {} seconds (--ready-timeout)", settings.ready_timeout
                    )));
                }
            }
        }
    }

    /// Waits until these have no connections, no longer than the group allows.
    pub(crate) async fn drain(&self, group: &Group, ids: &[String], report: &Report) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(group.settings.drain);
        loop {
            let counts =
                futures_util::future::join_all(ids.iter().map(|id| self.place().connections(id))).await;
            // Where nobody can tell they get all the time there is.
            let open: Option<u64> = counts.into_iter().map(|count| count.unwrap_or(Some(0))).sum();
            if open == Some(0) {
                return;
            }
            if tokio::time::Instant::now() >= deadline {
                if let Some(open) = open {
                    report.say(format!(
                        "{open} connections are still open: the program is asked to finish them"
                    ));
                }
                return;
            }
            tokio::time::sleep(COUNTED_EVERY).await;
        }
    }
}

fn is(member: &Member, slot: Slot) -> bool {
    member.number == slot.number && member.generation == slot.generation
}

fn failed(member: &Member) -> Error {
    let why = if member.running { "is unhealthy" } else { "ended" };
    Error::conflict(format!("{} {why}: see `docker logs {}`", member.name, member.name))
}
