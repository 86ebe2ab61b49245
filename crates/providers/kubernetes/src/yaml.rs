//! YAML of JSON values, as `kubectl` and people read it.

use serde_json::Value;

/// Several documents.
pub(crate) fn documents(all: &[Value]) -> String {
    let mut text = String::new();
    for (number, one) in all.iter().enumerate() {
        if number > 0 {
            text.push_str("---\n");
        }
        block(one, 0, &mut text);
    }
    text
}

/// A value on lines of its own, so many spaces from the left.
fn block(value: &Value, indent: usize, text: &mut String) {
    let pad = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, field) in fields {
                text.push_str(&format!("{pad}{}:", scalar(name)));
                below(field, indent, text);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let mut own = String::new();
                block(item, indent + 2, &mut own);
                text.push_str(&format!("{pad}- {}", own.get(indent + 2..).unwrap_or_default()));
            }
        }
        other => text.push_str(&format!("{pad}{}\n", flow(other))),
    }
}

/// What follows a name and its colon.
fn below(value: &Value, indent: usize, text: &mut String) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            text.push('\n');
            block(value, indent + 2, text);
        }
        Value::Array(items) if !items.is_empty() => {
            text.push('\n');
            block(value, indent, text);
        }
        other => text.push_str(&format!(" {}\n", flow(other))),
    }
}

/// What stands on one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(words) => scalar(words),
        other => other.to_string(),
    }
}

/// A string: bare where no reader of YAML 1.1 or 1.2 can take it for something else, and in JSON's quotes, which YAML has,
/// everywhere else.
fn scalar(words: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    let lower = words.to_ascii_lowercase();
    let is_word = words.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/') && words.chars().all(bare);
    let has_meaning = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&lower.as_str());
    if is_word && !has_meaning {
        return words.to_owned();
    }
    // What JSON leaves as it is and YAML breaks lines at, or does not print.
    let quoted = Value::String(words.to_owned()).to_string();
    let odd = |c: char| {
        matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
    };
    quoted.chars().map(|c| if odd(c) { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::documents;
    use serde_json::json;

    #[test]
    fn each_shape_has_its_lines() {
        let text = documents(&[
            json!({"a": {"b": ["x", {"c": 1, "d": []}, ["y"]]}, "e": {}, "f": "no", "g": "1", "h": "a: b\n"}),
            json!({"k": true}),
        ]);
        assert_eq!(
            text,
            "a:\n  b:\n  - x\n  - c: 1\n    d: []\n  - - \"y\"\ne: {}\nf: \"no\"\ng: \"1\"\nh: \"a: b\\n\"\n---\nk: true\n"
        );
    }
}
