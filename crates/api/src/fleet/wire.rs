//! The bodies of these routes.

use crate::http::time;
use sampan_error::{Error, Result};
use sampan_fleet::{
    BackupRequest, DeployRequest, Group, Job, Member, Policy, PushOptions, Retention, ScaleRequest, Schedule,
    SettingsChange, Snapshot, StandbyRequest, Store, UpdateRequest, Work,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

impl SettingsBody {
    fn change(&self) -> SettingsChange {
        let Self { drain, ready_after, ready_timeout, watch, share_volumes } = *self;
        SettingsChange { drain, ready_after, ready_timeout, watch, share_volumes }
    }
}

impl ScaleBody {
    pub(super) fn request(&self) -> ScaleRequest {
        ScaleRequest { replicas: self.replicas, settings: self.settings.change() }
    }
}

impl UpdateBody {
    pub(super) fn request(&self) -> UpdateRequest {
        UpdateRequest {
            image: self.image.clone().filter(|image| !image.is_empty()),
            rollback: self.rollback,
            force: self.force,
            settings: self.settings.change(),
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

/// `POST /sampan/jobs`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct NewJobBody {
    container: String,
    /// `5m`, or five fields as in crontab(5).
    schedule: String,
    update: Option<UpdateBody>,
    scale: Option<AutoscaleBody>,
    backup: Option<BackupBody>,
    deploy: Option<DeployBody>,
    #[serde(rename = "Move")]
    standby: Option<StandbyBody>,
}

/// A container of which a copy is kept at a target.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct StandbyBody {
    pub(crate) target: String,
    pub(crate) failover: u64,
}

/// A container that is kept at a target.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct DeployBody {
    target: String,
    image_only: bool,
    replicas: Option<u32>,
}

/// `POST /sampan/containers/{name}/backup`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct BackupBody {
    to: String,
    key_file: String,
    retention: RetentionBody,
}

/// Which ones stay.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RetentionBody {
    last: Option<u32>,
    hourly: Option<u32>,
    daily: Option<u32>,
    weekly: Option<u32>,
    monthly: Option<u32>,
}

/// `POST /sampan/backups/{id}/restore`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct RestoreBody {
    pub(super) name: Option<String>,
    pub(super) to: String,
    pub(super) key_file: String,
}

impl BackupBody {
    pub(super) fn request(&self) -> BackupRequest {
        let RetentionBody { last, hourly, daily, weekly, monthly } = self.retention;
        BackupRequest {
            store: Store { folder: self.to.clone(), key_file: self.key_file.clone() },
            retention: Retention { last, hourly, daily, weekly, monthly },
        }
    }
}

/// A backup as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SnapshotBody {
    id: String,
    container: String,
    time: String,
    size: u64,
    added: u64,
}

impl From<Snapshot> for SnapshotBody {
    fn from(snapshot: Snapshot) -> Self {
        Self {
            id: snapshot.id,
            container: snapshot.name,
            time: time::rfc3339(snapshot.time),
            size: snapshot.size,
            added: snapshot.added,
        }
    }
}

/// Bytes as people read them.
pub(super) fn bytes_text(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 1000.0 {
            return if unit == "B" { format!("{value:.0} B") } else { format!("{value:.1} {unit}") };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// Automatic scale.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct AutoscaleBody {
    least: Option<u32>,
    most: u32,
    /// By metric.
    targets: BTreeMap<String, f64>,
    down_after: Option<u64>,
    lead: Option<u64>,
}

impl NewJobBody {
    pub(super) fn job(&self) -> Result<Job> {
        let work = match (&self.update, &self.scale, &self.backup, &self.deploy, &self.standby) {
            (Some(update), None, None, None, None) => Work::Update(update.request()),
            (None, Some(scale), None, None, None) => Work::Scale(scale.policy()),
            (None, None, Some(backup), None, None) => Work::Backup(backup.request()),
            (None, None, None, None, Some(standby)) => {
                Work::Move(StandbyRequest { target: standby.target.clone(), failover: standby.failover })
            }
            (None, None, None, Some(deploy), None) => Work::Deploy(DeployRequest {
                target: deploy.target.clone(),
                options: PushOptions { image_only: deploy.image_only, replicas: deploy.replicas },
            }),
            _ => {
                return Err(Error::invalid(
                    "a job says what it does: one of Update, Scale, Backup, Deploy and Move",
                ));
            }
        };
        Ok(Job {
            container: self.container.clone(),
            work,
            schedule: Schedule::parse(&self.schedule)?,
            paused: false,
            created: 0,
            last: None,
        })
    }
}

impl AutoscaleBody {
    fn policy(&self) -> Policy {
        let default = Policy::default();
        Policy {
            least: self.least.unwrap_or(1),
            most: self.most,
            targets: if self.targets.is_empty() { default.targets } else { self.targets.clone() },
            down_after: self.down_after.unwrap_or(default.down_after),
            lead: self.lead.unwrap_or(default.lead),
            tolerance: default.tolerance,
        }
    }
}

/// A job as clients see it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JobBody {
    id: String,
    container: String,
    kind: &'static str,
    schedule: String,
    paused: bool,
    created: String,
    next: Option<String>,
    work: Work,
    last: Option<RunBody>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct RunBody {
    at: String,
    took_ms: i64,
    outcome: String,
    error: String,
}

impl From<Job> for JobBody {
    fn from(job: Job) -> Self {
        Self {
            id: job.id(),
            kind: job.work.kind(),
            schedule: job.schedule.to_string(),
            paused: job.paused,
            created: time::rfc3339(job.created),
            next: job.next().map(time::rfc3339),
            last: job.last.map(|run| RunBody {
                at: time::rfc3339(run.at),
                took_ms: run.took / 1_000_000,
                outcome: run.outcome,
                error: run.error,
            }),
            container: job.container,
            work: job.work,
        }
    }
}
