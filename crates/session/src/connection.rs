//! HTTP/2 on sockets that HTTP/1 has left, in both directions.

use bytes::{Buf, Bytes};
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use sampan_error::{Context as _, Result};
use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::UnixStream;
use tonic::body::Body;

/// Bytes that may be under way before they are read: files of contexts come in at the speed of memory.
const WINDOW: u32 = 4 << 20;
/// The largest message that is taken, as BuildKit has it.
pub const LARGEST_MESSAGE: usize = 16 << 20;

/// A socket that HTTP/1 has left, with what was already read from it.
pub struct Upgraded {
    ahead: Bytes,
    socket: UnixStream,
}

impl Upgraded {
    /// Takes a connected socket, non-blocking.
    ///
    /// # Errors
    /// It cannot be watched.
    pub fn new(socket: OwnedFd, read_ahead: Vec<u8>) -> Result<Self> {
        let socket = UnixStream::from_std(socket.into()).context("a connection cannot be taken over")?;
        Ok(Self { ahead: read_ahead.into(), socket })
    }
}

impl AsyncRead for Upgraded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        if self.ahead.is_empty() {
            return Pin::new(&mut self.socket).poll_read(context, buffer);
        }
        let count = self.ahead.len().min(buffer.remaining());
        buffer.put_slice(&self.ahead[..count]);
        self.ahead.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Upgraded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}

/// Answers calls until the other side leaves.
pub async fn serve(connection: Upgraded, routes: tonic::service::Routes) {
    let served = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .serve_connection(TokioIo::new(connection), TowerToHyperService::new(routes));
    if let Err(error) = served.await {
        tracing::debug!(%error, "the other side of a connection went away");
    }
}

/// The other side's address, if it had one.
#[must_use]
pub fn origin() -> http::Uri {
    http::Uri::from_static("http://session")
}

/// Calls to the other side, over a connection that it opened for them.
#[derive(Debug, Clone)]
pub struct Caller(SendRequest<Body>);

/// Begins HTTP/2 as the calling side; the second value ends with the connection.
///
/// # Errors
/// The other side does not speak it.
pub async fn call(
    connection: Upgraded,
) -> std::result::Result<(Caller, impl Future<Output = hyper::Result<()>>), hyper::Error> {
    let (sender, driver) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .handshake(TokioIo::new(connection))
        .await?;
    Ok((Caller(sender), driver))
}

impl tower::Service<http::Request<Body>> for Caller {
    type Response = http::Response<hyper::body::Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = hyper::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}
