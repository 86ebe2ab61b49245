//! Promises about each Rust file: it says what it is for, it stays small, it leaves nothing unfinished,
//! and it is safe unless it belongs to `sys`.

use super::tree::File;

/// No file may be longer, tests and comments included.
const LONGEST: usize = 800;

/// Code that admits to being unfinished, or a test that does not run.
const UNFINISHED: [&str; 4] = ["todo!", "unimplemented!", "#[ignore]", "#[ignore ="];

/// The only place for unsafe code.
const UNSAFE_HOME: &str = "crates/sys/";

/// Looks at one Rust file.
pub(crate) fn check(file: &File) -> Vec<String> {
    let mut findings = Vec::new();
    let path = &file.path;
    if !file.content.starts_with("//!") {
        findings.push(format!("{path}:1: starts without a `//!` line that says what it is for"));
    }
    let lines = file.content.lines().count();
    if lines > LONGEST {
        findings.push(format!("{path}: {lines} lines, more than {LONGEST}: split it by what it does"));
    }
    for (number, line) in (1..).zip(code_only(&file.content).lines()) {
        for word in UNFINISHED.into_iter().filter(|word| line.contains(word)) {
            findings.push(format!("{path}:{number}: {word} is unfinished work"));
        }
        if !path.starts_with(UNSAFE_HOME) && words(line).any(|word| word == "unsafe") {
            findings.push(format!("{path}:{number}: unsafe code belongs into {UNSAFE_HOME}"));
        }
    }
    findings
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    line.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'))
}

/// The file with comments and the insides of literals blanked out, line by line as it was.
fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let skipped = comment(rest).or_else(|| literal(rest, code.chars().next_back()));
        let taken = skipped.unwrap_or(first.len_utf8());
        let (piece, after) = rest.split_at(taken);
        if skipped.is_some() {
            code.push(' ');
            code.extend(piece.chars().filter(|letter| *letter == '\n'));
        } else {
            code.push(first);
        }
        rest = after;
    }
    code
}

/// The length in bytes of the comment that `text` starts with, nested ones included.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let here = &text[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(text.len())
}

/// The length in bytes of the string or character that `text` starts with; a lifetime is neither.
/// `before` is the letter before it, since `r"` opens a raw string only where no name ends.
fn literal(text: &str, before: Option<char>) -> Option<usize> {
    let in_name = before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_');
    if let Some(raw) = text.strip_prefix('r').filter(|_| !in_name || before == Some('b')) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let close = format!("\"{}", "#".repeat(hashes));
            let body = 1 + hashes + 1;
            return Some(text[body..].find(&close).map_or(text.len(), |end| body + end + close.len()));
        }
    }
    if text.starts_with('"') {
        return Some(closed(text, '"'));
    }
    let inside = text.strip_prefix('\'')?;
    let mut letters = inside.chars();
    match (letters.next(), letters.next()) {
        (Some('\\'), _) => Some(closed(text, '\'')),
        (Some(letter), Some('\'')) => Some(2 + letter.len_utf8()),
        _ => None,
    }
}

/// Where the literal that `text` opens with `quote` ends, escapes passed over.
fn closed(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + letter.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, content: &str) -> Vec<String> {
        check(&File { path: path.into(), content: content.into() })
    }

    #[test]
    fn a_clean_file_has_no_findings() {
        let source = "//! Purpose.\n\n// unsafe in a comment\nfn f<'a>(x: &'a str) -> char { \"unsafe todo!\"; 'u' }\n";
        assert_eq!(findings("crates/engine/src/a.rs", source), Vec::<String>::new());
    }

    #[test]
    fn a_missing_head_is_found() {
        assert_eq!(findings("a.rs", "use std::fs;\n").len(), 1);
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(findings("a.rs", &format!("//! Head.\n{}", "\n".repeat(LONGEST))).len(), 1);
        assert_eq!(findings("a.rs", &format!("//! Head.\n{}", "\n".repeat(LONGEST - 1))).len(), 0);
    }

    #[test]
    fn unfinished_work_is_found() {
        for code in
            ["fn f() { todo!() }", "fn f() { unimplemented!(\"x\") }", "#[ignore]", "#[ignore = \"slow\"]"]
        {
            assert_eq!(findings("a.rs", &format!("//! Head.\n{code}\n")).len(), 1, "{code}");
        }
    }

    #[test]
    fn unsafe_code_is_found_outside_its_home_only() {
        let source = "//! Head.\nfn f() { unsafe { g() } }\n";
        assert_eq!(findings("crates/engine/src/a.rs", source).len(), 1);
        assert_eq!(findings("crates/sys/src/a.rs", source).len(), 0);
        assert_eq!(findings("crates/engine/src/a.rs", "//! Head.\n#![deny(unsafe_code)]\n").len(), 0);
    }

    #[test]
    fn code_after_a_literal_or_comment_is_still_seen() {
        for code in [
            "let q = '\"'; unsafe {}",
            "let q = '\\''; unsafe {}",
            "/* a /* nested */ comment */ unsafe {}",
            "let q = r#\"raw \" one\"#; unsafe {}",
            "let q = br\"raw\\\"; unsafe {}",
            "let q = \"a \\\" b\"; unsafe {}",
            "fn f<'a>(x: &'a u8) { unsafe {} }",
        ] {
            assert_eq!(findings("a.rs", &format!("//! Head.\n{code}\n")).len(), 1, "{code}");
        }
    }
}
