//! Does jobs when they are due, one at a time on each container.

use super::{Job, JobRun, Work};
use crate::ashore::{Environment, Moved};
use crate::fleet::Fleet;
use crate::report::Report;
use sampan_error::{Error, Result};
use std::time::Duration;

/// A clock that is set is noticed within this.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

impl Fleet {
    /// All jobs, by id.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        self.shared().jobs().values().cloned().collect()
    }

    /// One job.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn job(&self, id: &str) -> Result<Job> {
        let found = self.shared().jobs().get(id).cloned();
        found.ok_or_else(|| Error::not_found(format!("there is no job {id}: `sampan job ls` lists them")))
    }

    /// Adds a job, in the place of the container's one of the same kind.
    ///
    /// # Errors
    /// No such container; the work is not possible for it.
    pub async fn add_job(&self, mut job: Job) -> Result<Job> {
        if let Some(moved) = self.ashore()?.moved(&job.container) {
            job.created = self.place().now();
            let target = &moved.target;
            tracing::debug!(container = %moved.name, %target, "its job works where it lives");
            self.save_job(&job).await?;
            self.shared().jobs_changed.notify_one();
            return Ok(job);
        }
        let (group, blueprint) = self.group_of(&job.container).await?;
        job.container.clone_from(&group.name);
        job.created = self.place().now();
        if let Work::Scale(policy) = &job.work {
            policy.check()?;
            if policy.most > 1 {
                crate::controllers::scale::check(&group, &blueprint)?;
            }
        }
        let before = self.job(&job.id()).ok();
        self.save_job(&job).await?;
        if let Err(error) = self.lease(before.as_ref(), &job).await {
            match &before {
                Some(before) => self.save_job(before).await?,
                None => self.forget_job(&job.id()).await?,
            }
            return Err(error);
        }
        self.shared().jobs_changed.notify_one();
        Ok(job)
    }

    /// A container whose copy takes over by itself runs by a lease; one whose copy did, and does not any more, gives it back.
    async fn lease(&self, before: Option<&Job>, job: &Job) -> Result<()> {
        let Work::Move(request) = &job.work else { return Ok(()) };
        if let Some(Job { work: Work::Move(earlier), .. }) = before
            && earlier.failover > 0
        {
            self.ashore()?.end_lease(&job.container, earlier, false).await?;
        }
        match request.failover {
            0 => Ok(()),
            _ => self.ashore()?.begin_lease(&job.container, request).await,
        }
    }

    /// Pauses a job or lets it go on.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn pause_job(&self, id: &str, paused: bool) -> Result<()> {
        let job = Job { paused, ..self.job(id)? };
        self.save_job(&job).await?;
        self.shared().jobs_changed.notify_one();
        Ok(())
    }

    /// Ends a job. One whose container runs by a lease ends with it: the target is told first, unless `force` says that its
    /// copy does not run and never will by itself.
    ///
    /// # Errors
    /// `NotFound`; the target cannot be told.
    pub async fn remove_job(&self, id: &str, force: bool) -> Result<()> {
        let job = self.job(id)?;
        if let Work::Move(request) = &job.work
            && request.failover > 0
        {
            let ashore = self.ashore()?;
            if ashore.moved(&job.container).is_none() {
                ashore.end_lease(&job.container, request, force).await?;
            }
        }
        self.forget_job(id).await
    }

    /// Does a job now.
    ///
    /// # Errors
    /// `NotFound`; what it meets.
    pub async fn run_job(&self, id: &str, report: &Report) -> Result<JobRun> {
        let job = self.job(id)?;
        let at = self.place().now();
        let done = self.work(&job, report).await;
        let mut run = JobRun { at, took: self.place().now() - at, ..JobRun::default() };
        match &done {
            Ok(outcome) => run.outcome.clone_from(outcome),
            Err(error) => run.error = error.to_string(),
        }
        // It may have been changed or removed meanwhile.
        if let Ok(now) = self.job(id) {
            self.save_job(&Job { last: Some(run.clone()), ..now }).await?;
        }
        done.map(|_| run)
    }

    async fn work(&self, job: &Job, report: &Report) -> Result<String> {
        let name = &job.container;
        if let Some(moved) = self.ashore().ok().and_then(|ashore| ashore.moved(name)) {
            return Box::pin(self.work_ashore(&moved, job, report)).await;
        }
        match &job.work {
            Work::Update(request) => Ok(match self.update(name, request, report).await? {
                Some(group) => format!("updated to {}", group.image()),
                None => "nothing newer".to_owned(),
            }),
            Work::Scale(policy) => self.autoscale(name, policy, report).await,
            Work::Deploy(request) => {
                let ashore = self.ashore()?;
                Ok(Box::pin(ashore.keep(name, request, report)).await?)
            }
            Work::Move(request) => {
                let ashore = self.ashore()?;
                Ok(Box::pin(ashore.keep_warm(name, request, &Environment::new(), report)).await?)
            }
            Work::Backup(request) => {
                let done = self.backup(name, request, report).await?;
                let id = done.snapshot.id.get(..8).unwrap_or_default();
                Ok(format!("{id}: {} bytes new", done.snapshot.added))
            }
        }
    }

    /// A job of a container that lives elsewhere, with the daemon's own credentials.
    async fn work_ashore(&self, moved: &Moved, job: &Job, report: &Report) -> Result<String> {
        let (ashore, none) = (self.ashore()?, Environment::new());
        let (name, target) = (&moved.name, &moved.target);
        match &job.work {
            Work::Update(request) => {
                let image = request.image.clone().unwrap_or_default();
                ashore.update_moved(name, &image, request.force, &none, report).await
            }
            Work::Scale(policy) => {
                let (_, provider) = ashore.provider(target, &none)?;
                provider.autoscale(name, &policy.ashore()).await?;
                Ok(format!("{target} scales it between {} and {}", policy.least, policy.most))
            }
            Work::Deploy(request) if request.target == *target => Ok(format!("it lives at {target}")),
            Work::Deploy(request) => Err(Error::conflict(format!(
                "{name} lives at {target}: it is sent to {} from here when it is back",
                request.target
            ))),
            Work::Move(request) => ashore.keep_warm(name, request, &none, report).await,
            Work::Backup(_) => Err(Error::not_implemented(format!(
                "{name} lives at {target}, and backups are taken of containers here"
            ))),
        }
    }

    /// Does jobs when they are due, for ever.
    pub(crate) async fn run_jobs(self) {
        loop {
            let now = self.place().now();
            let mut next: Option<i64> = None;
            for job in self.jobs() {
                let Some(due) = job.next() else { continue };
                if due > now {
                    next = Some(next.map_or(due, |next| next.min(due)));
                    continue;
                }
                let id = job.id();
                if !self.shared().begin(&id) {
                    continue;
                }
                let fleet = self.clone();
                tokio::spawn(async move {
                    fleet.do_due(&id).await;
                    fleet.shared().end(&id);
                    fleet.shared().jobs_changed.notify_one();
                });
            }
            let pause = next.map_or(LONGEST_SLEEP, |next| {
                Duration::from_nanos(u64::try_from(next.saturating_sub(now)).unwrap_or(0)).min(LONGEST_SLEEP)
            });
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.shared().jobs_changed.notified() => {}
            }
        }
    }

    async fn do_due(&self, id: &str) {
        match self.run_job(id, &Report::none()).await {
            Ok(run) => tracing::debug!(job = id, outcome = %run.outcome, "done"),
            Err(error) => tracing::warn!(job = id, %error, "a job failed"),
        }
    }
}
