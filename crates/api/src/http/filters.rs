//! Docker's `filters` parameter, in its new form and in the one of old clients.

use super::form::Form;
use sampan_engine::containers::Filters;
use sampan_error::{Error, Result};
use serde_json::Value;

/// The filters of a query: `{"label":["a=b"]}` or `{"label":{"a=b":true}}`.
///
/// # Errors
/// It is neither.
pub(crate) fn parse(query: &Form) -> Result<Filters> {
    let Some(text) = query.text("filters") else { return Ok(Filters::new()) };
    let invalid = || Error::invalid(format!("invalid filters: {text:?} is not an object of lists"));
    let value: Value = serde_json::from_str(text).map_err(|error| invalid().caused_by(error))?;
    match value {
        Value::Null => Ok(Filters::new()),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, values)| Ok((name, list(values).ok_or_else(invalid)?))).collect()
        }
        _ => Err(invalid()),
    }
}

fn list(values: Value) -> Option<Vec<String>> {
    match values {
        Value::Null => Some(Vec::new()),
        Value::Array(values) => values
            .into_iter()
            .map(|value| if let Value::String(text) = value { Some(text) } else { None })
            .collect(),
        Value::Object(values) => {
            values.into_iter().map(|(value, set)| set.is_boolean().then_some(value)).collect()
        }
        _ => None,
    }
}

/// Refuses names that the resource does not know.
///
/// # Errors
/// The first unknown name, in Docker's words.
pub(crate) fn only(filters: &Filters, known: &[&str]) -> Result<()> {
    match filters.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Error::invalid(format!("invalid filter '{name}'"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_filters_are_read_beside_the_new_ones() {
        for query in ["filters=%7B%22label%22%3A%7B%22a%3Db%22%3Atrue%7D%7D", "filters={\"label\":[\"a=b\"]}"]
        {
            let filters = parse(&Form::parse(query)).expect("filters");
            assert_eq!(filters["label"], ["a=b"]);
        }
        assert!(parse(&Form::parse("filters=")).expect("none").is_empty());
        assert!(parse(&Form::parse("filters=[1]")).is_err());
        assert!(parse(&Form::parse("filters={")).is_err());
    }
}
