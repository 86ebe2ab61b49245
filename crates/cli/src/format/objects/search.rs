//! Images of a registry as `search` lists them.

use serde_json::Value as Json;

use super::Fields;
use crate::format::table::{Column, Kind};
use crate::format::text;

/// The format behind what the user chose.
pub(crate) fn format(source: &str) -> String {
    match source {
        "" | "table" => "table {{.Name}}\t{{.Description}}\t{{.StarCount}}\t{{.IsOfficial}}".into(),
        other => other.into(),
    }
}

/// A result, and whether it is shown as JSON, where booleans are words.
pub(crate) struct Found {
    /// The row of `GET /images/search`.
    pub(crate) result: Json,
    /// The format is `json`.
    pub(crate) json: bool,
}

/// A row of `search`.
pub(crate) static SEARCH: Kind<Found> = Kind {
    type_name: "*registry.searchContext",
    columns: &[
        Column { name: "Name", title: Some("NAME"), value: |item, _| item.result.text("name").into() },
        Column {
            name: "Description",
            title: Some("DESCRIPTION"),
            value: |item, style| {
                let description = item.result.text("description").replace(['\n', '\r'], " ");
                if style.short { text::ellipsis(&description, 45).into() } else { description.into() }
            },
        },
        Column {
            name: "StarCount",
            title: Some("STARS"),
            value: |item, _| item.result.int("star_count").to_string().into(),
        },
        Column {
            name: "IsOfficial",
            title: Some("OFFICIAL"),
            value: |item, _| match (item.result.flag("is_official"), item.json) {
                (official, true) => official.to_string().into(),
                (true, false) => "[OK]".into(),
                (false, false) => "".into(),
            },
        },
    ],
    label: None,
};
