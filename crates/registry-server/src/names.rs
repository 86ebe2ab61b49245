//! What names, tags and digests may look like (OCI distribution specification, "Pulling manifests").

/// Longest name of a repository.
const LONGEST_NAME: usize = 255;
/// Longest tag.
const LONGEST_TAG: usize = 128;

/// Whether a text names a repository: parts of small letters and digits, joined by slashes, with single `.`, one or
/// two `_`, or any number of `-` between letters.
pub(crate) fn is_repository(name: &str) -> bool {
    name.len() <= LONGEST_NAME && !name.is_empty() && name.split('/').all(is_part)
}

fn is_part(part: &str) -> bool {
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = part.as_bytes();
    if !bytes.first().is_some_and(letter) || !bytes.last().is_some_and(letter) {
        return false;
    }
    bytes.split(letter).all(|between| {
        matches!(between, b"" | b"." | b"_" | b"__") || between.iter().all(|byte| *byte == b'-')
    })
}

/// Whether a text is a tag.
pub(crate) fn is_tag(tag: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= LONGEST_TAG
        && tag.bytes().next().is_some_and(word)
        && tag.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-')
}

/// The hexadecimal digits of a SHA-256 digest.
pub(crate) fn sha256(digest: &str) -> Option<&str> {
    let hex = digest.strip_prefix("sha256:")?;
    let small = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    (hex.len() == 64 && hex.bytes().all(small)).then_some(hex)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_grammar() {
        for good in ["a", "a/b", "library/busybox", "a.b-c__d/e---f", "0"] {
            assert!(is_repository(good), "{good}");
        }
        for bad in [
            "", "/", "a/", "/a", "A", "a//b", "..", "a/../b", "_a", "a_", "a..b", "a___b", "a b", "a%2f",
            "a._b",
        ] {
            assert!(!is_repository(bad), "{bad}");
        }
        assert!(!is_repository(&"a".repeat(256)));
        assert!(is_tag("v1.0-rc_1") && is_tag("_x"));
        assert!(!is_tag("") && !is_tag(".x") && !is_tag("-x") && !is_tag("a/b") && !is_tag(&"a".repeat(129)));
        assert!(sha256(&format!("sha256:{}", "a".repeat(64))).is_some());
        assert!(sha256(&format!("sha256:{}", "A".repeat(64))).is_none() && sha256("sha256:../x").is_none());
    }
}
