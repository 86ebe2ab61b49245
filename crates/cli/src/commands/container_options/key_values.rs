//! Lists of `KEY=value`: environment and label files, log and storage options.

use serde_json::{Map, Value, json};

/// The lines of an `--env-file` or `--label-file`. With `from_environment` a name without a value takes
/// this process's own, and is left out when it has none.
pub(crate) fn read_file(path: &str, from_environment: bool) -> Result<Vec<String>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("open {path}: {}", system_text(&error)))?;
    let invalid = |reason: String| format!("invalid env file ({path}): {reason}");
    let mut lines = Vec::new();
    for (index, raw) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let text = std::str::from_utf8(raw)
            .map_err(|_| invalid(format!("invalid utf8 bytes at line {}: {raw:?}", index + 1)))?;
        let text = if index == 0 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        let line = text.strip_suffix('\r').unwrap_or(text).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, has_value) = line.split_once('=').map_or((line, false), |(name, _)| (name, true));
        if name.is_empty() {
            return Err(invalid(format!("no variable name on line '{line}'")));
        }
        if name.contains([' ', '\t']) {
            return Err(invalid(format!("variable '{name}' contains whitespaces")));
        }
        if has_value {
            lines.push(line.to_owned());
        } else if from_environment && let Ok(value) = std::env::var(line) {
            lines.push(format!("{name}={value}"));
        }
    }
    Ok(lines)
}

/// What the system says of an error, in Go's lower case.
pub(crate) fn system_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// `KEY=value` strings as a JSON object; a key without a value has an empty one.
pub(crate) fn object(pairs: &[String]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (key.to_owned(), json!(value))
        })
        .collect()
}
