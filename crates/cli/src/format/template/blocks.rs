//! Every block must be closed, and nothing else: rules of Go that the parser crate does not hold to.

use super::error::TemplateError;

/// An open block.
struct Block {
    /// It is a `range`: `break` and `continue` may stand in it.
    range: bool,
    /// Its `else` was there already.
    otherwise: bool,
}

/// Checks that each `if`, `range`, `with`, `define` and `block` has its `end`, that an `else` stands in a
/// block and once, that `break` and `continue` stand in a `range`, and where comments begin.
pub(super) fn check(source: &str) -> Result<(), TemplateError> {
    let mut open: Vec<Block> = Vec::new();
    let mut line = 1;
    let mut rest = source;
    while let Some((before, after)) = rest.split_once("{{") {
        line += before.matches('\n').count();
        let length = action_length(after);
        let action = &after[..length];
        if let Err(message) = step(action, &mut open) {
            return Err(TemplateError(format!("template: :{line}: {message}")));
        }
        line += action.matches('\n').count();
        rest = &after[length..];
    }
    line += rest.matches('\n').count();
    if open.is_empty() { Ok(()) } else { Err(TemplateError(format!("template: :{line}: unexpected EOF"))) }
}

fn step(action: &str, open: &mut Vec<Block>) -> Result<(), String> {
    if action.starts_with(char::is_whitespace) && action.trim_start().starts_with("/*") {
        return Err("unexpected \"/\" in command".into());
    }
    let (keyword, after) = keyword(action);
    match keyword {
        "if" | "range" | "with" | "define" | "block" => {
            open.push(Block { range: keyword == "range", otherwise: false });
        }
        "end" => {
            open.pop().ok_or("unexpected {{end}}")?;
        }
        "else" => {
            let block = open.last_mut().ok_or("unexpected {{else}}")?;
            if block.otherwise {
                return Err("expected end; found {{else}}".into());
            }
            block.otherwise = after.trim().trim_end_matches('-').trim().is_empty();
        }
        "break" | "continue" if !open.iter().any(|block| block.range) => {
            return Err(format!("{{{{{keyword}}}}} outside {{{{range}}}}"));
        }
        _ => {}
    }
    Ok(())
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

/// The action's first word, and what follows it.
fn keyword(action: &str) -> (&str, &str) {
    let action = action.strip_prefix("- ").unwrap_or(action).trim_start();
    let end = action.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(action.len());
    action.split_at(end)
}
