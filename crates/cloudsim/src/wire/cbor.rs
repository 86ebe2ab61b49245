//! CBOR (RFC 8949), as far as Smithy's RPC v2 uses it: what newer clients of CloudWatch speak.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

/// Deepest nesting that is read.
const DEEPEST: u32 = 32;

/// Reads one value. A moment (tag 1) becomes a number of seconds, bytes become base64.
pub(crate) fn read(bytes: &[u8]) -> Option<Value> {
    let mut rest = bytes;
    item(&mut rest, 0)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn argument(rest: &mut &[u8], low: u8) -> Option<u64> {
    let width = match low {
        0..24 => return Some(u64::from(low)),
        24..28 => 1 << (low - 24),
        _ => return None,
    };
    Some(take(rest, width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn item(rest: &mut &[u8], depth: u32) -> Option<Value> {
    let head = take(rest, 1)?[0];
    if depth > DEEPEST || head == 0xff {
        return None;
    }
    let (major, low) = (head >> 5, head & 31);
    // Lists, maps and texts without a length end with a "break".
    let is_open = low == 31;
    let count = if is_open || major == 7 { 0 } else { argument(rest, low)? };
    let size = usize::try_from(count).ok()?;
    let more = |rest: &mut &[u8], done: usize| {
        if !is_open {
            return done < size;
        }
        let ends = rest.first() == Some(&0xff);
        if ends {
            *rest = &rest[1..];
        }
        !ends
    };
    Some(match major {
        0 => count.into(),
        1 => (-1 - i64::try_from(count).ok()?).into(),
        2 => STANDARD.encode(take(rest, size)?).into(),
        3 if is_open => {
            let mut text = String::new();
            while more(rest, 0) {
                text.push_str(item(rest, depth + 1)?.as_str()?);
            }
            text.into()
        }
        3 => std::str::from_utf8(take(rest, size)?).ok()?.into(),
        4 => {
            let mut list = Vec::new();
            while more(rest, list.len()) {
                list.push(item(rest, depth + 1)?);
            }
            list.into()
        }
        5 => {
            let (mut map, mut done) = (Map::new(), 0);
            while more(rest, done) {
                let name = item(rest, depth + 1)?.as_str()?.to_owned();
                map.insert(name, item(rest, depth + 1)?);
                done += 1;
            }
            map.into()
        }
        6 => item(rest, depth + 1)?,
        _ => simple(rest, low)?,
    })
}

fn simple(rest: &mut &[u8], low: u8) -> Option<Value> {
    let float = |number: f64| Number::from_f64(number).map(Value::Number);
    match low {
        20 | 21 => Some((low == 21).into()),
        22 | 23 => Some(Value::Null),
        26 => float(f32::from_be_bytes(take(rest, 4)?.try_into().ok()?).into()),
        27 => float(f64::from_be_bytes(take(rest, 8)?.try_into().ok()?)),
        _ => None,
    }
}

/// Writes one value. Members whose name says that they are moments get tag 1.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    put(&mut out, value, false);
    out
}

fn head(out: &mut Vec<u8>, major: u8, count: u64) {
    let bytes = count.to_be_bytes();
    match count {
        0..24 => out.push(major << 5 | bytes[7]),
        24..0x100 => out.extend([major << 5 | 24, bytes[7]]),
        0x100..0x1_0000 => out.extend([major << 5 | 25, bytes[6], bytes[7]]),
        _ => {
            out.push(major << 5 | 27);
            out.extend(bytes);
        }
    }
}

fn put(out: &mut Vec<u8>, value: &Value, is_moment: bool) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(yes) => out.push(if *yes { 0xf5 } else { 0xf4 }),
        Value::Number(number) => {
            if is_moment {
                out.push(0xc1);
            }
            match (number.as_u64(), number.as_i64()) {
                (Some(number), _) => head(out, 0, number),
                (None, Some(number)) => head(out, 1, number.wrapping_neg().cast_unsigned().wrapping_sub(1)),
                _ => {
                    out.push(0xfb);
                    out.extend(number.as_f64().unwrap_or_default().to_be_bytes());
                }
            }
        }
        Value::String(text) => {
            head(out, 3, text.len() as u64);
            out.extend(text.as_bytes());
        }
        Value::Array(list) => {
            head(out, 4, list.len() as u64);
            list.iter().for_each(|element| put(out, element, is_moment));
        }
        Value::Object(map) => {
            head(out, 5, map.len() as u64);
            for (name, value) in map {
                put(out, &Value::String(name.clone()), false);
                put(out, value, name.starts_with("Timestamp"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!({ "a": [1, -2, 2.5, true, null, "text"], "b": { "c": 300, "d": 70000 },
            "Timestamps": [1.5, 2] });
        assert_eq!(read(&write(&value)).unwrap(), value);
        // Of RFC 8949, appendix A: 1(1363896240), and an open list.
        assert_eq!(read(&[0xc1, 0x1a, 0x51, 0x4b, 0x67, 0xb0]).unwrap(), json!(1_363_896_240));
        assert_eq!(read(&[0x9f, 0x01, 0x82, 0x02, 0x03, 0xff]).unwrap(), json!([1, [2, 3]]));
        assert_eq!(read(&[0x82, 0x01]), None);
    }
}
