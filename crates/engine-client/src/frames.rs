//! The frames in which an engine mixes standard output and standard error
//! (Docker Engine API, "Attach to a container": stream format).

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use std::io;

/// The longest frame that is believed.
const LONGEST: usize = 16 << 20;

/// A piece of output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// It was written to standard error.
    pub error: bool,
    /// What was written.
    pub bytes: Bytes,
}

/// Frames of a stream of bytes.
pub struct Frames<S> {
    source: S,
    held: BytesMut,
    /// A terminal's output has no frames.
    plain: bool,
}

impl<S: Stream<Item = io::Result<Bytes>> + Unpin> Frames<S> {
    /// Frames of this stream; `terminal` says that it has none and all is output.
    pub fn new(source: S, terminal: bool) -> Self {
        Self { source, held: BytesMut::new(), plain: terminal }
    }

    /// The next one; `None` at the end.
    ///
    /// # Errors
    /// The stream broke, or is none of frames.
    pub async fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.held()? {
                return Ok(Some(frame));
            }
            match self.source.next().await {
                None => return Ok(None),
                Some(bytes) => self.held.extend_from_slice(&bytes?),
            }
        }
    }

    fn held(&mut self) -> io::Result<Option<Frame>> {
        if self.plain {
            let bytes = self.held.split().freeze();
            return Ok((!bytes.is_empty()).then_some(Frame { error: false, bytes }));
        }
        let Some((header, rest)) = self.held.split_at_checked(8) else { return Ok(None) };
        let stream = header[0];
        let length = u32::from_be_bytes([header[4], header[5], header[6], header[7]]) as usize;
        if length > LONGEST || stream > 3 {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the output is not in frames"));
        }
        if rest.len() < length {
            return Ok(None);
        }
        self.held.advance(8);
        let bytes = self.held.split_to(length).freeze();
        Ok(Some(Frame { error: stream == 2, bytes }))
    }
}

#[cfg(test)]
mod tests {
    use super::Frames;
    use bytes::Bytes;
    use futures_util::stream;

    #[tokio::test]
    async fn frames_come_out_however_they_are_cut() {
        let whole = [&[1, 0, 0, 0, 0, 0, 0, 2][..], b"hi", &[2, 0, 0, 0, 0, 0, 0, 1], b"x"].concat();
        for cut in 1..whole.len() {
            let parts: Vec<_> = whole.chunks(cut).map(|part| Ok(Bytes::copy_from_slice(part))).collect();
            let mut frames = Frames::new(stream::iter(parts), false);
            let first = frames.next().await.unwrap().unwrap();
            assert_eq!((first.error, &first.bytes[..]), (false, &b"hi"[..]));
            assert!(frames.next().await.unwrap().unwrap().error);
            assert!(frames.next().await.unwrap().is_none());
        }
    }
}
