//! The layers of an image as `history` lists them.

use serde_json::Value as Json;

use super::container::short;
use super::{Fields, size};
use crate::format::table::{Column, Kind};
use crate::format::{text, time, units};

/// Dates up to this one (the year 2000) are made up by reproducible builds: not said in words.
const EPOCH: i64 = 946_684_800;

/// The format behind what the user chose.
pub(crate) fn format(source: &str, quiet: bool, human: bool) -> String {
    match source {
        "table" if quiet => "{{.ID}}".into(),
        "table" if !human => "table {{.ID}}\t{{.CreatedAt}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}".into(),
        "table" => "table {{.ID}}\t{{.CreatedSince}}\t{{.CreatedBy}}\t{{.Size}}\t{{.Comment}}".into(),
        other => other.into(),
    }
}

/// A layer, and whether dates and sizes are said in words.
pub(crate) struct Step {
    /// The row of `GET /images/X/history`.
    pub(crate) layer: Json,
    /// `--human`.
    pub(crate) human: bool,
}

/// A row of `history`.
pub(crate) static HISTORY: Kind<Step> = Kind {
    type_name: "*image.historyContext",
    columns: &[
        Column { name: "ID", title: Some("IMAGE"), value: |item, style| short(item.layer.text("Id"), style) },
        Column { name: "CreatedAt", title: Some("CREATED AT"), value: |item, _| created_at(item).into() },
        Column { name: "CreatedSince", title: Some("CREATED"), value: |item, _| created_since(item).into() },
        Column {
            name: "CreatedBy",
            title: Some("CREATED BY"),
            value: |item, style| {
                let command = item.layer.text("CreatedBy").replace('\t', " ");
                if style.short { text::ellipsis(&command, 45).into() } else { command.into() }
            },
        },
        Column {
            name: "Size",
            title: Some("SIZE"),
            value: |item, _| {
                let bytes = item.layer.int("Size");
                if item.human {
                    units::human_size_with_precision(size(bytes), 3).into()
                } else {
                    bytes.to_string().into()
                }
            },
        },
        Column {
            name: "Comment",
            title: Some("COMMENT"),
            value: |item, _| item.layer.text("Comment").into(),
        },
    ],
    label: None,
};

fn created_at(item: &Step) -> String {
    time::rfc3339(item.layer.int("Created"))
}

fn created_since(item: &Step) -> String {
    match item.layer.int("Created") {
        _ if !item.human => created_at(item),
        created if created <= EPOCH => "N/A".into(),
        created => format!("{} ago", time::since(created)),
    }
}
