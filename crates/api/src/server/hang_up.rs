//! Noticing that a client is gone, as opposed to having said all that it wants to say.
//!
//! A client that has sent its request may close its writing half (`printf … | nc -U`) and still wants the
//! answer. The kernel tells both cases apart: EPOLLHUP comes when both halves are closed, epoll_ctl(2).

use super::listener::Socket;
use std::io;
use std::os::fd::OwnedFd;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Waits for the end of a connection.
pub(super) struct HangUp {
    descriptor: AsyncFd<OwnedFd>,
}

impl HangUp {
    /// Watches this socket by a descriptor of its own, on which the event loop asks for nothing but what
    /// the kernel always reports.
    ///
    /// # Errors
    /// No descriptor is left.
    pub(super) fn of(socket: &Socket) -> io::Result<Self> {
        // Deprecated for types that could close or change their descriptor; an `OwnedFd` does neither.
        #[allow(deprecated)]
        let descriptor = AsyncFd::with_interest(socket.duplicate()?, Interest::PRIORITY)?;
        Ok(Self { descriptor })
    }

    /// Done when the client is gone.
    pub(super) async fn wait(&self) {
        while let Ok(mut guard) = self.descriptor.ready(Interest::PRIORITY).await {
            let ready = guard.ready();
            if ready.is_read_closed() || ready.is_write_closed() || ready.is_error() {
                return;
            }
            guard.clear_ready();
        }
    }
}
