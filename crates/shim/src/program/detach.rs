//! The keys that detach a terminal's client (Ctrl-P Ctrl-Q unless the user chose others).

/// How far the keys have been typed. Keys that may be the beginning of the sequence are held back until it is
/// clear that they are not, as Docker does (moby `term/proxy.go`): a single Ctrl-P reaches the program with the
/// next key.
#[derive(Debug)]
pub(crate) struct DetachKeys {
    keys: Vec<u8>,
    typed: usize,
}

impl DetachKeys {
    /// `None` for an empty sequence: nothing detaches.
    pub(crate) fn new(keys: Vec<u8>) -> Option<Self> {
        (!keys.is_empty()).then_some(Self { keys, typed: 0 })
    }

    /// Appends to `out` what of `input` is for the program. True when the sequence is complete; what follows it
    /// is dropped.
    pub(crate) fn filter(&mut self, input: &[u8], out: &mut Vec<u8>) -> bool {
        for byte in input {
            if *byte == self.keys[self.typed] {
                self.typed += 1;
                if self.typed == self.keys.len() {
                    return true;
                }
                continue;
            }
            out.extend_from_slice(&self.keys[..self.typed]);
            self.typed = 0;
            out.push(*byte);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(pieces: &[&[u8]]) -> (Vec<u8>, bool) {
        let mut keys = DetachKeys::new(vec![16, 17]).unwrap();
        let mut out = Vec::new();
        let detached = pieces.iter().any(|piece| keys.filter(piece, &mut out));
        (out, detached)
    }

    #[test]
    fn the_sequence_is_found_across_reads_and_near_misses_pass() {
        assert_eq!(typed(&[b"ab\x10\x11c"]), (b"ab".to_vec(), true));
        assert_eq!(typed(&[b"ab\x10", b"\x11"]), (b"ab".to_vec(), true));
        assert_eq!(typed(&[b"a\x10b\x11"]), (b"a\x10b\x11".to_vec(), false));
        assert_eq!(typed(&[b"\x10", b"x"]), (b"\x10x".to_vec(), false));
        assert_eq!(typed(&[b"\x10"]), (Vec::new(), false));
        assert!(DetachKeys::new(Vec::new()).is_none());
    }
}
