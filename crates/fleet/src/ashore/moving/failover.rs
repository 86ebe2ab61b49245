//! `container move -d --failover`: the copy at the target takes over by itself when nothing is heard from here.
//!
//! Here the container runs by a lease that the target keeps. What ends it in time is its supervisor, whatever happens to
//! this daemon or to the network: it gets the time that was asked for, less a third, from the moment of asking. So it has ended
//! before the target's whole time is over.

use super::{Moved, StandbyRequest};
use crate::ashore::{Ashore, Environment};
use crate::fleet::Fleet;
use crate::jobs::Work;
use sampan_engine::spec::PidMode;
use sampan_error::{Error, Kind, Result};
use sampan_provider::{Failure, Lease};
use std::time::{Duration, Instant};

/// Between two looks at what is to be renewed.
const LOOK: Duration = Duration::from_millis(500);

impl Ashore {
    fn lease_of(&self, name: &str, seconds: u64) -> Lease {
        let holder = format!("sampan-{}", self.engine.instance());
        Lease { name: name.to_owned(), holder, epoch: 0, seconds }
    }

    /// From now on it runs here by a lease only. Its supervisor knows before the target does: there is no moment in which the
    /// one would take over and the other go on.
    ///
    /// # Errors
    /// The target gives none; then it runs as before.
    pub(crate) async fn begin_lease(&self, name: &str, request: &StandbyRequest) -> Result<()> {
        let (_, provider) = self.provider(&request.target, &Environment::new())?;
        if self.engine.inspect(name).await?.spec.host.pid != PidMode::Private {
            return Err(Error::conflict(format!(
                "{name} shares its processes with others (--pid), and could not be ended for certain: --failover needs its own"
            )));
        }
        let asked = Instant::now();
        self.engine.lease_for(name, own_time(request.failover, asked)).await?;
        if let Err(failure) = provider.lease(&self.lease_of(name, request.failover)).await {
            self.engine.end_lease(name).await?;
            return Err(failure.into());
        }
        Ok(())
    }

    /// It runs here for ever again; the target's copy stays as it is.
    ///
    /// # Errors
    /// The target cannot be told: it might start its copy.
    pub(crate) async fn end_lease(&self, name: &str, request: &StandbyRequest, force: bool) -> Result<()> {
        let told = match self.provider(&request.target, &Environment::new()) {
            Ok((_, provider)) => provider.lease(&self.lease_of(name, 0)).await.map_err(Error::from),
            Err(error) => Err(error),
        };
        if let Err(error) = told.map(drop)
            && !force
        {
            let target = &request.target;
            return Err(error.context(format!(
                "{target} has to know that its copy is not to start: when it is gone for good, add --force"
            )));
        }
        match self.engine.end_lease(name).await {
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            other => other,
        }
    }

    /// Renews leases, for ever.
    pub(crate) async fn renew_leases(self) {
        let mut renewed: std::collections::HashMap<String, Instant> = Default::default();
        loop {
            tokio::time::sleep(LOOK).await;
            for job in Fleet::local(&self.engine).jobs() {
                let Work::Move(request) = &job.work else { continue };
                let pause = Duration::from_secs(request.failover) / 4;
                let is_due = renewed.get(&job.container).is_none_or(|last| last.elapsed() >= pause);
                if request.failover == 0 || !is_due || self.knows(&job.container) {
                    continue;
                }
                renewed.insert(job.container.clone(), Instant::now());
                let (ashore, name, request) = (self.clone(), job.container.clone(), request.clone());
                tokio::spawn(async move {
                    if let Err(error) = ashore.renew(&name, &request).await {
                        tracing::warn!(container = %name, %error, "its lease was not renewed");
                    }
                });
            }
        }
    }

    async fn renew(&self, name: &str, request: &StandbyRequest) -> Result<()> {
        let record = match self.engine.inspect(name).await {
            Err(error) if error.kind() == Kind::NotFound => return Ok(()),
            other => other?,
        };
        let (_, provider) = self.provider(&request.target, &Environment::new())?;
        let asked = Instant::now();
        let lease = self.lease_of(name, request.failover);
        let answer = provider.lease(&lease);
        match tokio::time::timeout(Duration::from_secs(request.failover) / 3, answer).await {
            Err(_) => Err(Error::new(Kind::Deadline, format!("{} does not answer", request.target))),
            Ok(Err(Failure::Conflict(_))) => self.lost(name, request).await,
            Ok(Err(failure)) => Err(failure.into()),
            Ok(Ok(_)) if record.is_running() => {
                self.engine.lease_for(name, own_time(request.failover, asked)).await
            }
            // It ended for want of a lease, and nobody has taken over.
            Ok(Ok(_)) if record.leased && !record.stopped_by_user => {
                self.engine.start_leased(name, own_time(request.failover, asked)).await
            }
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// The target has taken over. What is here stays, stopped, under another name: it may hold what was written last.
    async fn lost(&self, name: &str, request: &StandbyRequest) -> Result<()> {
        let record = self.engine.inspect(name).await?;
        if record.is_running() {
            // Its supervisor ends it within the lease's time; until then it is nobody's.
            return Ok(());
        }
        let mut kept = format!("{name}.lost");
        if self.engine.inspect(&kept).await.is_ok() {
            kept = format!("{kept}-{}", sampan_engine::now() / 1_000_000_000);
        }
        tracing::warn!(container = %name, target = %request.target, %kept, "it lives there now: what is here is kept");
        self.engine.rename(name, &kept).await?;
        let moved = Moved {
            name: name.to_owned(),
            target: request.target.clone(),
            record: sampan_engine::containers::ContainerRecord::clone(&record),
            replicas: 1,
            relay: None,
            at: sampan_engine::now(),
        };
        self.note_moved(moved).await
    }
}

/// How long it may run here: a third of the target's time is for the way, and for clocks that differ.
fn own_time(seconds: u64, asked: Instant) -> Duration {
    (Duration::from_secs(seconds) * 2 / 3).saturating_sub(asked.elapsed())
}
