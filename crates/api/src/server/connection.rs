//! One connection: requests one after the other, until it ends or is taken over.

use super::Shared;
use super::hang_up::HangUp;
use super::listener::Socket;
use super::service;
use crate::backend::Backend;
use crate::http::hijack::Continuation;
use crate::http::{Outcome, Taken};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The service's word for "the socket is taken": nothing is to be written.
#[derive(Debug)]
struct SocketTaken;

impl fmt::Display for SocketTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection was taken over")
    }
}

impl std::error::Error for SocketTaken {}

/// Serves a connection to its end.
pub(super) async fn run<E: Backend>(socket: Socket, shared: Arc<Shared<E>>) {
    // On TCP the kernel cannot tell a client that is gone from one that only stopped talking.
    let half_close = matches!(socket, Socket::Unix(_));
    let hang_up = match HangUp::of(&socket) {
        Ok(hang_up) => hang_up,
        Err(error) => {
            tracing::warn!(%error, "a connection cannot be watched");
            return;
        }
    };
    let slot: Arc<Mutex<Option<Continuation>>> = Arc::default();
    let service = service_fn(|request| {
        let (shared, slot) = (shared.clone(), slot.clone());
        // Boxed, so that the connection can be moved out of its task's stack and taken apart.
        Box::pin(async move {
            match service::answer(&shared, request).await {
                Outcome::Reply(response) => Ok(response),
                Outcome::Hijack(continuation) => {
                    *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(continuation);
                    Err(SocketTaken)
                }
            }
        })
    });
    let mut connection =
        http1::Builder::new().half_close(half_close).serve_connection(TokioIo::new(socket), service);
    let ended = std::future::poll_fn(|context| connection.poll_without_shutdown(context));
    tokio::select! {
        biased;
        result = ended => if let Err(error) = result {
            tracing::trace!(%error, "a connection ended");
        },
        () = hang_up.wait() => {}
    }
    drop(hang_up);
    let continuation = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    let Some(continuation) = continuation else { return };
    let parts = connection.into_parts();
    match parts.io.into_inner().into_descriptor() {
        Ok(socket) => continuation(Taken { socket, read_ahead: parts.read_buf.into() }).await,
        Err(error) => tracing::warn!(%error, "a connection cannot be taken over"),
    }
}
