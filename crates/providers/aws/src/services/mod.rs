//! The calls of each service of AWS that are used: requests, and what is read of the answers.

pub(crate) mod autoscaling;
pub(crate) mod cloudwatch;
pub(crate) mod ec2;
pub(crate) mod ecr;
pub(crate) mod ecs;
pub(crate) mod efs;
pub(crate) mod elb;
pub(crate) mod iam;
pub(crate) mod logs;
pub(crate) mod sts;

use sampan_provider::{Failure, Result};
use serde_json::Value;

/// Names and values of tags.
pub(crate) type Tags = Vec<(String, String)>;

/// Ours, and of which service; of several when empty.
pub(crate) fn tags(service: &str) -> Tags {
    let mut tags = vec![("sampan.managed".to_owned(), "1".to_owned())];
    if !service.is_empty() {
        tags.push(("sampan.service".to_owned(), service.to_owned()));
    }
    tags
}

/// Tags as a list of objects.
pub(crate) fn listed(tags: &Tags, key: &str, value: &str) -> Value {
    tags.iter().map(|(name, text)| serde_json::json!({ key: name, value: text })).collect()
}

/// A tag's value in such a list, whatever its capitals.
pub(crate) fn tag_of(tags: &Value, name: &str) -> Option<String> {
    let one =
        |tag: &Value, names: [&str; 2]| names.iter().find_map(|name| Some(tag[*name].as_str()?.to_owned()));
    let found = tags.as_array()?.iter().find(|tag| one(tag, ["key", "Key"]).as_deref() == Some(name))?;
    one(found, ["value", "Value"])
}

/// A member that is a text; empty when it is not there.
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// The texts of a list.
pub(crate) fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().filter_map(|one| Some(one.as_str()?.to_owned())).collect()
}

/// What was not there is `None`.
pub(crate) fn optional<T>(result: Result<T>) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(Failure::NotFound(_)) => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// What was made by somebody else in between is made.
pub(crate) fn made<T>(result: Result<T>) -> Result<()> {
    match result {
        Ok(_) | Err(Failure::AlreadyExists(_)) => Ok(()),
        Err(failure) => Err(failure),
    }
}

/// What was gone already is gone.
pub(crate) fn gone<T>(result: Result<T>) -> Result<()> {
    optional(result).map(|_| ())
}
