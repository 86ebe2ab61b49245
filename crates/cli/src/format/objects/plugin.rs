//! Engine plugins as `plugin ls` lists them.

use serde_json::Value as Json;

use super::Fields;
use super::container::short;
use crate::format::table::{Column, Kind};
use crate::format::text;
use crate::format::value::Value;

/// The format behind what the user chose.
pub fn format(source: &str, quiet: bool) -> String {
    match source {
        "table" if quiet => "{{.ID}}".into(),
        "table" => "table {{.ID}}\t{{.Name}}\t{{.Description}}\t{{.Enabled}}".into(),
        "raw" if quiet => "plugin_id: {{.ID}}".into(),
        "raw" => {
            "plugin_id: {{.ID}}\\nname: {{.Name}}\\ndescription: {{.Description}}\\nenabled: {{.Enabled}}\\n"
                .into()
        }
        other => other.into(),
    }
}

/// A row of `GET /plugins`.
pub static PLUGIN: Kind<Json> = Kind {
    type_name: "*plugin.pluginContext",
    columns: &[
        Column { name: "ID", title: Some("ID"), value: |item, style| short(item.text("Id"), style) },
        Column { name: "Name", title: Some("NAME"), value: |item, _| item.text("Name").into() },
        Column {
            name: "Description",
            title: Some("DESCRIPTION"),
            value: |item, style| {
                let description = item.field("Config").text("Description").replace(['\n', '\r'], " ");
                if style.short { text::ellipsis(&description, 45).into() } else { description.into() }
            },
        },
        Column {
            name: "Enabled",
            title: Some("ENABLED"),
            value: |item, _| Value::Bool(item.flag("Enabled")),
        },
        Column { name: "PluginReference", title: None, value: |item, _| item.text("PluginReference").into() },
    ],
    label: None,
};
