//! Detach keys: how they are written, and how they are found in what the user types.

/// Ctrl-P Ctrl-Q.
pub(crate) const DEFAULT_DETACH_KEYS: &[u8] = &[16, 17];

/// The bytes of a key sequence like `ctrl-p,ctrl-q` or `ctrl-@,a`.
///
/// # Errors
/// A key that is no single ASCII character and no `ctrl-` with a letter or one of `@ [ \ ] ^ _`.
pub(crate) fn parse_keys(text: &str) -> Result<Vec<u8>, String> {
    text.split(',')
        .map(|key| {
            let unknown = || format!("Unknown character: '{key}'");
            if key == "DEL" {
                return Ok(127);
            }
            if let [single] = key.as_bytes() {
                return Ok(*single);
            }
            let control =
                key.get(..5).filter(|prefix| prefix.eq_ignore_ascii_case("ctrl-")).map(|_| &key[5..]);
            match control.map(str::as_bytes) {
                Some([letter @ b'a'..=b'z']) => Ok(letter - b'a' + 1),
                Some(b"@") => Ok(0),
                Some([mark @ (b'[' | b'\\' | b']' | b'^' | b'_')]) => Ok(mark - b'[' + 27),
                _ => Err(unknown()),
            }
        })
        .collect()
}

/// Passes typed bytes on until the detach sequence is complete. A begun sequence is held back, and passed
/// on when it goes on differently.
pub(crate) struct EscapeFilter {
    keys: Vec<u8>,
    matched: usize,
}

impl EscapeFilter {
    /// A filter for this sequence; an empty one never matches.
    pub(crate) fn new(keys: Vec<u8>) -> Self {
        Self { keys, matched: 0 }
    }

    /// What to pass on of these bytes, and whether the sequence was completed.
    pub(crate) fn filter(&mut self, typed: &[u8]) -> (Vec<u8>, bool) {
        if self.keys.is_empty() {
            return (typed.to_vec(), false);
        }
        let mut passed = Vec::with_capacity(typed.len());
        for byte in typed {
            if *byte == self.keys[self.matched] {
                self.matched += 1;
                if self.matched == self.keys.len() {
                    return (passed, true);
                }
                continue;
            }
            passed.extend_from_slice(&self.keys[..self.matched]);
            self.matched = 0;
            if *byte == self.keys[0] {
                self.matched = 1;
            } else {
                passed.push(*byte);
            }
        }
        (passed, false)
    }
}

#[cfg(test)]
mod tests {
    use super::{DEFAULT_DETACH_KEYS, EscapeFilter, parse_keys};

    #[test]
    fn sequences_as_they_are_written() {
        assert_eq!(parse_keys("ctrl-p,ctrl-q").unwrap(), DEFAULT_DETACH_KEYS);
        assert_eq!(parse_keys("ctrl-@,ctrl-[,ctrl-_,a,DEL").unwrap(), [0, 27, 31, b'a', 127]);
        assert_eq!(parse_keys("ctrl-aa").unwrap_err(), "Unknown character: 'ctrl-aa'");
    }

    #[test]
    fn a_sequence_split_over_reads() {
        let mut filter = EscapeFilter::new(vec![16, 17]);
        assert_eq!(filter.filter(b"ab\x10"), (b"ab".to_vec(), false));
        assert_eq!(filter.filter(b"c\x10\x10"), (b"\x10c\x10".to_vec(), false));
        assert_eq!(filter.filter(b"\x11rest"), (Vec::new(), true));
    }
}
