//! The Go types behind the objects that `inspect`, `info` and `version` give to templates.
//!
//! A document decoded by a schema behaves in a template as Docker's struct does: every field exists
//! with its zero value, `json` writes them in the struct's order and leaves out what is empty, and a
//! field that Docker does not know is an error (which `inspect` answers by looking at the document).

pub(crate) mod container;
pub(crate) mod events;
pub(crate) mod image;
pub(crate) mod network;
pub(crate) mod system;
pub(crate) mod version;
pub(crate) mod volume;

use std::rc::Rc;

use serde_json::Value as Json;

use super::json::{self, Html};
use super::time;
use super::value::{ListValue, MapValue, Member, Object, Value};

/// A Go struct.
pub(crate) struct Struct {
    name: &'static str,
    fields: &'static [Field],
}

/// A field of a struct.
pub(crate) struct Field {
    /// What templates call it.
    name: &'static str,
    /// What the document calls it.
    key: &'static str,
    /// `json` leaves it out when it is empty.
    optional: bool,
    kind: Type,
}

/// The Go type of a field.
pub(crate) enum Type {
    /// A string, or a type made of one.
    Text,
    /// Any signed integer.
    Int,
    /// Any unsigned integer.
    Uint,
    /// A boolean.
    Bool,
    /// `time.Time`.
    Time,
    /// `time.Duration`, nanoseconds in a document.
    Duration,
    /// `struct{}`.
    Empty,
    /// An interface, or a type that no template looks into.
    Any,
    /// A struct.
    Struct(&'static Struct),
    /// A pointer.
    Pointer(&'static Type),
    /// A slice, with its Go name.
    List(&'static Type, &'static str),
    /// A map with text keys, with its Go name.
    Map(&'static Type, &'static str),
}

/// A field that `json` always writes.
const fn field(name: &'static str, key: &'static str, kind: Type) -> Field {
    Field { name, key, optional: false, kind }
}

/// A field that `json` leaves out when it is empty.
const fn optional(name: &'static str, key: &'static str, kind: Type) -> Field {
    Field { name, key, optional: true, kind }
}

impl Struct {
    /// A template's view of a document of this type.
    pub(crate) fn decode(&'static self, document: &Json) -> Value {
        decode_struct(self, Some(document))
    }

    /// The fields of a document of this type, for a struct that embeds this one.
    pub(crate) fn decode_fields(&'static self, document: &Json) -> Vec<NamedValue> {
        decode_fields(self, Some(document))
    }
}

/// A field of a [`Record`] with its value.
pub(crate) struct NamedValue {
    name: &'static str,
    key: &'static str,
    optional: bool,
    value: Value,
}

impl NamedValue {
    /// A field that `json` always writes.
    pub(crate) fn new(name: &'static str, key: &'static str, value: Value) -> Self {
        Self { name, key, optional: false, value }
    }

    /// A field that `json` leaves out when it is empty.
    pub(crate) fn optional(name: &'static str, key: &'static str, value: Value) -> Self {
        Self { name, key, optional: true, value }
    }
}

/// A struct with its values.
pub(crate) struct Record {
    name: &'static str,
    fields: Vec<NamedValue>,
}

impl Record {
    /// A template's view of a struct with this Go name and these fields, in this order.
    pub(crate) fn of(name: &'static str, fields: Vec<NamedValue>) -> Value {
        Value::Object(Rc::new(Self { name, fields }))
    }
}

impl Object for Record {
    fn type_name(&self) -> String {
        self.name.into()
    }

    fn member(&self, name: &str) -> Member {
        let found = self.fields.iter().find(|field| field.name == name);
        found.map_or(Member::Absent, |field| Member::Value(field.value.clone()))
    }

    fn json(&self, html: Html) -> String {
        let mut out = String::from("{");
        for field in
            self.fields.iter().filter(|field| field.key != "-" && !(field.optional && empty(&field.value)))
        {
            if out.len() > 1 {
                out.push(',');
            }
            json::string(&mut out, field.key, html);
            out.push(':');
            field.value.write_json(&mut out, html);
        }
        out.push('}');
        out
    }

    fn text(&self) -> String {
        let fields: Vec<String> = self.fields.iter().map(|field| field.value.display()).collect();
        format!("{{{}}}", fields.join(" "))
    }
}

/// Go's `omitempty`: zero, empty or nil; a struct never is.
fn empty(value: &Value) -> bool {
    !value.truth()
}

fn decode_fields(schema: &'static Struct, document: Option<&Json>) -> Vec<NamedValue> {
    schema
        .fields
        .iter()
        .map(|field| NamedValue {
            name: field.name,
            key: field.key,
            optional: field.optional,
            value: decode(&field.kind, document.and_then(|document| look_up(document, field.key))),
        })
        .collect()
}

fn decode_struct(schema: &'static Struct, document: Option<&Json>) -> Value {
    Record::of(schema.name, decode_fields(schema, document))
}

/// Go matches keys in any case when the exact one is absent.
fn look_up<'a>(document: &'a Json, key: &str) -> Option<&'a Json> {
    let entries = document.as_object()?;
    entries
        .get(key)
        .or_else(|| entries.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

fn decode(kind: &'static Type, document: Option<&Json>) -> Value {
    let document = document.filter(|document| !document.is_null());
    match kind {
        Type::Text => Value::text(document.and_then(Json::as_str).unwrap_or_default()),
        Type::Int => Value::Int(document.and_then(Json::as_i64).unwrap_or_default()),
        Type::Uint => Value::Uint(document.and_then(Json::as_u64).unwrap_or_default()),
        Type::Bool => Value::Bool(document.and_then(Json::as_bool).unwrap_or_default()),
        Type::Any => document.map_or(Value::Missing, Value::untyped),
        Type::Empty => Value::Object(Rc::new(Empty)),
        Type::Time => {
            let text = document.and_then(Json::as_str).unwrap_or("0001-01-01T00:00:00Z");
            Value::Object(Rc::new(Moment(text.into())))
        }
        Type::Duration => {
            let nanoseconds = document.and_then(Json::as_i64).unwrap_or_default();
            Value::Object(Rc::new(Span(nanoseconds)))
        }
        Type::Struct(schema) => decode_struct(schema, document),
        Type::Pointer(inner) => match document {
            Some(document) => decode(inner, Some(document)),
            None => Value::Nil(pointer_name(inner)),
        },
        Type::List(inner, name) => Value::List(Rc::new(ListValue {
            items: document
                .and_then(Json::as_array)
                .map(|items| items.iter().map(|item| decode(inner, Some(item))).collect())
                .unwrap_or_default(),
            type_name: (*name).into(),
            nil: document.is_none(),
        })),
        Type::Map(inner, name) => Value::Map(Rc::new(MapValue {
            entries: document
                .and_then(Json::as_object)
                .map(|entries| {
                    entries.iter().map(|(key, value)| (key.clone(), decode(inner, Some(value)))).collect()
                })
                .unwrap_or_default(),
            zero: decode(inner, None),
            type_name: (*name).into(),
            nil: document.is_none(),
        })),
    }
}

fn pointer_name(inner: &'static Type) -> &'static str {
    match inner {
        Type::Struct(schema) => schema.name,
        Type::Int => "*int",
        Type::Bool => "*bool",
        Type::Text => "*string",
        _ => "*interface {}",
    }
}

/// `struct{}`.
struct Empty;

impl Object for Empty {
    fn type_name(&self) -> String {
        "struct {}".into()
    }

    fn member(&self, _name: &str) -> Member {
        Member::Absent
    }

    fn json(&self, _html: Html) -> String {
        "{}".into()
    }

    fn text(&self) -> String {
        "{}".into()
    }
}

/// `time.Time`, kept as its text.
struct Moment(String);

impl Object for Moment {
    fn type_name(&self) -> String {
        "time.Time".into()
    }

    fn member(&self, name: &str) -> Member {
        match name {
            "String" => Member::Value(Value::from(self.text())),
            "Unix" => Member::Value(Value::Int(self.seconds())),
            "IsZero" => Member::Value(Value::Bool(time::parse_rfc3339(&self.0).is_none())),
            "Format" => Member::Method(1),
            _ => Member::Absent,
        }
    }

    fn json(&self, _html: Html) -> String {
        format!("\"{}\"", self.0)
    }

    fn text(&self) -> String {
        time::go_string_of(&self.0)
    }
}

impl Moment {
    fn seconds(&self) -> i64 {
        let nanoseconds = time::parse_rfc3339(&self.0).unwrap_or(-62_135_596_800_000_000_000);
        i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or_default()
    }
}

/// `time.Duration`, in nanoseconds.
struct Span(i64);

impl Object for Span {
    fn type_name(&self) -> String {
        "time.Duration".into()
    }

    fn member(&self, name: &str) -> Member {
        match name {
            "String" => Member::Value(Value::from(self.text())),
            "Nanoseconds" => Member::Value(Value::Int(self.0)),
            #[expect(clippy::cast_precision_loss, reason = "Go's Seconds gives a float, too")]
            "Seconds" => Member::Value(Value::Float(self.0 as f64 / 1e9)),
            _ => Member::Absent,
        }
    }

    fn truth(&self) -> bool {
        self.0 != 0
    }

    fn json(&self, _html: Html) -> String {
        self.0.to_string()
    }

    fn text(&self) -> String {
        time::go_duration(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::template::Template;

    fn show(source: &str) -> String {
        let document = serde_json::json!({
            "Id": "abc", "Name": "/web", "State": {"Status": "running", "Running": true, "Pid": 7},
            "Config": {"Labels": {"a": "b"}, "Cmd": ["sh", "-c"], "Healthcheck": {"Test": ["NONE"], "Interval": 90_000_000_000i64}},
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": "172.17.0.2"}}, "Ports": {"80/tcp": null}},
        });
        let value = container::CONTAINER_INSPECT_RESPONSE.decode(&document);
        Template::parse(source)
            .and_then(|template| template.render(&value))
            .unwrap_or_else(|error| error.to_string())
    }

    #[test]
    fn behaves_as_the_struct() {
        for (source, expected) in [
            ("{{.ID}} {{.State.Running}} {{.RestartCount}}", "abc true 0"),
            (
                "{{.State.Health}} {{.Config.Labels.x}} {{.Mounts}} {{.HostConfig}}",
                "<nil> <no value> [] <nil>",
            ),
            ("{{join .Config.Cmd \" \"}} {{.Config.Healthcheck.Interval}}", "sh -c 1m30s"),
            (
                "{{range $k, $v := .NetworkSettings.Networks}}{{$k}}={{$v.IPAddress}}{{end}}",
                "bridge=172.17.0.2",
            ),
            (
                "{{json .State.Health}} {{json .Args}} {{json .NetworkSettings.Ports}}",
                "null null {\"80/tcp\":null}",
            ),
            ("{{json .Config.Healthcheck}}", r#"{"Test":["NONE"],"Interval":90000000000}"#),
            ("{{index .Config.Labels \"x\"}}|{{index .Config.Labels \"a\"}}", "|b"),
        ] {
            assert_eq!(show(source), expected, "{source}");
        }
        assert!(show("{{.Id}}").ends_with("can't evaluate field Id in type container.InspectResponse"));
        assert!(show("{{.HostConfig.Memory}}").contains("nil pointer evaluating"));
    }
}
