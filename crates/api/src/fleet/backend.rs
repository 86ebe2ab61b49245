//! What these routes need of a fleet.

use sampan_error::Result;
use sampan_fleet::{Group, Member, Plan, Report, ScaleRequest, UpdateRequest};
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
}
