//! The body of a reply: nothing, bytes of known length, or a stream in chunks.

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use hyper::body::{Frame, SizeHint};
use sampan_error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A body. Streams go out in chunks, each as soon as it is there.
pub(crate) enum Body {
    /// Bytes that are all there; `None` once they were sent.
    Full(Option<Bytes>),
    /// Bytes that come by and by. An error breaks the connection, so that the client sees a cut.
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>),
}

impl Body {
    /// No bytes.
    pub(crate) fn empty() -> Self {
        Self::Full(None)
    }

    /// Bytes of known length.
    pub(crate) fn full(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self::Full((!bytes.is_empty()).then_some(bytes))
    }

    /// Bytes that come by and by.
    pub(crate) fn stream(stream: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        Self::Stream(Box::pin(stream))
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.get_mut() {
            Self::Full(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(stream) => {
                stream.poll_next_unpin(context).map(|item| item.map(|it| it.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Full(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Full(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}
