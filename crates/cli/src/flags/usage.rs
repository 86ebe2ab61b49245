//! The `Options:` part of `--help`, laid out as pflag lays it out.

use super::values::quote;
use super::{Flag, FlagSet};

impl FlagSet<'_> {
    /// Whether help has any flag to show.
    pub(crate) fn has_visible(&self) -> bool {
        self.flags.iter().any(|flag| !flag.hidden && !flag.own)
    }

    /// Whether there is a flag that Docker does not have.
    pub(crate) fn has_own(&self) -> bool {
        self.flags.iter().any(|flag| !flag.hidden && flag.own)
    }

    /// One entry per visible flag, sorted by name, wrapped to `columns`: Docker's, or those that only we have.
    pub(crate) fn usages(&self, own: bool, columns: usize) -> String {
        let mut visible: Vec<&Flag<'_>> =
            self.flags.iter().filter(|flag| !flag.hidden && flag.own == own).collect();
        visible.sort_by_key(|flag| flag.name);
        let lines: Vec<(String, String)> = visible.into_iter().map(line).collect();
        let width = lines.iter().map(|(head, _)| head.len()).max().unwrap_or(0);
        let mut text = String::new();
        for (head, usage) in &lines {
            text.push_str(&format!("{head:width$}   "));
            text.push_str(&wrap(width + 3, columns, usage));
            text.push('\n');
        }
        text
    }
}

/// The left column and the unwrapped text of the right one.
fn line(flag: &Flag<'_>) -> (String, String) {
    let mut head = match flag.shorthand {
        Some(letter) => format!("  -{letter}, --{}", flag.name),
        None => format!("      --{}", flag.name),
    };
    let (placeholder, mut usage) = placeholder(flag);
    if !placeholder.is_empty() {
        head.push(' ');
        head.push_str(&placeholder);
    }
    match (flag.bare, flag.type_name) {
        (None, _) | (Some("true"), "bool") => {}
        (Some(bare), "string") => head.push_str(&format!("[=\"{bare}\"]")),
        (Some(bare), _) => head.push_str(&format!("[={bare}]")),
    }
    if !flag.default.is_empty() {
        if flag.type_name == "string" {
            usage.push_str(&format!(" (default {})", quote(&flag.default)));
        } else {
            usage.push_str(&format!(" (default {})", flag.default));
        }
    }
    (head, usage)
}

/// The name between back quotes in the usage text, or else the type's name.
fn placeholder(flag: &Flag<'_>) -> (String, String) {
    if let Some((before, rest)) = flag.usage.split_once('`')
        && let Some((name, after)) = rest.split_once('`')
    {
        return (name.to_owned(), format!("{before}{name}{after}"));
    }
    let name = if flag.type_name == "bool" { "" } else { flag.type_name };
    (name.to_owned(), flag.usage.to_owned())
}

/// Wraps `text` to `columns`, all lines but the first indented; too narrow a column is not wrapped.
fn wrap(indent: usize, columns: usize, text: &str) -> String {
    const NARROW: usize = 24;
    /// How far the last word may stick out, so that no short orphan is left.
    const SLOP: usize = 5;
    let mut indent = indent;
    let mut room = columns.saturating_sub(indent);
    let mut wrapped = String::new();
    if room < NARROW {
        indent = 16;
        room = columns.saturating_sub(indent);
        wrapped.push('\n');
        wrapped.push_str(&" ".repeat(indent));
    }
    if room < NARROW {
        return text.replace('\n', &wrapped);
    }
    let newline = format!("\n{}", " ".repeat(indent));
    let (mut head, mut rest) = wrap_once(room - SLOP, SLOP, text);
    wrapped.push_str(&head.replace('\n', &newline));
    while !rest.is_empty() {
        (head, rest) = wrap_once(room - SLOP, SLOP, rest);
        wrapped.push_str(&newline);
        wrapped.push_str(&head.replace('\n', &newline));
    }
    wrapped
}

fn wrap_once(room: usize, slop: usize, text: &str) -> (&str, &str) {
    if room + slop > text.len() {
        return (text, "");
    }
    let start = text.get(..room).unwrap_or(text);
    match start.rfind([' ', '\t', '\n']) {
        None | Some(0) => (text, ""),
        Some(blank) => match start.rfind('\n') {
            Some(newline) if newline > 0 && newline < blank => (&text[..newline], &text[newline + 1..]),
            _ => (&text[..blank], &text[blank + 1..]),
        },
    }
}
