//! The bodies of these routes.

use crate::http::time;
use sampan_fleet::{Group, Member, ScaleRequest, UpdateRequest};
use serde::{Deserialize, Serialize};

/// `POST /sampan/containers/{name}/scale`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct ScaleBody {
    pub(super) replicas: u32,
    #[serde(flatten)]
    pub(super) settings: SettingsBody,
    pub(super) dry_run: bool,
}

/// `POST /sampan/containers/{name}/update`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct UpdateBody {
    pub(super) image: Option<String>,
    pub(super) rollback: bool,
    pub(super) force: bool,
    #[serde(flatten)]
    pub(super) settings: SettingsBody,
    pub(super) dry_run: bool,
}

/// Seconds and permissions that both have.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct SettingsBody {
    drain: Option<u64>,
    ready_after: Option<u64>,
    ready_timeout: Option<u64>,
    watch: Option<u64>,
    share_volumes: Option<bool>,
}

impl ScaleBody {
    pub(super) fn request(&self) -> ScaleRequest {
        ScaleRequest {
            replicas: self.replicas,
            drain: self.settings.drain,
            ready_after: self.settings.ready_after,
            ready_timeout: self.settings.ready_timeout,
            share_volumes: self.settings.share_volumes,
        }
    }
}

impl UpdateBody {
    pub(super) fn request(&self) -> UpdateRequest {
        UpdateRequest {
            image: self.image.clone().filter(|image| !image.is_empty()),
            rollback: self.rollback,
            force: self.force,
            drain: self.settings.drain,
            ready_after: self.settings.ready_after,
            ready_timeout: self.settings.ready_timeout,
            watch: self.settings.watch,
            share_volumes: self.settings.share_volumes,
        }
    }
}

/// A group as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GroupBody {
    name: String,
    wanted: u32,
    ready: usize,
    image: String,
    generation: u64,
    operation: Option<&'static str>,
    last: Option<LastBody>,
    settings: sampan_fleet::Settings,
    replicas: Vec<ReplicaBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct LastBody {
    at: String,
    what: String,
    error: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicaBody {
    id: String,
    name: String,
    number: u32,
    generation: u64,
    running: bool,
    ready: bool,
    health: sampan_fleet::Health,
}

impl From<(Group, Vec<Member>)> for GroupBody {
    fn from((group, mut members): (Group, Vec<Member>)) -> Self {
        members.sort_by_key(|member| (member.number, member.generation));
        let now = sampan_engine::now();
        let replicas: Vec<ReplicaBody> = members
            .into_iter()
            .map(|member| ReplicaBody {
                ready: member.is_ready(&group.settings, now),
                id: member.id,
                name: member.name,
                number: member.number,
                generation: member.generation,
                running: member.running,
                health: member.health,
            })
            .collect();
        Self {
            wanted: group.replicas,
            ready: replicas.iter().filter(|replica| replica.ready).count(),
            image: group.wanted().map(|generation| generation.image.clone()).unwrap_or_default(),
            generation: group.generation,
            operation: group.operation.as_ref().map(sampan_fleet::Operation::word),
            last: group.last.map(|last| LastBody {
                at: time::rfc3339(last.at),
                what: last.what,
                error: last.error,
            }),
            settings: group.settings,
            name: group.name,
            replicas,
        }
    }
}

/// A plan, each step as a sentence and as data.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PlanBody {
    steps: Vec<String>,
    data: Vec<sampan_fleet::Step>,
}

impl From<sampan_fleet::Plan> for PlanBody {
    fn from(plan: sampan_fleet::Plan) -> Self {
        Self { steps: plan.steps.iter().map(ToString::to_string).collect(), data: plan.steps }
    }
}
