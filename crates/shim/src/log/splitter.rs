//! Cutting a stream of bytes into log entries: one per line, and a long line into pieces of 16 KiB.

/// The longest piece of a line in one entry, as Docker cuts them (moby `daemon/logger/copier.go`).
pub(super) const LONGEST_PIECE: usize = 16 * 1024;

/// The unfinished line of one stream.
#[derive(Debug, Default)]
pub(super) struct Splitter {
    partial: Vec<u8>,
}

impl Splitter {
    /// Takes the next bytes of the stream and calls `emit` with each finished piece: its text without the
    /// newline, and whether a newline ended it. What is left over waits for the next call.
    pub(super) fn push(&mut self, data: &[u8], mut emit: impl FnMut(&[u8], bool)) {
        let mut rest = data;
        if !self.partial.is_empty() {
            let room = LONGEST_PIECE - self.partial.len();
            match memchr::memchr(b'\n', &rest[..room.min(rest.len())]) {
                Some(end) => {
                    self.partial.extend_from_slice(&rest[..end]);
                    emit(&self.partial, true);
                    rest = &rest[end + 1..];
                }
                None if rest.len() >= room => {
                    self.partial.extend_from_slice(&rest[..room]);
                    emit(&self.partial, false);
                    rest = &rest[room..];
                }
                None => {
                    self.partial.extend_from_slice(rest);
                    return;
                }
            }
            // The memory goes back: most containers are silent most of the time.
            self.partial = Vec::new();
        }
        loop {
            let window = &rest[..rest.len().min(LONGEST_PIECE)];
            match memchr::memchr(b'\n', window) {
                Some(end) => {
                    emit(&rest[..end], true);
                    rest = &rest[end + 1..];
                }
                None if window.len() == LONGEST_PIECE => {
                    emit(window, false);
                    rest = &rest[LONGEST_PIECE..];
                }
                None => break,
            }
        }
        self.partial.extend_from_slice(rest);
    }

    /// The stream has ended: emits what is left, without a newline.
    pub(super) fn finish(&mut self, mut emit: impl FnMut(&[u8], bool)) {
        let partial = std::mem::take(&mut self.partial);
        if !partial.is_empty() {
            emit(&partial, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What Docker's copier would emit, by its definition over the whole stream.
    fn expected(data: &[u8]) -> Vec<(Vec<u8>, bool)> {
        let mut pieces = Vec::new();
        let mut rest = data;
        while !rest.is_empty() {
            let window = &rest[..rest.len().min(LONGEST_PIECE)];
            match window.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    pieces.push((rest[..end].to_vec(), true));
                    rest = &rest[end + 1..];
                }
                None => {
                    pieces.push((window.to_vec(), false));
                    rest = &rest[window.len()..];
                }
            }
        }
        pieces
    }

    #[test]
    fn cuts_do_not_depend_on_how_the_bytes_arrive() {
        let mut data = b"a\n\nbc\n".to_vec();
        data.extend(std::iter::repeat_n(b'x', LONGEST_PIECE - 1));
        data.push(b'\n');
        data.extend(std::iter::repeat_n(b'y', LONGEST_PIECE));
        data.push(b'\n');
        data.extend(std::iter::repeat_n(b'z', 3 * LONGEST_PIECE + 5));
        data.extend(b"\nend");
        for step in [1, 7, 1000, LONGEST_PIECE - 1, LONGEST_PIECE, LONGEST_PIECE + 1, data.len()] {
            let mut splitter = Splitter::default();
            let mut pieces = Vec::new();
            let mut emit = |text: &[u8], newline| pieces.push((text.to_vec(), newline));
            for chunk in data.chunks(step) {
                splitter.push(chunk, &mut emit);
            }
            splitter.finish(&mut emit);
            assert_eq!(pieces.len(), expected(&data).len(), "step {step}");
            assert!(pieces == expected(&data), "step {step}");
        }
    }
}
