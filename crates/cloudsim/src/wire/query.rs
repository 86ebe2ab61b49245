//! Forms: `Filters.member.1.Name=x` becomes an object with a list in it.

use serde_json::{Map, Value};

/// Reads a form. Every leaf is a text; levels of numbers become lists, and the level `member` vanishes.
pub(crate) fn read(text: &[u8]) -> Value {
    let mut root = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        let mut place = &mut root;
        let mut parts = name.split('.').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_none() {
                place.insert(part.to_owned(), Value::String(value.to_string()));
                break;
            }
            let next = place.entry(part).or_insert_with(|| Value::Object(Map::new()));
            if !next.is_object() {
                *next = Value::Object(Map::new());
            }
            let Some(next) = next.as_object_mut() else { break };
            place = next;
        }
    }
    tidy(Value::Object(root))
}

fn tidy(value: Value) -> Value {
    let Value::Object(members) = value else { return value };
    let mut members: Map<String, Value> =
        members.into_iter().map(|(name, value)| (name, tidy(value))).collect();
    if members.len() == 1 && members.get("member").is_some_and(Value::is_array) {
        return members.remove("member").unwrap_or_default();
    }
    if members.is_empty() || !members.keys().all(|name| name.parse::<u32>().is_ok()) {
        return Value::Object(members);
    }
    let mut numbered: Vec<(u32, Value)> =
        members.into_iter().filter_map(|(name, value)| Some((name.parse().ok()?, value))).collect();
    numbered.sort_by_key(|(number, _)| *number);
    numbered.into_iter().map(|(_, value)| value).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_become_lists_in_their_order_and_members_vanish() {
        let form = b"Action=X&Filter.1.Name=vpc-id&Filter.1.Value.1=a&Filter.1.Value.2=b\
            &Tags.member.10.Key=z&Tags.member.2.Key=y%20y&Empty=";
        let expected = json!({
            "Action": "X",
            "Filter": [{ "Name": "vpc-id", "Value": ["a", "b"] }],
            "Tags": [{ "Key": "y y" }, { "Key": "z" }],
            "Empty": "",
        });
        assert_eq!(read(form), expected);
    }

    #[test]
    fn contradictory_names_do_no_harm() {
        assert_eq!(read(b"A=1&A.B=2&A.B.C=3"), json!({ "A": { "B": { "C": "3" } } }));
    }
}
