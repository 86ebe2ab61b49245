//! The sentences that Go's `text/template` fails with.

use gotmpl::parse::Expr;

/// Why a template could not be parsed or run, in Go's words.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub(crate) struct TemplateError(pub String);

/// Go's wording for a mistake that the parser found.
pub(super) fn syntax(source: &str, cause: &gotmpl::TemplateError) -> TemplateError {
    use gotmpl::TemplateError as Cause;
    let (line, column, message) = match cause {
        Cause::Parse { line, col, message, .. } | Cause::Lex { line, col, message, .. } => {
            (*line, *col, message)
        }
        other => return TemplateError(format!("template: :1: {other}")),
    };
    let rest = rest_of_action(source, line, column);
    let words = match message.as_str() {
        "unclosed action" if unterminated_quote(rest) => "unterminated quoted string".to_string(),
        "unclosed action" if source.ends_with('\n') || rest.contains('\n') => "unclosed action".to_string(),
        "empty command" | "empty pipeline" if rest.starts_with('|') => {
            "unexpected \"|\" in command".to_string()
        }
        "empty command" | "empty pipeline" => {
            let before = before_place(source, line, column).trim_end();
            let keyword = ["if", "range", "with"].into_iter().find(|keyword| {
                before
                    .strip_suffix(keyword)
                    .is_some_and(|start| start.trim_end_matches(['-', ' ']).ends_with("{{"))
            });
            format!("missing value for {}", keyword.unwrap_or("command"))
        }
        "unterminated character literal" => "unterminated character constant".to_string(),
        "template expects a string name" => "unexpected \"}}\" in template clause".to_string(),
        "define expects a string name" => "unexpected \"}}\" in define clause".to_string(),
        text if text.contains("got RightParen") => "unexpected right paren".to_string(),
        text if text.starts_with("expected RightParen") => "unclosed left paren".to_string(),
        "unterminated string" => "unterminated quoted string".to_string(),
        "unterminated raw string" => "unterminated raw quoted string".to_string(),
        text if text.starts_with("unexpected character: '") => {
            let letter = text.trim_start_matches("unexpected character: '").chars().next().unwrap_or('?');
            let glued = before_place(source, line, column)
                .ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | '.'));
            if glued {
                format!("bad character U+{:04X} {letter:?}", letter as u32)
            } else if letter == '}' {
                "unexpected \"}\" in operand".to_string()
            } else {
                format!("unexpected {letter:?} in command").replace('\'', "\"")
            }
        }
        text if text.contains("Eof") => "unexpected EOF".to_string(),
        text if text.starts_with("unexpected token: ") => format!("unexpected {{{{{}}}}}", keyword(text)),
        text => text.to_string(),
    };
    TemplateError(format!("template: :{line}: {words}"))
}

fn keyword(text: &str) -> String {
    text.trim_start_matches("unexpected token: ").to_ascii_lowercase()
}

fn rest_of_action(source: &str, line: usize, column: usize) -> &str {
    let start: usize = source.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    source.get(start + column.saturating_sub(1)..).unwrap_or("")
}

fn before_place(source: &str, line: usize, column: usize) -> &str {
    let rest = rest_of_action(source, line, column);
    &source[..source.len() - rest.len()]
}

fn unterminated_quote(rest: &str) -> bool {
    rest.starts_with('"') && !rest[1..].contains('"')
}

/// A mistake while running, at the place of an expression.
pub(super) fn at(origin: Origin<'_>, place: &Expr, message: &str) -> TemplateError {
    at_place(origin, offset(place), &spell(place), message)
}

/// Where an expression stands.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    /// The text that was parsed.
    pub(super) source: &'a str,
    /// The name it was parsed under.
    pub(super) parsed_as: &'a str,
    /// The name of the template that runs: another one inside a `define`.
    pub(super) running: &'a str,
}

/// A mistake while running, at a place given by its offset and text.
pub(super) fn at_place(origin: Origin<'_>, offset: usize, spelled: &str, message: &str) -> TemplateError {
    let Origin { source, parsed_as, running } = origin;
    let before = source.get(..offset).unwrap_or(source);
    let line = 1 + before.matches('\n').count();
    let column = before.len() - before.rfind('\n').map_or(0, |newline| newline + 1);
    TemplateError(format!(
        "template: {parsed_as}:{line}:{column}: executing {running:?} at <{spelled}>: {message}"
    ))
}

/// Where Go says that an expression is: a chain of fields is placed at its second name.
pub(super) fn offset(place: &Expr) -> usize {
    match place {
        Expr::Field(position, names) if names.len() > 1 => position.offset + names[0].len() + 1,
        Expr::Variable(position, variable, names) if !names.is_empty() => position.offset + variable.len(),
        other => other.pos().offset,
    }
}

/// How Go writes an expression in a message.
pub(super) fn spell(place: &Expr) -> String {
    match place {
        Expr::Dot(_) => ".".into(),
        Expr::Field(_, names) => names.iter().map(|name| format!(".{name}")).collect(),
        Expr::Variable(_, variable, names) => {
            let mut text = variable.to_string();
            text.extend(names.iter().map(|name| format!(".{name}")));
            text
        }
        Expr::Identifier(_, name) => name.to_string(),
        Expr::String(_, text) => super::super::text::quote(text),
        Expr::Number(_, gotmpl::parse::Number::Int(number)) => number.to_string(),
        Expr::Number(_, gotmpl::parse::Number::Uint(number)) => number.to_string(),
        Expr::Number(_, gotmpl::parse::Number::Float(number)) => number.to_string(),
        Expr::Bool(_, value) => value.to_string(),
        Expr::Nil(_) => "nil".into(),
        Expr::Pipe(_, pipe) => format!("({})", spell_pipe(pipe)),
        Expr::Chain(_, inner, names) => {
            let mut text = spell(inner);
            text.extend(names.iter().map(|name| format!(".{name}")));
            text
        }
    }
}

/// How Go writes a pipeline in a message.
pub(super) fn spell_pipe(pipe: &gotmpl::parse::PipeNode) -> String {
    let commands: Vec<String> = pipe.commands.iter().map(spell_command).collect();
    let commands = commands.join(" | ");
    if pipe.decl.is_empty() {
        return commands;
    }
    let names: Vec<&str> = pipe.decl.iter().map(AsRef::as_ref).collect();
    let sign = if pipe.is_assign { "=" } else { ":=" };
    format!("{} {sign} {commands}", names.join(", "))
}

/// How Go writes a command in a message.
pub(super) fn spell_command(command: &gotmpl::parse::CommandNode) -> String {
    let words: Vec<String> = command.args.iter().map(spell).collect();
    words.join(" ")
}
