//! Reading the members of a call's input, whatever its protocol made of numbers and lists.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Failure;

/// Tags by key.
pub(crate) type Tags = BTreeMap<String, String>;

/// A text member that must be there.
///
/// # Errors
/// It is not.
pub(crate) fn needed<'a>(input: &'a Value, name: &str) -> Result<&'a str, Failure> {
    input[name].as_str().filter(|text| !text.is_empty()).ok_or_else(|| {
        Failure::new("ValidationException", format!("{name} is missing: it must be a text that is not empty"))
    })
}

/// A text member, or another text.
pub(crate) fn text_or<'a>(input: &'a Value, name: &str, or: &'a str) -> &'a str {
    input[name].as_str().unwrap_or(or)
}

/// A number, which the form protocols write as text.
pub(crate) fn number(value: &Value) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation)]
    let whole = |number: f64| number as i64;
    value.as_i64().or_else(|| value.as_f64().map(whole)).or_else(|| value.as_str()?.parse().ok())
}

/// The elements of a list; nothing for what is none.
pub(crate) fn list<'a>(input: &'a Value, name: &str) -> &'a [Value] {
    input[name].as_array().map_or(&[], Vec::as_slice)
}

/// The texts of a list.
pub(crate) fn texts<'a>(input: &'a Value, name: &str) -> Vec<&'a str> {
    list(input, name).iter().filter_map(Value::as_str).collect()
}

/// Tags in any of the spellings: a list of `key`/`Key` and `value`/`Value`, or a map.
pub(crate) fn tags(value: &Value) -> Tags {
    if let Some(members) = value.as_object() {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        return members.iter().map(|(key, value)| (key.clone(), text(value))).collect();
    }
    let pair = |tag: &Value| {
        let text = |one: &str, other: &str| tag[one].as_str().or(tag[other].as_str()).map(str::to_owned);
        Some((text("key", "Key")?, text("value", "Value").unwrap_or_default()))
    };
    value.as_array().into_iter().flatten().filter_map(pair).collect()
}

/// Tags as a list of `key` and `value`, spelled as these two say.
pub(crate) fn tag_list(tags: Option<&Tags>, key: &str, value: &str) -> Value {
    let one = |(name, text): (&String, &String)| {
        Value::Object(
            [(key.to_owned(), name.as_str().into()), (value.to_owned(), text.as_str().into())]
                .into_iter()
                .collect(),
        )
    };
    tags.into_iter().flatten().map(one).collect()
}

/// The last part of a name in the form of an ARN, or the name itself.
pub(crate) fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}
