//! Changed files of a container as `diff` lists them.

use serde_json::Value as Json;

use super::Fields;
use crate::format::table::{Column, Kind};

/// A row of `GET /containers/X/changes`.
pub static DIFF: Kind<Json> = Kind {
    type_name: "*container.diffContext",
    columns: &[
        Column {
            name: "Type",
            title: Some("CHANGE TYPE"),
            value: |item, _| match item.int("Kind") {
                0 => "C".into(),
                1 => "A".into(),
                2 => "D".into(),
                _ => "".into(),
            },
        },
        Column { name: "Path", title: Some("PATH"), value: |item, _| item.text("Path").into() },
    ],
    label: None,
};
