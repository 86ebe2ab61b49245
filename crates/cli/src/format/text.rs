//! Small pieces of text as Docker shows them: shortened, quoted, shortened ids.

use unicode_width::UnicodeWidthChar;

/// Shortens to so many columns, the last one an ellipsis. Wide letters count twice.
pub(crate) fn ellipsis(source: &str, width: usize) -> String {
    if width == 0 {
        return String::new();
    }
    if width == 1 {
        return source.chars().next().map(String::from).unwrap_or_default();
    }
    let columns = |letter: char| if letter.width() == Some(2) { 2 } else { 1 };
    if source.chars().map(columns).sum::<usize>() <= width {
        return source.into();
    }
    let mut used = 0;
    let mut short = String::new();
    for letter in source.chars() {
        used += columns(letter);
        if used > width - 1 {
            break;
        }
        short.push(letter);
    }
    short.push('…');
    short
}

/// The first twelve letters of an id, without the digest's algorithm.
pub(crate) fn short_id(id: &str) -> &str {
    let id = id.split_once(':').map_or(id, |(_, digest)| digest);
    id.get(..12).unwrap_or(id)
}

/// Go's `strconv.Quote`.
pub(crate) fn quote(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 2);
    out.push('"');
    for letter in source.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            control if (control as u32) < 0x20 || control == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", control as u32));
            }
            hidden if !printable(hidden) && (hidden as u32) < 0x1_0000 => {
                out.push_str(&format!("\\u{:04x}", hidden as u32));
            }
            hidden if !printable(hidden) => out.push_str(&format!("\\U{:08x}", hidden as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// Whether Go would print a letter as it is: not a control, a format mark or an odd space.
fn printable(letter: char) -> bool {
    if letter.is_ascii() {
        return true;
    }
    !(letter.is_control()
        || letter.is_whitespace()
        || matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e000}'..='\u{f8ff}' | '\u{fffe}'..='\u{ffff}' | '\u{f0000}'..))
}

/// Go's `strings.Title`: the first letter of each word in upper case.
pub(crate) fn title(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut previous = ' ';
    for letter in source.chars() {
        if separates(previous) {
            out.extend(letter.to_uppercase());
        } else {
            out.push(letter);
        }
        previous = letter;
    }
    out
}

fn separates(letter: char) -> bool {
    if letter.is_ascii() {
        return !(letter.is_ascii_alphanumeric() || letter == '_');
    }
    !letter.is_alphanumeric() && letter.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortens_like_docker() {
        for (source, width, expected) in [
            ("t🐳ststring", 0, ""),
            ("t🐳ststring", 1, "t"),
            ("t🐳ststring", 2, "t…"),
            ("t🐳ststring", 6, "t🐳st…"),
            ("t🐳ststring", 20, "t🐳ststring"),
            ("你好世界teststring", 3, "你…"),
            ("你好世界teststring", 6, "你好…"),
            ("teststring", 9, "teststri…"),
            ("teststring", 10, "teststring"),
        ] {
            assert_eq!(ellipsis(source, width), expected, "{source} {width}");
        }
    }

    #[test]
    fn quotes_like_go() {
        for (source, expected) in [
            ("sh -c \"a\"", r#""sh -c \"a\"""#),
            ("a\nb\t\u{1}\u{7f}", r#""a\nb\t\x01\x7f""#),
            ("ü…🐳", "\"ü…🐳\""),
            ("\u{a0}\u{200b}", r#""\u00a0\u200b""#),
        ] {
            assert_eq!(quote(source), expected);
        }
    }

    #[test]
    fn ids_and_titles() {
        assert_eq!(short_id("sha256:0123456789abcdef"), "0123456789ab");
        assert_eq!(short_id("0123"), "0123");
        assert_eq!(title("hello wide_world it's"), "Hello Wide_world It'S");
    }
}
