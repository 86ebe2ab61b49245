//! The real fleet behind the interface of these routes.

use super::backend::Backend;
use sampan_engine::Engine;
use sampan_error::Result;
use sampan_fleet::{Fleet, Group, Member, Plan, Report, ScaleRequest, UpdateRequest};

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
}
