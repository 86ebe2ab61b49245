//! JSON text as Go's `encoding/json` writes it: its escapes, its float form, `Indent` and `Compact`.

/// Whether `<`, `>` and `&` are escaped, as Go's `json.Marshal` does and a template's `json` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Html {
    /// Left as they are.
    Plain,
    /// Written `\u003c`, `\u003e`, `\u0026`.
    Escaped,
}

/// Appends a quoted string with Go's escapes.
pub(crate) fn string(out: &mut String, text: &str, html: Html) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' if html == Html::Escaped => escape(out, letter),
            '\u{2028}' | '\u{2029}' => escape(out, letter),
            control if (control as u32) < 0x20 => escape(out, control),
            other => out.push(other),
        }
    }
    out.push('"');
}

fn escape(out: &mut String, letter: char) {
    out.push_str(&format!("\\u{:04x}", letter as u32));
}

/// A float as Go encodes it: plain between 1e-6 and 1e21, with an exponent outside.
pub(crate) fn float(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return match text.split_once('e') {
            Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
            _ => text,
        };
    }
    if value == value.trunc() { format!("{value:.0}") } else { value.to_string() }
}

/// Go's `json.Compact`: the same document without the spaces between its parts.
pub(crate) fn compact(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    scan(source, |piece| match piece {
        Piece::Text(text) => out.push_str(text),
        Piece::Punctuation(letter) => out.push(letter),
    });
    out
}

/// Go's `json.Indent`: one element a line, empty arrays and objects kept short.
pub(crate) fn indent(source: &str, prefix: &str, step: &str) -> String {
    let mut out = String::with_capacity(source.len() * 2);
    let mut depth = 0usize;
    let mut need_indent = false;
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(prefix);
        for _ in 0..depth {
            out.push_str(step);
        }
    };
    scan(source, |piece| {
        let closing = matches!(piece, Piece::Punctuation(']' | '}'));
        if need_indent && !closing {
            need_indent = false;
            depth += 1;
            new_line(&mut out, depth);
        }
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Punctuation(letter @ ('[' | '{')) => {
                need_indent = true;
                out.push(letter);
            }
            Piece::Punctuation(',') => {
                out.push(',');
                new_line(&mut out, depth);
            }
            Piece::Punctuation(':') => out.push_str(": "),
            Piece::Punctuation(letter) => {
                if need_indent {
                    need_indent = false;
                } else {
                    depth = depth.saturating_sub(1);
                    new_line(&mut out, depth);
                }
                out.push(letter);
            }
        }
    });
    out
}

enum Piece<'a> {
    Text(&'a str),
    Punctuation(char),
}

/// Cuts a valid document into its strings, literals and punctuation, dropping the spaces between.
fn scan<'a>(source: &'a str, mut visit: impl FnMut(Piece<'a>)) {
    let bytes = source.as_bytes();
    let mut position = 0;
    while position < bytes.len() {
        let start = position;
        match bytes[position] {
            b' ' | b'\t' | b'\n' | b'\r' => position += 1,
            b'"' => {
                position += 1;
                while position < bytes.len() && bytes[position] != b'"' {
                    position += if bytes[position] == b'\\' { 2 } else { 1 };
                }
                position = (position + 1).min(bytes.len());
                visit(Piece::Text(&source[start..position]));
            }
            punctuation @ (b'{' | b'}' | b'[' | b']' | b',' | b':') => {
                position += 1;
                visit(Piece::Punctuation(punctuation as char));
            }
            _ => {
                while position < bytes.len() && !b" \t\n\r\"{}[],:".contains(&bytes[position]) {
                    position += 1;
                }
                visit(Piece::Text(&source[start..position]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indents_and_compacts_like_go() {
        let source = "[{\"a\": [], \"b\" : {},\n \"c\":[1, 2.50,\"x:{y}\\\"\"]}]";
        assert_eq!(compact(source), r#"[{"a":[],"b":{},"c":[1,2.50,"x:{y}\""]}]"#);
        let expected = "[\n    {\n        \"a\": [],\n        \"b\": {},\n        \"c\": [\n            1,\n            2.50,\n            \"x:{y}\\\"\"\n        ]\n    }\n]";
        assert_eq!(indent(source, "", "    "), expected);
    }

    #[test]
    fn escapes_like_go() {
        let mut out = String::new();
        string(&mut out, "<a&b>\u{1}\u{8}\"\\\n\u{2028}ü", Html::Escaped);
        assert_eq!(out, "\"\\u003ca\\u0026b\\u003e\\u0001\\b\\\"\\\\\\n\\u2028ü\"");
        out.clear();
        string(&mut out, "<a&b>", Html::Plain);
        assert_eq!(out, "\"<a&b>\"");
    }

    #[test]
    fn floats_like_go() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (1e21, "1e+21"),
            (1e20, "100000000000000000000"),
            (1e-7, "1e-7"),
        ] {
            assert_eq!(float(value), text);
        }
    }
}
