//! PAX extended header records: `length key=value\n`.

use super::Timestamp;
use crate::error::{Result, StorageError};

/// What the records before an entry say about it. An empty value takes a record back (POSIX pax).
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) size: Option<u64>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) mtime: Option<Timestamp>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    /// GNU.sparse.* records, in order.
    pub(super) sparse: Vec<(Vec<u8>, Vec<u8>)>,
}

fn bad(what: &str) -> StorageError {
    StorageError::InvalidTar(format!("an extended header has {what}"))
}

impl Records {
    /// Adds the records of one extended header.
    pub(super) fn parse(&mut self, mut data: &[u8]) -> Result<()> {
        while !data.is_empty() {
            // Some writers pad with NUL bytes.
            if data.iter().all(|byte| *byte == 0) {
                return Ok(());
            }
            let space = data.iter().position(|byte| *byte == b' ').ok_or_else(|| bad("no length"))?;
            let length: usize = decimal(&data[..space]).ok_or_else(|| bad("a bad length"))?;
            if length <= space + 1 || length > data.len() || data[length - 1] != b'\n' {
                return Err(bad("a bad length"));
            }
            let record = &data[space + 1..length - 1];
            data = &data[length..];
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(|| bad("no key"))?;
            self.set(&record[..equals], &record[equals + 1..])?;
        }
        Ok(())
    }

    fn set(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        let given = !value.is_empty();
        match key {
            b"path" => self.path = text(value)?,
            b"linkpath" => self.link = text(value)?,
            b"size" => {
                self.size = given.then(|| decimal(value).ok_or_else(|| bad("a bad size"))).transpose()?;
            }
            b"uid" => {
                self.uid = given.then(|| decimal(value).ok_or_else(|| bad("a bad owner"))).transpose()?
            }
            b"gid" => {
                self.gid = given.then(|| decimal(value).ok_or_else(|| bad("a bad group"))).transpose()?
            }
            b"mtime" => {
                self.mtime = given.then(|| timestamp(value).ok_or_else(|| bad("a bad time"))).transpose()?;
            }
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    self.xattrs.retain(|(known, _)| known != name);
                    // An attribute may have an empty value; taking one back is not used in practice.
                    self.xattrs.push((name.to_vec(), value.to_vec()));
                } else if key.starts_with(b"GNU.sparse.") {
                    self.sparse.push((key[b"GNU.sparse.".len()..].to_vec(), value.to_vec()));
                }
            }
        }
        Ok(())
    }

    /// The last value of a GNU.sparse record.
    pub(super) fn sparse_value(&self, key: &[u8]) -> Option<&[u8]> {
        self.sparse.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_slice())
    }
}

fn text(value: &[u8]) -> Result<Option<Vec<u8>>> {
    if value.contains(&0) {
        return Err(bad("a NUL byte in a name"));
    }
    Ok((!value.is_empty()).then(|| value.to_vec()))
}

/// A decimal number of a type that holds no sign.
pub(super) fn decimal<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `[-]seconds[.fraction]`, with the fraction cut to nanoseconds.
fn timestamp(text: &[u8]) -> Option<Timestamp> {
    let (negative, text) = match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = match text.iter().position(|byte| *byte == b'.') {
        Some(dot) => (&text[..dot], &text[dot + 1..]),
        None => (text, &b""[..]),
    };
    let seconds: i64 = decimal(whole)?;
    if !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut nanoseconds = 0u32;
    for index in 0..9 {
        let digit = fraction.get(index).map_or(0, |byte| u32::from(byte - b'0'));
        nanoseconds = nanoseconds * 10 + digit;
    }
    Some(match (negative, nanoseconds) {
        (false, _) => Timestamp { seconds, nanoseconds },
        (true, 0) => Timestamp { seconds: -seconds, nanoseconds: 0 },
        (true, _) => Timestamp { seconds: -seconds - 1, nanoseconds: 1_000_000_000 - nanoseconds },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_and_bad_ones_refused() {
        let mut records = Records::default();
        records.parse(b"12 path=abc\n22 mtime=1.5000000009\n").unwrap();
        assert_eq!(records.path.as_deref(), Some(&b"abc"[..]));
        assert_eq!(records.mtime, Some(Timestamp { seconds: 1, nanoseconds: 500_000_000 }));
        for bad in [&b"99 path=abc\n"[..], b"x path=abc\n", b"4 a=\n", b"9 uid=-1\n", b"1 \n", b"0 \n"] {
            assert!(Records::default().parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn times_before_1970() {
        assert_eq!(timestamp(b"-1.25"), Some(Timestamp { seconds: -2, nanoseconds: 750_000_000 }));
        assert_eq!(timestamp(b"-3"), Some(Timestamp { seconds: -3, nanoseconds: 0 }));
        assert_eq!(timestamp(b""), None);
    }
}
