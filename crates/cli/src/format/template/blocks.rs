//! Every block must be closed, and nothing else: a rule of Go that the parser crate does not hold to.

use super::error::TemplateError;

/// Checks that each `if`, `range`, `with`, `define` and `block` has its `end`.
pub(super) fn check(source: &str) -> Result<(), TemplateError> {
    let mut open = 0usize;
    let mut line = 1;
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        line += before.matches('\n').count();
        let length = action_length(after);
        let action = &after[..length];
        match keyword(action) {
            "if" | "range" | "with" | "define" | "block" => open += 1,
            "end" if open == 0 => {
                return Err(TemplateError(format!("template: :{line}: unexpected {{{{end}}}}")));
            }
            "else" if open == 0 => {
                return Err(TemplateError(format!("template: :{line}: unexpected {{{{else}}}}")));
            }
            "end" => open -= 1,
            _ => {}
        }
        line += action.matches('\n').count();
        rest = &after[length..];
    }
    line += rest.matches('\n').count();
    if open > 0 { Err(TemplateError(format!("template: :{line}: unexpected EOF"))) } else { Ok(()) }
}

/// How far the action goes, up to its closing braces outside quotes and comments.
fn action_length(after: &str) -> usize {
    let inner = after.trim_start_matches(['-', ' ']);
    if inner.starts_with("/*") {
        return after.find("*/").map_or(after.len(), |at| at + 2);
    }
    let mut quote = None;
    let mut escaped = false;
    for (at, letter) in after.char_indices() {
        match quote {
            _ if escaped => escaped = false,
            Some('"' | '\'') if letter == '\\' => escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'' | '`') => quote = Some(letter),
            None if after[at..].starts_with("}}") => return at,
            None => {}
        }
    }
    after.len()
}

fn keyword(action: &str) -> &str {
    let action = action.strip_prefix("- ").unwrap_or(action).trim_start();
    let end = action.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(action.len());
    &action[..end]
}
