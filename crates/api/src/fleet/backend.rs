//! What these routes need of a fleet.

use sampan_error::Result;
use sampan_fleet::{
    BackupRequest, Decision, Group, Job, JobRun, Member, Plan, Report, Restored, ScaleRequest, Snapshot,
    Snapshotted, Store, UpdateRequest,
};
use std::future::Future;

/// Groups of replicas.
pub(crate) trait Backend: Clone + Send + Sync + 'static {
    /// All of them.
    fn groups(&self) -> impl Future<Output = Result<Vec<(Group, Vec<Member>)>>> + Send;

    /// The one of a container.
    fn replicas(&self, container: &str) -> impl Future<Output = Result<(Group, Vec<Member>)>> + Send;

    /// What scaling would do.
    fn plan_scale(
        &self,
        container: &str,
        request: &ScaleRequest,
    ) -> impl Future<Output = Result<Plan>> + Send;

    /// Makes or removes replicas.
    fn scale(
        &self,
        container: &str,
        request: &ScaleRequest,
        report: &Report,
    ) -> impl Future<Output = Result<Group>> + Send;

    /// What an update would do.
    fn plan_update(
        &self,
        container: &str,
        request: &UpdateRequest,
    ) -> impl Future<Output = Result<Plan>> + Send;

    /// Replaces replicas; `None` when there is nothing newer.
    fn roll(
        &self,
        container: &str,
        request: &UpdateRequest,
        report: &Report,
    ) -> impl Future<Output = Result<Option<Group>>> + Send;

    /// Backs a container up.
    fn backup(
        &self,
        container: &str,
        request: &BackupRequest,
        report: &Report,
    ) -> impl Future<Output = Result<Snapshotted>> + Send;

    /// All backups, or those of one container.
    fn backups(
        &self,
        store: &Store,
        name: Option<&str>,
    ) -> impl Future<Output = Result<Vec<Snapshot>>> + Send;

    /// What is wrong with a repository.
    fn verify_backups(
        &self,
        store: &Store,
        all_data: bool,
    ) -> impl Future<Output = Result<Vec<String>>> + Send;

    /// Makes a container of a backup.
    fn restore_backup(
        &self,
        store: &Store,
        backup: &str,
        name: Option<&str>,
        report: &Report,
    ) -> impl Future<Output = Result<Restored>> + Send;

    /// Removes backups.
    fn remove_backups(&self, store: &Store, ids: &[String]) -> impl Future<Output = Result<()>> + Send;

    /// All jobs.
    fn jobs(&self) -> Vec<Job>;

    /// One job.
    fn job(&self, id: &str) -> Result<Job>;

    /// Adds a job.
    fn add_job(&self, job: Job) -> impl Future<Output = Result<Job>> + Send;

    /// Does a job now.
    fn run_job(&self, id: &str, report: &Report) -> impl Future<Output = Result<JobRun>> + Send;

    /// Pauses a job, or lets it go on.
    fn pause_job(&self, id: &str, paused: bool) -> impl Future<Output = Result<()>> + Send;

    /// Ends a job.
    fn remove_job(&self, id: &str, force: bool) -> impl Future<Output = Result<()>> + Send;

    /// What the autoscaler decided last.
    fn last_decision(&self, name: &str) -> Option<Decision>;
}
