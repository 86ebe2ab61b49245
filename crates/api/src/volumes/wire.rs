//! Docker's JSON of volumes.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A volume.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Volume {
    pub(crate) created_at: String,
    pub(crate) driver: String,
    pub(crate) labels: Option<BTreeMap<String, String>>,
    pub(crate) mountpoint: String,
    pub(crate) name: String,
    pub(crate) options: Option<BTreeMap<String, String>>,
    pub(crate) scope: &'static str,
    /// What the driver says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage_data: Option<Usage>,
}

/// Its use of the disk.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Usage {
    pub(crate) ref_count: i64,
    pub(crate) size: i64,
}

/// The list.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    pub(super) volumes: Vec<Volume>,
    pub(super) warnings: Vec<String>,
}

/// The body of a creation.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct CreateBody {
    pub(super) name: String,
    pub(super) driver: String,
    pub(super) driver_opts: BTreeMap<String, String>,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) cluster_volume_spec: Option<crate::containers::wire::Empty>,
}

/// What a prune removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Prune {
    pub(super) volumes_deleted: Vec<String>,
    pub(super) space_reclaimed: u64,
}
