//! Entries of the build cache as disk usage lists them.

use serde_json::Value as Json;

use super::{Fields, size};
use crate::format::table::{Column, Kind, Style};
use crate::format::{text, time, units};

/// The table of `system df -v`.
pub(crate) const TABLE: &str = "table {{.ID}}\t{{.CacheType}}\t{{.Size}}\t{{.CreatedSince}}\t{{.LastUsedSince}}\t{{.UsageCount}}\t{{.Shared}}";

/// The template of the `raw` format.
pub(crate) const RAW: &str = "build_cache_id: {{.ID}}
parent_id: {{.Parent}}
build_cache_type: {{.CacheType}}
description: {{.Description}}
created_at: {{.CreatedAt}}
created_since: {{.CreatedSince}}
last_used_at: {{.LastUsedAt}}
last_used_since: {{.LastUsedSince}}
usage_count: {{.UsageCount}}
in_use: {{.InUse}}
shared: {{.Shared}}
";

/// Sorts by the time of the last use, the unused first.
pub(crate) fn sort(records: &mut [Json]) {
    records.sort_by(|left, right| {
        let key = |record: &Json| time::parse_rfc3339(record.text("LastUsedAt"));
        key(left).cmp(&key(right)).then_with(|| left.text("ID").cmp(right.text("ID")))
    });
}

/// A record of the build cache.
pub(crate) static BUILD_CACHE: Kind<Json> = Kind {
    type_name: "*formatter.buildCacheContext",
    columns: &[
        Column { name: "ID", title: Some("CACHE ID"), value: |item, style| id(item, style).into() },
        Column { name: "Parent", title: Some("PARENT"), value: |item, style| parent(item, style).into() },
        Column { name: "CacheType", title: Some("CACHE TYPE"), value: |item, _| item.text("Type").into() },
        Column {
            name: "Description",
            title: Some("DESCRIPTION"),
            value: |item, _| item.text("Description").into(),
        },
        Column {
            name: "Size",
            title: Some("SIZE"),
            value: |item, _| units::human_size_with_precision(size(item.int("Size")), 3).into(),
        },
        Column {
            name: "CreatedAt",
            title: None,
            value: |item, _| time::go_string_of(item.text("CreatedAt")).into(),
        },
        Column {
            name: "CreatedSince",
            title: Some("CREATED"),
            value: |item, _| ago(item.text("CreatedAt")).into(),
        },
        Column {
            name: "LastUsedAt",
            title: None,
            value: |item, _| match item.text("LastUsedAt") {
                "" => "".into(),
                used => time::go_string_of(used).into(),
            },
        },
        Column {
            name: "LastUsedSince",
            title: Some("LAST USED"),
            value: |item, _| match item.text("LastUsedAt") {
                "" => "".into(),
                used => ago(used).into(),
            },
        },
        Column {
            name: "UsageCount",
            title: Some("USAGE"),
            value: |item, _| item.int("UsageCount").to_string().into(),
        },
        Column {
            name: "InUse",
            title: Some("IN USE"),
            value: |item, _| item.flag("InUse").to_string().into(),
        },
        Column {
            name: "Shared",
            title: Some("SHARED"),
            value: |item, _| item.flag("Shared").to_string().into(),
        },
    ],
    label: None,
};

fn id(item: &Json, style: Style) -> String {
    let id = item.text("ID");
    let id = if style.short { text::short_id(id) } else { id };
    if item.flag("InUse") { format!("{id}*") } else { id.into() }
}

fn parent(item: &Json, style: Style) -> String {
    // The key begins with a blank: a slip of the pen that became the API.
    let parents = item.texts(" Parents");
    let parent = if parents.is_empty() { item.text("Parent").to_string() } else { parents.join(", ") };
    if style.short { text::short_id(&parent).into() } else { parent }
}

fn ago(moment: &str) -> String {
    let elapsed = time::parse_rfc3339(moment).map_or(i128::from(i64::MAX), |then| time::now() - then);
    format!("{} ago", units::human_duration(elapsed))
}
