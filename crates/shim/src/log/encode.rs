//! Encoding one entry, byte for byte as Docker's json-file driver does.
//!
//! The rules of the text (moby `daemon/logger/jsonfilelog/jsonlog`): `"` and `\` get a backslash, newline and
//! carriage return become `\n` and `\r`, other control bytes and `<`, `>`, `&` become `\u00XX`, each byte that
//! is not part of valid UTF-8 becomes `\ufffd`, U+2028 and U+2029 are escaped, all else is copied.

use super::Stream;

/// What every entry of one moment has after its text: stream, attributes and time.
#[derive(Debug, Default)]
pub(super) struct Suffix {
    bytes: Vec<u8>,
}

impl Suffix {
    /// Prepares the end of the entries of `stream` written at `time` (RFC 3339); `attributes` is a JSON object
    /// or empty.
    pub(super) fn new(stream: Stream, attributes: &[u8], time: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(64 + attributes.len());
        bytes.extend_from_slice(match stream {
            Stream::Stdout => b"\",\"stream\":\"stdout\",".as_slice(),
            Stream::Stderr => b"\",\"stream\":\"stderr\",".as_slice(),
        });
        if !attributes.is_empty() {
            bytes.extend_from_slice(b"\"attrs\":");
            bytes.extend_from_slice(attributes);
            bytes.push(b',');
        }
        bytes.extend_from_slice(b"\"time\":\"");
        bytes.extend_from_slice(time);
        bytes.extend_from_slice(b"\"}\n");
        Self { bytes }
    }
}

/// Appends one entry. `newline` says that the line ended (its newline is not in `text`).
pub(super) fn entry(out: &mut Vec<u8>, text: &[u8], newline: bool, suffix: &Suffix) {
    if text.is_empty() && !newline {
        return;
    }
    out.extend_from_slice(b"{\"log\":\"");
    escape(out, text);
    if newline {
        out.extend_from_slice(b"\\n");
    }
    out.extend_from_slice(&suffix.bytes);
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Whether a byte is copied as it is.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x20;
    while byte < 0x80 {
        table[byte] = !matches!(byte as u8, b'"' | b'\\' | b'<' | b'>' | b'&');
        byte += 1;
    }
    table
};

/// Appends `text` as the inside of a JSON string.
pub(super) fn escape(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while !rest.is_empty() {
        let run = plain_run(rest);
        out.extend_from_slice(&rest[..run]);
        rest = &rest[run..];
        let Some(&byte) = rest.first() else { return };
        if byte < 0x80 {
            escape_ascii(out, byte);
            rest = &rest[1..];
            continue;
        }
        match sequence_length(rest) {
            None => {
                out.extend_from_slice(b"\\ufffd");
                rest = &rest[1..];
            }
            Some(length) => {
                match &rest[..length] {
                    [0xe2, 0x80, 0xa8] => out.extend_from_slice(b"\\u2028"),
                    [0xe2, 0x80, 0xa9] => out.extend_from_slice(b"\\u2029"),
                    sequence => out.extend_from_slice(sequence),
                }
                rest = &rest[length..];
            }
        }
    }
}

/// How many bytes from the start are plain. Eight at a time while it can.
fn plain_run(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte equal to `wanted` becomes zero under xor, and a zero byte borrows into its high bit.
    let equal = |word: u64, wanted: u8| {
        let difference = word ^ (ONES * u64::from(wanted));
        difference.wrapping_sub(ONES) & !difference
    };
    let mut at = 0;
    for chunk in text.chunks_exact(8) {
        let mut bytes = [0_u8; 8];
        bytes.copy_from_slice(chunk);
        let word = u64::from_le_bytes(bytes);
        let below_space = word.wrapping_sub(ONES * 0x20) & !word;
        // `<` (0x3c) and `>` (0x3e) differ in one bit.
        let angles = equal(word | (ONES * 2), b'>');
        let special =
            word | below_space | equal(word, b'"') | equal(word, b'\\') | equal(word, b'&') | angles;
        if special & HIGH != 0 {
            break;
        }
        at += 8;
    }
    at + text[at..].iter().take_while(|byte| PLAIN[usize::from(**byte)]).count()
}

fn escape_ascii(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&digits);
        }
    }
}

/// The length of the well-formed UTF-8 sequence (not ASCII) at the start, if there is one
/// (Unicode standard, table 3-7).
fn sequence_length(text: &[u8]) -> Option<usize> {
    let continuation = |at: usize| text.get(at).is_some_and(|byte| byte & 0xc0 == 0x80);
    let second = *text.get(1)?;
    match text[0] {
        0xc2..=0xdf if continuation(1) => Some(2),
        lead @ 0xe0..=0xef => {
            let allowed = match lead {
                0xe0 => 0xa0..=0xbf,
                0xed => 0x80..=0x9f,
                _ => 0x80..=0xbf,
            };
            (allowed.contains(&second) && continuation(2)).then_some(3)
        }
        lead @ 0xf0..=0xf4 => {
            let allowed = match lead {
                0xf0 => 0x90..=0xbf,
                0xf4 => 0x80..=0x8f,
                _ => 0x80..=0xbf,
            };
            (allowed.contains(&second) && continuation(2) && continuation(3)).then_some(4)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &[u8]) -> String {
        let mut out = Vec::new();
        escape(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_byte_alone_and_inside_a_long_line() {
        for byte in 0..=255_u8 {
            let expected = match byte {
                b'"' => "\\\"".to_owned(),
                b'\\' => "\\\\".to_owned(),
                b'\n' => "\\n".to_owned(),
                b'\r' => "\\r".to_owned(),
                b'<' | b'>' | b'&' | 0..=0x1f => format!("\\u00{byte:02x}"),
                0x80.. => "\\ufffd".to_owned(),
                _ => char::from(byte).to_string(),
            };
            assert_eq!(escaped(&[byte]), expected, "byte {byte}");
            for position in 0..16 {
                let mut line = vec![b'a'; 16];
                line[position] = byte;
                let around = format!("{}{expected}{}", "a".repeat(position), "a".repeat(15 - position));
                assert_eq!(escaped(&line), around, "byte {byte} at {position}");
            }
        }
    }

    #[test]
    fn unicode_is_copied_and_damage_replaced() {
        assert_eq!(escaped("grün 漢字 🦀".as_bytes()), "grün 漢字 🦀");
        assert_eq!(escaped("a\u{2028}b\u{2029}".as_bytes()), "a\\u2028b\\u2029");
        assert_eq!(escaped(b"\xe6\xbc"), "\\ufffd\\ufffd");
        assert_eq!(escaped(b"\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");
        assert_eq!(escaped(b"\xc0\xafx"), "\\ufffd\\ufffdx");
    }

    #[test]
    fn an_entry_has_dockers_form() {
        let mut out = Vec::new();
        let suffix = Suffix::new(Stream::Stderr, b"{\"a\":\"b\"}", b"2026-11-21T04:05:06Z");
        entry(&mut out, b"hi", true, &suffix);
        entry(&mut out, b"", false, &suffix);
        let expected = r#"{"log":"hi\n","stream":"stderr","attrs":{"a":"b"},"time":"2026-11-21T04:05:06Z"}"#
            .to_owned()
            + "\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
