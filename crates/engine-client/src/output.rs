//! A container's standard output alone, out of a stream of frames.

use crate::frames::Frames;
use bytes::Bytes;
use futures_util::stream;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

/// Bytes that are read of a connection at once.
const PIECE: usize = 256 * 1024;

/// What a container without a terminal writes to standard output, as it comes. What it writes to standard error is thrown
/// away. Nothing of it lives on when it is dropped.
pub fn output(frames: impl AsyncRead + Send + Unpin + 'static) -> impl AsyncRead + Send + Unpin {
    let pieces = stream::try_unfold(frames, |mut frames| async move {
        let mut piece = vec![0; PIECE];
        let count = frames.read(&mut piece).await?;
        piece.truncate(count);
        Ok::<_, io::Error>((count > 0).then(|| (Bytes::from(piece), frames)))
    });
    let frames = Frames::new(Box::pin(pieces), false);
    let output = stream::try_unfold(frames, |mut frames| async move {
        loop {
            match frames.next().await? {
                None => return Ok::<_, io::Error>(None),
                Some(frame) if !frame.error => return Ok(Some((frame.bytes, frames))),
                Some(_) => {}
            }
        }
    });
    StreamReader::new(Box::pin(output))
}
