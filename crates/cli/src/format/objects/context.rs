//! Contexts as `context ls` lists them.

use crate::format::table::{Column, Kind};
use crate::format::text;
use crate::format::value::Value;

/// The format behind what the user chose.
pub(crate) fn format(source: &str, quiet: bool) -> String {
    match source {
        _ if quiet => "{{.Name}}".into(),
        "table" => {
            "table {{.Name}}{{if .Current}} *{{end}}\t{{.Description}}\t{{.DockerEndpoint}}\t{{.Error}}"
                .into()
        }
        other => other.into(),
    }
}

/// A context of the command line.
pub(crate) struct Context {
    /// Its name.
    pub(crate) name: String,
    /// What its owner wrote about it.
    pub(crate) description: String,
    /// Its engine's address.
    pub(crate) endpoint: String,
    /// Whether it is the one in use.
    pub(crate) current: bool,
    /// Why it could not be read.
    pub(crate) error: String,
}

/// A row of `context ls`.
pub(crate) static CONTEXT: Kind<Context> = Kind {
    type_name: "*formatter.clientContextContext",
    columns: &[
        Column { name: "Name", title: Some("NAME"), value: |item, _| item.name.as_str().into() },
        Column {
            name: "Description",
            title: Some("DESCRIPTION"),
            value: |item, _| item.description.as_str().into(),
        },
        Column {
            name: "DockerEndpoint",
            title: Some("DOCKER ENDPOINT"),
            value: |item, _| item.endpoint.as_str().into(),
        },
        Column { name: "Current", title: None, value: |item, _| Value::Bool(item.current) },
        Column {
            name: "Error",
            title: Some("ERROR"),
            value: |item, _| text::ellipsis(&item.error, 45).into(),
        },
    ],
    label: None,
};
