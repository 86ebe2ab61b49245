//! `docker build --check`: the answer to the request `frontend.lint`, as BuildKit's own frontend gives it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sampan_dockerfile::Checked;
use serde_json::json;
use std::collections::HashMap;

/// The name of the request.
pub(crate) const REQUEST: &str = "frontend.lint";

/// The answer's parts, by the names that clients look for.
pub(crate) fn answer(name: &str, text: &str, checked: &Checked) -> HashMap<String, Vec<u8>> {
    let warnings: Vec<_> = checked
        .warnings
        .iter()
        .map(|warning| {
            let at = json!({"line": warning.line, "character": 0});
            json!({
                "ruleName": warning.rule,
                "description": "",
                "url": warning.url(),
                "detail": warning.message,
                "location": {"sourceIndex": 0, "ranges": [{"start": at, "end": at}]},
            })
        })
        .collect();
    let source = json!({"filename": name, "language": "Dockerfile", "data": STANDARD.encode(text)});
    let document = json!({"warnings": warnings, "sources": [source]});
    let status = if warnings.is_empty() { "0" } else { "1" };
    let parts = [
        ("result.json", document.to_string()),
        ("result.txt", shown(name, text, checked)),
        ("result.statuscode", status.to_owned()),
        ("version", "1.0.0".to_owned()),
    ];
    parts.into_iter().map(|(name, text)| (name.to_owned(), text.into_bytes())).collect()
}

/// The report for people.
fn shown(name: &str, text: &str, checked: &Checked) -> String {
    let mut out = String::new();
    for warning in &checked.warnings {
        let line = text.lines().nth(warning.line - 1).unwrap_or_default();
        out.push_str(&format!("\nWARNING: {} - {}\n{}\n", warning.rule, warning.url(), warning.message));
        out.push_str(&format!(
            "{name}:{}\n--------------------\n{:4} | >>> {line}\n--------------------\n",
            warning.line, warning.line
        ));
    }
    out
}
