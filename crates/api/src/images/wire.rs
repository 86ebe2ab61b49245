//! Docker's JSON of images.

use crate::containers::wire::{Config, Empty, GraphDriver, Health};
use serde::Serialize;
use std::collections::BTreeMap;

/// A row of the list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Summary {
    pub(crate) id: String,
    pub(crate) parent_id: String,
    pub(crate) repo_tags: Vec<String>,
    pub(crate) repo_digests: Vec<String>,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) size: u64,
    pub(crate) shared_size: i64,
    /// The size again, for clients of before 1.44.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) virtual_size: Option<u64>,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    /// -1 is "not counted".
    pub(crate) containers: i64,
}

/// Everything about an image.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Inspect {
    pub(super) id: String,
    pub(super) repo_tags: Vec<String>,
    pub(super) repo_digests: Vec<String>,
    pub(super) parent: String,
    pub(super) comment: String,
    pub(super) created: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) container_config: Option<Box<Config>>,
    pub(super) docker_version: String,
    pub(super) author: String,
    pub(super) config: InspectConfig,
    pub(super) architecture: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) variant: String,
    pub(super) os: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) os_version: String,
    pub(super) size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) virtual_size: Option<u64>,
    pub(super) graph_driver: GraphDriver,
    #[serde(rename = "RootFS")]
    pub(super) root_fs: RootFs,
    pub(super) metadata: Metadata,
    /// Ours: whether a collection under the disk budget leaves it alone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) pinned: bool,
    /// Ours: what others say about the image.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) attestations: Vec<Attestation>,
}

/// A statement about an image, which lies at a registry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Attestation {
    pub(super) predicate_type: String,
    pub(super) repository: String,
    pub(super) digest: String,
    pub(super) media_type: String,
    pub(super) size: u64,
}

/// The configuration: of a container for old clients, of an image from 1.50 on.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum InspectConfig {
    Container(Box<Config>),
    Image(Box<ImageConfig>),
}

/// The fields that images have, each left out when it is empty.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ImageConfig {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) user: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) exposed_ports: BTreeMap<String, Empty>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) env: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entrypoint: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cmd: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) healthcheck: Option<Health>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) args_escaped: bool,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) volumes: BTreeMap<String, Empty>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) working_dir: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) on_build: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) stop_signal: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) shell: Vec<String>,
}

/// Its layers.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RootFs {
    #[serde(rename = "Type")]
    pub(super) kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) layers: Vec<String>,
}

/// What this engine knows of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Metadata {
    pub(super) last_tag_time: String,
}

/// One step of its history.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct HistoryRow {
    pub(super) id: String,
    pub(super) created: i64,
    pub(super) created_by: String,
    pub(super) tags: Option<Vec<String>>,
    pub(super) size: u64,
    pub(super) comment: String,
}

/// What was taken away: a name or an image.
#[derive(Debug, Serialize)]
pub(super) enum Removal {
    Untagged(String),
    Deleted(String),
}

/// What a prune removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Prune {
    pub(super) images_deleted: Vec<Removal>,
    pub(super) space_reclaimed: u64,
}

/// One object of a progress stream.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Progress {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) stream: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress_detail: Option<ProgressDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) progress: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_detail: Option<ErrorDetail>,
    /// The failure again, for old clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    /// For the program behind the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) aux: Option<Aux>,
}

/// What a program behind the client wants to know.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Aux {
    /// What a push brought to the registry.
    Pushed(PushedTag),
    /// The image that a build made.
    Built {
        /// Its id.
        #[serde(rename = "ID")]
        id: String,
    },
}

/// What a push brought to the registry.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PushedTag {
    pub(crate) tag: String,
    pub(crate) digest: String,
    pub(crate) size: u64,
}

/// `DistributionInspect`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DistributionInspect {
    pub(super) descriptor: DistributionDescriptor,
    pub(super) platforms: Vec<DistributionPlatform>,
}

/// What the name stands for.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DistributionDescriptor {
    pub(super) media_type: String,
    pub(super) digest: String,
    pub(super) size: u64,
}

/// What it runs on.
#[derive(Debug, Serialize)]
pub(super) struct DistributionPlatform {
    pub(super) architecture: String,
    pub(super) os: String,
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty")]
    pub(super) os_version: String,
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty")]
    pub(super) os_features: Vec<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) variant: String,
}

/// A repository that was found.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    star_count: u64,
    is_official: bool,
    name: String,
    is_automated: bool,
    description: String,
}

impl From<sampan_registry::SearchResult> for Found {
    fn from(result: sampan_registry::SearchResult) -> Self {
        Self {
            star_count: result.star_count,
            is_official: result.is_official,
            name: result.name,
            is_automated: result.is_automated,
            description: result.description,
        }
    }
}

/// How far a step is; an empty object where there is nothing to count.
#[derive(Debug, Default, Serialize)]
pub(crate) struct ProgressDetail {
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) current: u64,
    #[serde(skip_serializing_if = "is_zero")]
    pub(super) total: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A failure after the first byte.
#[derive(Debug, Serialize)]
pub(crate) struct ErrorDetail {
    pub(super) message: String,
}
