//! Decoding one entry of a json-file log.

use memchr::{memchr2, memrchr};

use super::Stream;

/// The parts of one entry, its text decoded elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts<'a> {
    /// Which output it came from.
    pub stream: Stream,
    /// RFC 3339, as written.
    pub time: &'a [u8],
    /// The `attrs` object as JSON, or empty.
    pub attributes: &'a [u8],
}

/// Appends the text of the entry in `line` (without its newline) to `text` and returns the rest. `None`, with
/// `text` as it was, for a line that is no entry (the last line of a file after a power cut, for instance).
pub(super) fn decode<'a>(line: &'a [u8], text: &mut Vec<u8>) -> Option<Parts<'a>> {
    let start = text.len();
    let parts = decode_fast(line, text);
    if parts.is_none() {
        text.truncate(start);
        return decode_any(line, text);
    }
    parts
}

/// Reads the exact form that our writer and Docker's produce.
fn decode_fast<'a>(line: &'a [u8], text: &mut Vec<u8>) -> Option<Parts<'a>> {
    let rest = unescape(line.strip_prefix(b"{\"log\":\"")?, text)?;
    let rest = rest.strip_prefix(b",\"stream\":\"std")?;
    let (stream, rest) = match rest.strip_prefix(b"out\",") {
        Some(rest) => (Stream::Stdout, rest),
        None => (Stream::Stderr, rest.strip_prefix(b"err\",")?),
    };
    let rest = rest.strip_suffix(b"\"}")?;
    let quote = memrchr(b'"', rest)?;
    let (before, time) = (rest[..quote].strip_suffix(b"\"time\":")?, &rest[quote + 1..]);
    let attributes = match before.strip_prefix(b"\"attrs\":") {
        Some(attributes) => attributes.strip_suffix(b",")?,
        None if before.is_empty() => before,
        None => return None,
    };
    Some(Parts { stream, time, attributes })
}

/// Reads any JSON object with the right fields, in any order.
fn decode_any<'a>(line: &'a [u8], text: &mut Vec<u8>) -> Option<Parts<'a>> {
    #[derive(serde::Deserialize)]
    struct Entry<'a> {
        #[serde(default)]
        log: String,
        stream: Option<Stream>,
        #[serde(borrow)]
        time: &'a str,
        #[serde(borrow, default)]
        attrs: Option<&'a serde_json::value::RawValue>,
    }
    let entry: Entry<'a> = serde_json::from_slice(line).ok()?;
    text.extend_from_slice(entry.log.as_bytes());
    Some(Parts {
        stream: entry.stream.unwrap_or(Stream::Stdout),
        time: entry.time.as_bytes(),
        attributes: entry.attrs.map_or(&[], |attributes| attributes.get().as_bytes()),
    })
}

/// Decodes a JSON string up to its closing quote and returns what follows the quote.
fn unescape<'a>(string: &'a [u8], text: &mut Vec<u8>) -> Option<&'a [u8]> {
    let mut rest = string;
    loop {
        let at = memchr2(b'"', b'\\', rest)?;
        text.extend_from_slice(&rest[..at]);
        if rest[at] == b'"' {
            return Some(&rest[at + 1..]);
        }
        let code = *rest.get(at + 1)?;
        rest = &rest[at + 2..];
        let byte = match code {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'"' | b'\\' | b'/' => code,
            b'u' => {
                let mut character = code_unit(rest)?;
                rest = &rest[4..];
                if (0xd800..0xdc00).contains(&character)
                    && let Some(low) = rest.strip_prefix(b"\\u").and_then(code_unit)
                    && (0xdc00..0xe000).contains(&low)
                {
                    character = 0x1_0000 + ((character - 0xd800) << 10) + (low - 0xdc00);
                    rest = &rest[6..];
                }
                let character = char::from_u32(character).unwrap_or(char::REPLACEMENT_CHARACTER);
                text.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            _ => return None,
        };
        text.push(byte);
    }
}

fn code_unit(text: &[u8]) -> Option<u32> {
    text.get(..4)?.iter().try_fold(0, |value, digit| Some(value * 16 + char::from(*digit).to_digit(16)?))
}

/// Appends the attributes as `docker logs --details` shows them: `key=value,key=value` in the order of their
/// keys, both sides escaped as in a URL query (moby `daemon/server/httputils/write_log_stream.go`).
pub(super) fn details(attributes: &[u8], out: &mut Vec<u8>) {
    let Ok(pairs) = serde_json::from_slice::<std::collections::BTreeMap<String, String>>(attributes) else {
        return;
    };
    for (number, (key, value)) in pairs.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        query_escape(key, out);
        out.push(b'=');
        query_escape(value, out);
    }
}

fn query_escape(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            _ => {
                let digit = |value: u8| {
                    char::from_digit(u32::from(value), 16).map_or(0, |c| c.to_ascii_uppercase() as u8)
                };
                out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode;
    use super::*;

    #[test]
    fn what_the_writer_writes_is_read_back() {
        let all: Vec<u8> = (0..=127).chain("grün\u{2028}漢🦀".bytes()).collect();
        for (attributes, stream) in
            [(&b""[..], Stream::Stdout), (br#"{"a":"\"x\"}","b":"c"}"#, Stream::Stderr)]
        {
            let suffix = encode::Suffix::new(stream, attributes, b"2026-11-21T04:05:06.1Z");
            let mut line = Vec::new();
            encode::entry(&mut line, &all, true, &suffix);
            line.pop();
            let mut text = Vec::new();
            let parts = decode_fast(&line, &mut text).unwrap();
            assert_eq!(text, [all.as_slice(), b"\n"].concat());
            assert_eq!(parts, Parts { stream, time: b"2026-11-21T04:05:06.1Z", attributes });
        }
    }

    #[test]
    fn other_shapes_are_read_and_damage_is_not() {
        let mut text = Vec::new();
        let line = br#"{"time":"2026-11-21T04:05:06Z","log":"\ud83e\udd80 x","stream":"stderr"}"#;
        assert_eq!(decode(line, &mut text).unwrap().stream, Stream::Stderr);
        assert_eq!(text, "🦀 x".as_bytes());
        text.clear();
        for damaged in [&b"{\"log\":\"half a li"[..], b"", b"\0\0\0\0", b"{}"] {
            assert_eq!(decode(damaged, &mut text), None);
            assert!(text.is_empty());
        }
    }

    #[test]
    fn details_are_a_query() {
        let mut out = Vec::new();
        details(br#"{"b":"x y","a":"1=2"}"#, &mut out);
        assert_eq!(out, b"a=1%3D2,b=x+y");
    }
}
