//! Networks as `network ls` lists them.

use serde_json::Value as Json;

use super::container::short;
use super::{Fields, label, labels};
use crate::format::table::{Column, Kind};
use crate::format::time;

/// The format behind what the user chose.
pub(crate) fn format(source: &str, quiet: bool) -> String {
    match source {
        "table" if quiet => "{{.ID}}".into(),
        "table" => "table {{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}".into(),
        "raw" if quiet => "network_id: {{.ID}}".into(),
        "raw" => "network_id: {{.ID}}\\nname: {{.Name}}\\ndriver: {{.Driver}}\\nscope: {{.Scope}}\\n".into(),
        other => other.into(),
    }
}

/// A row of `GET /networks`.
pub(crate) static NETWORK: Kind<Json> = Kind {
    type_name: "*network.networkContext",
    columns: &[
        Column { name: "ID", title: Some("NETWORK ID"), value: |item, style| short(item.text("Id"), style) },
        Column { name: "Name", title: Some("NAME"), value: |item, _| item.text("Name").into() },
        Column { name: "Driver", title: Some("DRIVER"), value: |item, _| item.text("Driver").into() },
        Column { name: "Scope", title: Some("SCOPE"), value: |item, _| item.text("Scope").into() },
        Column {
            name: "IPv4",
            title: Some("IPV4"),
            value: |item, _| item.flag("EnableIPv4").to_string().into(),
        },
        Column {
            name: "IPv6",
            title: Some("IPV6"),
            value: |item, _| item.flag("EnableIPv6").to_string().into(),
        },
        Column {
            name: "Internal",
            title: Some("INTERNAL"),
            value: |item, _| item.flag("Internal").to_string().into(),
        },
        Column { name: "Labels", title: Some("LABELS"), value: |item, _| labels(item).into() },
        Column { name: "CreatedAt", title: Some("CREATED AT"), value: |item, _| created_at(item).into() },
    ],
    label: Some(label),
};

fn created_at(item: &Json) -> String {
    let created = item.text("Created");
    time::go_string_of(if created.is_empty() { "0001-01-01T00:00:00Z" } else { created })
}
