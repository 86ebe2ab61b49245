//! For each kind of listed thing: its fields, their titles and its usual formats.

pub(crate) mod build_cache;
pub(crate) mod container;
pub(crate) mod context;
pub(crate) mod disk_usage;
pub(crate) mod history;
pub(crate) mod image;
pub(crate) mod network;
pub(crate) mod ports;
pub(crate) mod search;
pub(crate) mod stats;
pub(crate) mod volume;

use serde_json::Value as Json;

/// Reading the fields of a document as Go does: a key in any case, and the zero value for what is
/// absent, null or of another type.
pub(crate) trait Fields {
    /// The value under a key.
    fn field(&self, key: &str) -> &Json;
    /// Text, or nothing.
    fn text(&self, key: &str) -> &str;
    /// A whole number, or zero.
    fn int(&self, key: &str) -> i64;
    /// A boolean, or false.
    fn flag(&self, key: &str) -> bool;
    /// The items of an array, or none.
    fn list(&self, key: &str) -> &[Json];
    /// The texts of an array.
    fn texts(&self, key: &str) -> Vec<&str>;
    /// The entries of an object of texts, sorted by key.
    fn pairs(&self, key: &str) -> Vec<(&str, &str)>;
}

static NULL: Json = Json::Null;

impl Fields for Json {
    fn field(&self, key: &str) -> &Json {
        let Some(entries) = self.as_object() else { return &NULL };
        entries
            .get(key)
            .or_else(|| {
                entries.iter().find(|(known, _)| known.eq_ignore_ascii_case(key)).map(|(_, value)| value)
            })
            .unwrap_or(&NULL)
    }

    fn text(&self, key: &str) -> &str {
        self.field(key).as_str().unwrap_or_default()
    }

    fn int(&self, key: &str) -> i64 {
        self.field(key).as_i64().unwrap_or_default()
    }

    fn flag(&self, key: &str) -> bool {
        self.field(key).as_bool().unwrap_or_default()
    }

    fn list(&self, key: &str) -> &[Json] {
        self.field(key).as_array().map_or(&[], Vec::as_slice)
    }

    fn texts(&self, key: &str) -> Vec<&str> {
        self.list(key).iter().filter_map(Json::as_str).collect()
    }

    fn pairs(&self, key: &str) -> Vec<(&str, &str)> {
        let entries = self.field(key).as_object().into_iter().flatten();
        let mut pairs: Vec<(&str, &str)> =
            entries.map(|(key, value)| (key.as_str(), value.as_str().unwrap_or_default())).collect();
        pairs.sort_unstable();
        pairs
    }
}

/// Labels as lists show them: `a=b,c=d`, sorted.
pub(crate) fn labels(document: &Json) -> String {
    let labels: Vec<String> =
        document.pairs("Labels").into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    labels.join(",")
}

/// One label, or nothing.
pub(crate) fn label(document: &Json, name: &str) -> String {
    document.field("Labels").get(name).and_then(Json::as_str).unwrap_or_default().into()
}

/// A size in a document as a float.
#[expect(clippy::cast_precision_loss, reason = "sizes for people")]
pub(crate) fn size(bytes: i64) -> f64 {
    bytes as f64
}
