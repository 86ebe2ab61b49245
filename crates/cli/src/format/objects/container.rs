//! Containers as `ps` lists them.

use std::cell::Cell;
use std::rc::Rc;

use serde_json::Value as Json;

use super::{Fields, label, labels, ports, size};
use crate::format::json::Html;
use crate::format::reference::Reference;
use crate::format::table::{Column, Kind, Row, Style};
use crate::format::value::{Member, Object, Value};
use crate::format::{text, time, units};

const TABLE: &str =
    "table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

const RAW: &str = "container_id: {{.ID}}
image: {{.Image}}
command: {{.Command}}
created_at: {{.CreatedAt}}
state: {{- pad .State 1 0}}
status: {{- pad .Status 1 0}}
names: {{.Names}}
labels: {{- pad .Labels 1 0}}
ports: {{- pad .Ports 1 0}}
";

/// The format behind what the user chose: nothing, `table`, `raw` or a template.
pub(crate) fn format(source: &str, quiet: bool, with_size: bool) -> String {
    match source {
        "" | "table" if quiet => "{{.ID}}".into(),
        "" | "table" if with_size => format!("{TABLE}\t{{{{.Size}}}}"),
        "" | "table" => TABLE.into(),
        "raw" if quiet => "container_id: {{.ID}}".into(),
        "raw" if with_size => format!("{RAW}size: {{{{.Size}}}}\\n"),
        "raw" => RAW.into(),
        _ if quiet => "{{.ID}}".into(),
        other => other.into(),
    }
}

/// A row of `GET /containers/json`.
pub(crate) static CONTAINER: Kind<Json> = Kind {
    type_name: "*formatter.ContainerContext",
    columns: &[
        Column {
            name: "ID",
            title: Some("CONTAINER ID"),
            value: |item, style| short(item.text("Id"), style),
        },
        Column { name: "Names", title: Some("NAMES"), value: |item, style| names(item, style).into() },
        Column { name: "Image", title: Some("IMAGE"), value: |item, style| image(item, style).into() },
        Column { name: "Command", title: Some("COMMAND"), value: |item, style| command(item, style).into() },
        Column {
            name: "CreatedAt",
            title: Some("CREATED AT"),
            value: |item, _| time::go_string(item.int("Created")).into(),
        },
        Column {
            name: "RunningFor",
            title: Some("CREATED"),
            value: |item, _| format!("{} ago", time::since(item.int("Created"))).into(),
        },
        Column {
            name: "Ports",
            title: Some("PORTS"),
            value: |item, _| ports::displayable(item.list("Ports")).into(),
        },
        Column { name: "State", title: Some("STATE"), value: |item, _| item.text("State").into() },
        Column { name: "Status", title: Some("STATUS"), value: |item, _| item.text("Status").into() },
        Column { name: "Size", title: Some("SIZE"), value: |item, _| sizes(item).into() },
        Column { name: "Labels", title: Some("LABELS"), value: |item, _| labels(item).into() },
        Column { name: "Mounts", title: Some("MOUNTS"), value: |item, style| mounts(item, style).into() },
        Column {
            name: "LocalVolumes",
            title: Some("LOCAL VOLUMES"),
            value: |item, _| local_volumes(item).to_string().into(),
        },
        Column { name: "Networks", title: Some("NETWORKS"), value: |item, _| networks(item).into() },
        Column { name: "Platform", title: Some("PLATFORM"), value: |item, _| platform(item) },
    ],
    label: Some(label),
};

/// An id, shortened if the style says so.
pub(crate) fn short(id: &str, style: Style) -> Value {
    if style.short { text::short_id(id).into() } else { id.into() }
}

fn names(item: &Json, style: Style) -> String {
    let names: Vec<&str> =
        item.texts("Names").into_iter().map(|name| name.get(1..).unwrap_or_default()).collect();
    match names.iter().find(|name| style.short && !name.contains('/')) {
        Some(name) => (*name).into(),
        None => names.join(","),
    }
}

fn image(item: &Json, style: Style) -> String {
    let image = item.text("Image");
    if image.is_empty() {
        return "<no image>".into();
    }
    if style.short {
        let id = text::short_id(item.text("ImageID"));
        if id == text::short_id(image) {
            return id.into();
        }
        if let Some(reference) = Reference::parse(image) {
            return match &reference.tag {
                Some(tag) => format!("{}:{tag}", reference.familiar_name()),
                None => reference.familiar_name(),
            };
        }
    }
    image.into()
}

fn command(item: &Json, style: Style) -> String {
    let command = item.text("Command");
    text::quote(&if style.short { text::ellipsis(command, 20) } else { command.into() })
}

fn sizes(item: &Json) -> String {
    let writable = units::human_size_with_precision(size(item.int("SizeRw")), 3);
    match item.int("SizeRootFs") {
        total if total > 0 => {
            format!("{writable} (virtual {})", units::human_size_with_precision(size(total), 3))
        }
        _ => writable,
    }
}

fn mounts(item: &Json, style: Style) -> String {
    let names: Vec<String> = item
        .list("Mounts")
        .iter()
        .map(|mount| {
            let name = if mount.text("Name").is_empty() { mount.text("Source") } else { mount.text("Name") };
            if style.short { text::ellipsis(name, 15) } else { name.into() }
        })
        .collect();
    names.join(",")
}

fn local_volumes(item: &Json) -> usize {
    item.list("Mounts").iter().filter(|mount| mount.text("Driver") == "local").count()
}

fn networks(item: &Json) -> String {
    let networks = item.field("NetworkSettings").field("Networks").as_object();
    let mut names: Vec<&str> = networks.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.join(",")
}

fn platform(item: &Json) -> Value {
    let platform = item.field("ImageManifestDescriptor").field("platform");
    if platform.is_null() {
        Value::Nil("*formatter.Platform")
    } else {
        Value::Object(Rc::new(Platform(platform.clone())))
    }
}

/// A platform: `linux/arm64/v8` in text, its parts in JSON.
struct Platform(Json);

impl Object for Platform {
    fn type_name(&self) -> String {
        "*formatter.Platform".into()
    }

    fn member(&self, name: &str) -> Member {
        let key = match name {
            "Architecture" => "architecture",
            "OS" => "os",
            "OSVersion" => "os.version",
            "Variant" => "variant",
            _ => return Member::Absent,
        };
        Member::Value(self.0.text(key).into())
    }

    fn json(&self, html: Html) -> String {
        let mut out = String::new();
        Value::untyped(&self.0).write_json(&mut out, html);
        out
    }

    fn text(&self) -> String {
        let system = match self.0.text("os.version") {
            "" => self.0.text("os").to_string(),
            version => format!("{}({version})", self.0.text("os")),
        };
        let parts = [system.as_str(), self.0.text("architecture"), self.0.text("variant")];
        let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join("/")
    }
}

/// An empty container that notices whether a template asks for its size.
pub(crate) struct Probe {
    row: Rc<ProbeRow>,
}

struct ProbeRow {
    row: Value,
    asked: Cell<bool>,
}

/// A probe that was asked nothing yet.
pub(crate) fn probe() -> Probe {
    let row = Row::of(&CONTAINER, Json::Null, Style { short: false });
    Probe { row: Rc::new(ProbeRow { row, asked: Cell::new(false) }) }
}

impl Probe {
    /// What the template is given.
    pub(crate) fn value(&self) -> Value {
        Value::Object(self.row.clone())
    }

    /// Whether the template used `.Size`, or everything.
    pub(crate) fn asked_for_size(&self) -> bool {
        self.row.asked.get()
    }
}

impl ProbeRow {
    fn inner(&self) -> Option<&Rc<dyn Object>> {
        match &self.row {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }
}

impl Object for ProbeRow {
    fn type_name(&self) -> String {
        CONTAINER.type_name.into()
    }

    fn member(&self, name: &str) -> Member {
        if name == "Size" {
            self.asked.set(true);
        }
        self.inner().map_or(Member::Absent, |object| object.member(name))
    }

    fn has_methods(&self) -> bool {
        true
    }

    fn json(&self, html: Html) -> String {
        self.asked.set(true);
        self.inner().map(|object| object.json(html)).unwrap_or_default()
    }

    fn text(&self) -> String {
        String::new()
    }
}
