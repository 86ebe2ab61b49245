//! Volumes as `volume ls` lists them.

use serde_json::Value as Json;

use super::{Fields, label, labels, size};
use crate::format::table::{Column, Kind};
use crate::format::units;

/// The format behind what the user chose.
pub(crate) fn format(source: &str, quiet: bool) -> String {
    match source {
        "table" if quiet => "{{.Name}}".into(),
        "table" => "table {{.Driver}}\t{{.Name}}".into(),
        "raw" if quiet => "name: {{.Name}}".into(),
        "raw" => "name: {{.Name}}\\ndriver: {{.Driver}}\\n".into(),
        other => other.into(),
    }
}

/// The table of `volume ls --cluster`.
pub(crate) const CLUSTER_TABLE: &str =
    "table {{.Name}}\t{{.Group}}\t{{.Driver}}\t{{.Availability}}\t{{.Status}}";

/// A row of `GET /volumes`.
pub(crate) static VOLUME: Kind<Json> = Kind {
    type_name: "*formatter.volumeContext",
    columns: &[
        Column { name: "Name", title: Some("VOLUME NAME"), value: |item, _| item.text("Name").into() },
        Column { name: "Driver", title: Some("DRIVER"), value: |item, _| item.text("Driver").into() },
        Column { name: "Scope", title: Some("SCOPE"), value: |item, _| item.text("Scope").into() },
        Column {
            name: "Mountpoint",
            title: Some("MOUNTPOINT"),
            value: |item, _| item.text("Mountpoint").into(),
        },
        Column { name: "Labels", title: Some("LABELS"), value: |item, _| labels(item).into() },
        Column { name: "Links", title: Some("LINKS"), value: |item, _| links(item).into() },
        Column { name: "Size", title: Some("SIZE"), value: |item, _| used(item).into() },
        Column { name: "Group", title: Some("GROUP"), value: |item, _| of_cluster(item, "Group").into() },
        Column {
            name: "Availability",
            title: Some("AVAILABILITY"),
            value: |item, _| of_cluster(item, "Availability").into(),
        },
        Column { name: "Status", title: Some("STATUS"), value: |item, _| status(item).into() },
    ],
    label: Some(label),
};

fn links(item: &Json) -> String {
    let usage = item.field("UsageData");
    if usage.is_null() { "N/A".into() } else { usage.int("RefCount").to_string() }
}

fn used(item: &Json) -> String {
    let usage = item.field("UsageData");
    if usage.is_null() { "N/A".into() } else { units::human_size(size(usage.int("Size"))) }
}

fn of_cluster(item: &Json, key: &str) -> String {
    let cluster = item.field("ClusterVolume");
    if cluster.is_null() { "N/A".into() } else { cluster.field("Spec").text(key).into() }
}

fn status(item: &Json) -> String {
    let cluster = item.field("ClusterVolume");
    if cluster.is_null() {
        return "N/A".into();
    }
    if cluster.field("Info").text("VolumeID").is_empty() {
        return "pending creation".into();
    }
    match cluster.list("PublishStatus").len() {
        0 => "created".into(),
        1 => "in use (1 node)".into(),
        nodes => format!("in use ({nodes} nodes)"),
    }
}
