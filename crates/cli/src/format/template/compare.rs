//! `eq`, `ne`, `lt`, `le`, `gt` and `ge` with Go's rules about what may be compared.

use std::cmp::Ordering;

use super::super::value::Value;

const INCOMPATIBLE: &str = "incompatible types for comparison";

/// Runs one of the comparison functions.
pub(super) fn compare(name: &str, arguments: &[Value]) -> Result<bool, String> {
    let Some((first, rest)) = arguments.split_first() else { return Err(INCOMPATIBLE.into()) };
    match name {
        "eq" => {
            if rest.is_empty() {
                return Err("missing argument for comparison".into());
            }
            for other in rest {
                if equal(first, other)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
        "ne" => equal(first, &rest[0]).map(|same| !same),
        "lt" => less(first, &rest[0]),
        "le" => Ok(less(first, &rest[0])? || equal(first, &rest[0])?),
        "gt" => Ok(!(less(first, &rest[0])? || equal(first, &rest[0])?)),
        "ge" => less(first, &rest[0]).map(|less| !less),
        _ => Err(INCOMPATIBLE.into()),
    }
}

/// Go's kinds for comparison; numbers of an untyped document are text there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Int,
    Uint,
    Float,
    Text,
    Other,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_) => Basic::Int,
        Value::Uint(_) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Text(_) | Value::Number(_) => Basic::Text,
        _ => Basic::Other,
    }
}

fn whole(value: &Value) -> i128 {
    match value {
        Value::Int(number) => i128::from(*number),
        Value::Uint(number) => i128::from(*number),
        _ => 0,
    }
}

fn float(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        _ => 0.0,
    }
}

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) | Value::Number(text) => text,
        _ => "",
    }
}

fn equal(first: &Value, second: &Value) -> Result<bool, String> {
    let valid = |value: &Value| !matches!(value, Value::Missing);
    match (basic(first), basic(second)) {
        (Basic::Int | Basic::Uint, Basic::Int | Basic::Uint) => Ok(whole(first) == whole(second)),
        (Basic::Bool, Basic::Bool) => Ok(first.truth() == second.truth()),
        (Basic::Float, Basic::Float) => Ok(float(first) == float(second)),
        (Basic::Text, Basic::Text) => Ok(text(first) == text(second)),
        (Basic::Other, Basic::Other) => {
            for value in [first, second] {
                if matches!(value, Value::List(_) | Value::Map(_)) {
                    return Err(format!("non-comparable type {}: {}", value.display(), value.type_name()));
                }
            }
            let nil = |value: &Value| matches!(value, Value::Missing | Value::Nil(_));
            Ok(nil(first) && nil(second))
        }
        _ if valid(first) && valid(second) => Err(INCOMPATIBLE.into()),
        _ => Ok(false),
    }
}

fn less(first: &Value, second: &Value) -> Result<bool, String> {
    let order = match (basic(first), basic(second)) {
        (Basic::Other, _) | (_, Basic::Other) | (Basic::Bool, Basic::Bool) => {
            return Err("invalid type for comparison".into());
        }
        (Basic::Int | Basic::Uint, Basic::Int | Basic::Uint) => whole(first).cmp(&whole(second)),
        (Basic::Float, Basic::Float) => float(first).partial_cmp(&float(second)).unwrap_or(Ordering::Equal),
        (Basic::Text, Basic::Text) => text(first).cmp(text(second)),
        _ => return Err(INCOMPATIBLE.into()),
    };
    Ok(order == Ordering::Less)
}
