//! Reading a layer that is still coming.

use super::Partial;
use std::io::{self, Read};
use std::sync::PoisonError;

/// Reads a layer in order, from its first byte to its last, and waits for what has not come yet.
#[derive(Debug)]
pub struct PartialReader {
    partial: Partial,
    position: u64,
}

impl PartialReader {
    pub(super) fn new(partial: Partial) -> Self {
        Self { partial, position: 0 }
    }

    /// Waits until there are bytes at the position: how many.
    fn available(&self) -> io::Result<u64> {
        let shared = &self.partial.shared;
        let mut state = self.partial.state();
        loop {
            let there = state.have.from(self.position);
            if there > 0 {
                return Ok(there);
            }
            if let Some((kind, message)) = &state.failed {
                return Err(io::Error::new(*kind, message.clone()));
            }
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Read for PartialReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.partial.shared.size || buffer.is_empty() {
            return Ok(0);
        }
        let there = self.available()?;
        let length = buffer.len().min(usize::try_from(there).unwrap_or(usize::MAX));
        let read = self.partial.shared.backing.read_at(self.position, &mut buffer[..length])?;
        if read == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the partial file was cut off"));
        }
        self.position += read as u64;
        Ok(read)
    }
}
