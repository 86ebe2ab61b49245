//! Names of archive entries.

use crate::error::{Result, StorageError};

/// The path of an entry relative to the root: no leading slash, no `.`, `..` or empty component. The
/// root itself is the empty path.
///
/// # Errors
/// `InvalidArgument` for a path that leaves the root, holds a NUL byte or a component beyond NAME_MAX.
pub(crate) fn clean(path: &[u8]) -> Result<Vec<u8>> {
    let hostile = |reason: &str| StorageError::Hostile {
        path: String::from_utf8_lossy(path).chars().take(200).collect(),
        reason: reason.into(),
    };
    if path.contains(&0) {
        return Err(hostile("its name holds a NUL byte"));
    }
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => {
                parts.pop().ok_or_else(|| hostile("it would be outside the root"))?;
            }
            part if part.len() > 255 => return Err(hostile("a part of its name is longer than 255 bytes")),
            part => parts.push(part),
        }
    }
    Ok(parts.join(&b'/'))
}

/// Splits a clean, non-empty path into parent and name.
pub(crate) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

/// Puts a name behind a parent path.
pub(crate) fn join(parent: &[u8], name: &[u8]) -> Vec<u8> {
    if parent.is_empty() { name.to_vec() } else { [parent, b"/", name].concat() }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn names_are_cleaned_and_escapes_refused() {
        assert_eq!(clean(b"./a//b/../c/").unwrap(), b"a/c");
        assert_eq!(clean(b"/etc/passwd").unwrap(), b"etc/passwd");
        assert_eq!(clean(b"./").unwrap(), b"");
        for bad in [&b".."[..], b"a/../../b", b"/../x", b"a\0b", &[b'x'; 256]] {
            assert!(clean(bad).is_err(), "{bad:?}");
        }
    }
}
