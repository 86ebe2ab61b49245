//! The values that a Go template sees: what reflection shows a template in Docker's CLI.
//!
//! A template's result depends on the Go type behind a value, not only on the JSON it came from: a
//! nil pointer prints `<nil>`, an absent map entry `<no value>`, a struct without the field is an
//! error. So the kinds that make a visible difference are kept apart here.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::json;

/// One value inside a template.
#[derive(Clone)]
pub(crate) enum Value {
    /// Nothing at all: an absent map entry or a nil interface. Prints `<no value>`.
    Missing,
    /// A nil pointer to the named Go type. Prints `<nil>`; reaching through it is an error.
    Nil(&'static str),
    /// A boolean.
    Bool(bool),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    Uint(u64),
    /// A floating point number.
    Float(f64),
    /// Text.
    Text(Rc<str>),
    /// A number of an untyped document: Go's `json.Number`, which is text underneath.
    Number(Rc<str>),
    /// A slice.
    List(Rc<ListValue>),
    /// A map with text keys.
    Map(Rc<MapValue>),
    /// A struct, or something with methods.
    Object(Rc<dyn Object>),
}

/// A slice and the Go name of its type.
pub(crate) struct ListValue {
    /// The elements.
    pub(crate) items: Vec<Value>,
    /// For example `[]string`.
    pub(crate) type_name: String,
    /// A nil slice, which `json` writes as null.
    pub(crate) nil: bool,
}

/// A map and what an absent key gives to `index`.
pub(crate) struct MapValue {
    /// The entries; a template walks them in the order of their keys.
    pub(crate) entries: BTreeMap<String, Value>,
    /// The zero value of the element type.
    pub(crate) zero: Value,
    /// For example `map[string]string`.
    pub(crate) type_name: String,
    /// A nil map, which `json` writes as null.
    pub(crate) nil: bool,
}

/// What a struct field or method gives when a template asks for it.
pub(crate) enum Member {
    /// There is none of that name.
    Absent,
    /// A field, or a method without parameters that was called.
    Value(Value),
    /// A method that takes this many text arguments.
    Method(usize),
}

/// A Go struct, or a pointer to one with methods, as templates see it.
pub(crate) trait Object {
    /// The Go name that errors show, such as `*formatter.ContainerContext`.
    fn type_name(&self) -> String;
    /// The field or method of that name.
    fn member(&self, name: &str) -> Member;
    /// Calls the method of that name, which [`Object::member`] said to exist, with text arguments.
    fn call(&self, name: &str, arguments: &[String]) -> Value {
        let _ = (name, arguments);
        Value::Missing
    }
    /// Whether it counts as true: a struct always does.
    fn truth(&self) -> bool {
        true
    }
    /// Whether the members are methods: then giving one arguments is a wrong number of them.
    fn has_methods(&self) -> bool {
        false
    }
    /// What `json` gives; some types escape HTML in their own text whatever is asked.
    fn json(&self, html: json::Html) -> String;
    /// What printing it gives (Go's `%v`).
    fn text(&self) -> String;
}

impl Value {
    /// Text.
    pub(crate) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    /// A slice of text.
    pub(crate) fn texts<T: Into<Rc<str>>>(items: impl IntoIterator<Item = T>) -> Self {
        let items = items.into_iter().map(|item| Self::Text(item.into())).collect();
        Self::List(Rc::new(ListValue { items, type_name: "[]string".into(), nil: false }))
    }

    /// An untyped document as Go decodes it into `any`: numbers stay text, null is nothing.
    pub(crate) fn untyped(document: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match document {
            Json::Null => Self::Missing,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(number.to_string().into()),
            Json::String(text) => Self::text(text.as_str()),
            Json::Array(items) => Self::List(Rc::new(ListValue {
                items: items.iter().map(Self::untyped).collect(),
                type_name: "[]interface {}".into(),
                nil: false,
            })),
            Json::Object(entries) => Self::Map(Rc::new(MapValue {
                entries: entries.iter().map(|(key, value)| (key.clone(), Self::untyped(value))).collect(),
                zero: Self::Missing,
                type_name: "map[string]interface {}".into(),
                nil: false,
            })),
        }
    }

    /// Go's truth of a value in `if`, `and`, `or`, `not`: anything but zero or empty.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil(_) => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Uint(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::Text(text) | Self::Number(text) => !text.is_empty(),
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.is_empty(),
            Self::Object(object) => object.truth(),
        }
    }

    /// The Go name of the value's type, for error messages.
    pub(crate) fn type_name(&self) -> String {
        match self {
            Self::Missing => "<nil>".into(),
            Self::Nil(name) => (*name).into(),
            Self::Bool(_) => "bool".into(),
            Self::Int(_) => "int".into(),
            Self::Uint(_) => "uint64".into(),
            Self::Float(_) => "float64".into(),
            Self::Text(_) => "string".into(),
            Self::Number(_) => "json.Number".into(),
            Self::List(list) => list.type_name.clone(),
            Self::Map(map) => map.type_name.clone(),
            Self::Object(object) => object.type_name(),
        }
    }

    /// What `{{.}}` prints: Go's `fmt.Fprint`, with `<no value>` for nothing.
    pub(crate) fn print(&self) -> String {
        match self {
            Self::Missing => "<no value>".into(),
            other => other.display(),
        }
    }

    /// Go's `%v`.
    pub(crate) fn display(&self) -> String {
        match self {
            Self::Missing | Self::Nil(_) => "<nil>".into(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Uint(value) => value.to_string(),
            Self::Float(value) => gotmpl::Value::Float(*value).to_string(),
            Self::Text(text) | Self::Number(text) => text.to_string(),
            Self::List(list) => {
                let items: Vec<String> = list.items.iter().map(Self::display).collect();
                format!("[{}]", items.join(" "))
            }
            Self::Map(map) => {
                let items: Vec<String> =
                    map.entries.iter().map(|(key, value)| format!("{key}:{}", value.display())).collect();
                format!("map[{}]", items.join(" "))
            }
            Self::Object(object) => object.text(),
        }
    }

    /// What `json` gives: Go's encoder without HTML escaping.
    pub(crate) fn json(&self) -> String {
        let mut out = String::new();
        self.write_json(&mut out, json::Html::Plain);
        out
    }

    /// Appends the value as Go's encoder writes it.
    pub(crate) fn write_json(&self, out: &mut String, html: json::Html) {
        match self {
            Self::Missing | Self::Nil(_) => out.push_str("null"),
            Self::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => out.push_str(&value.to_string()),
            Self::Uint(value) => out.push_str(&value.to_string()),
            Self::Float(value) => out.push_str(&json::float(*value)),
            Self::Number(text) => out.push_str(text),
            Self::Text(text) => json::string(out, text, html),
            Self::List(list) if list.nil => out.push_str("null"),
            Self::Map(map) if map.nil => out.push_str("null"),
            Self::List(list) => {
                out.push('[');
                for (index, item) in list.items.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    item.write_json(out, html);
                }
                out.push(']');
            }
            Self::Map(map) => {
                out.push('{');
                for (index, (key, value)) in map.entries.iter().enumerate() {
                    if index > 0 {
                        out.push(',');
                    }
                    json::string(out, key, html);
                    out.push(':');
                    value.write_json(out, html);
                }
                out.push('}');
            }
            Self::Object(object) => out.push_str(&object.json(html)),
        }
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::text(text)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::text(text)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
