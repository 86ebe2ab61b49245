//! The real fleet behind the interface of these routes.

use super::backend::Backend;
use sampan_engine::Engine;
use sampan_error::Result;
use sampan_fleet::{
    BackupRequest, Decision, Fleet, Group, Job, JobRun, Member, Plan, Report, Restored, ScaleRequest,
    Snapshot, Snapshotted, Store, UpdateRequest,
};

impl Backend for Engine {
    async fn groups(&self) -> Result<Vec<(Group, Vec<Member>)>> {
        Fleet::local(self).with_members().await
    }

    async fn replicas(&self, container: &str) -> Result<(Group, Vec<Member>)> {
        Fleet::local(self).replicas(container).await
    }

    async fn plan_scale(&self, container: &str, request: &ScaleRequest) -> Result<Plan> {
        Fleet::local(self).plan_scale(container, request).await
    }

    async fn scale(&self, container: &str, request: &ScaleRequest, report: &Report) -> Result<Group> {
        Fleet::local(self).scale(container, request, report).await
    }

    async fn plan_update(&self, container: &str, request: &UpdateRequest) -> Result<Plan> {
        Fleet::local(self).plan_update(container, request).await
    }

    async fn roll(&self, container: &str, request: &UpdateRequest, report: &Report) -> Result<Option<Group>> {
        Fleet::local(self).update(container, request, report).await
    }

    fn jobs(&self) -> Vec<Job> {
        Fleet::local(self).jobs()
    }

    fn job(&self, id: &str) -> Result<Job> {
        Fleet::local(self).job(id)
    }

    async fn add_job(&self, job: Job) -> Result<Job> {
        Fleet::local(self).add_job(job).await
    }

    async fn run_job(&self, id: &str, report: &Report) -> Result<JobRun> {
        Fleet::local(self).run_job(id, report).await
    }

    async fn pause_job(&self, id: &str, paused: bool) -> Result<()> {
        Fleet::local(self).pause_job(id, paused).await
    }

    async fn remove_job(&self, id: &str, force: bool) -> Result<()> {
        Fleet::local(self).remove_job(id, force).await
    }

    fn last_decision(&self, name: &str) -> Option<Decision> {
        Fleet::local(self).last_decision(name)
    }

    async fn backup(&self, container: &str, request: &BackupRequest, report: &Report) -> Result<Snapshotted> {
        Fleet::local(self).backup(container, request, report).await
    }

    async fn backups(&self, store: &Store, name: Option<&str>) -> Result<Vec<Snapshot>> {
        Fleet::local(self).backups(store, name).await
    }

    async fn verify_backups(&self, store: &Store, all_data: bool) -> Result<Vec<String>> {
        Fleet::local(self).verify_backups(store, all_data).await
    }

    async fn restore_backup(
        &self,
        store: &Store,
        backup: &str,
        name: Option<&str>,
        report: &Report,
    ) -> Result<Restored> {
        Fleet::local(self).restore(store, backup, name, report).await
    }

    async fn remove_backups(&self, store: &Store, ids: &[String]) -> Result<()> {
        Fleet::local(self).remove_backups(store, ids).await
    }
}
