//! The socket to netfilter, kept open.
//!
//! Closing one makes the kernel wait until everything that was removed from nf_tables is really gone
//! (nft_rcv_nl_event), which takes 5 to 15 ms after each removal; so it is not closed on the way.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

use crate::error::{NetworkError, Result};
use crate::sandbox::lock;

/// One socket to nf_tables or conntrack, for as long as a manager lives.
///
/// One is enough: the kernel lets in one transaction at a time (the commit mutex of each network namespace), so
/// more sockets would only wait there instead of here.
#[derive(Debug)]
pub(crate) struct NetfilterSocket {
    kept: Mutex<Option<NetlinkSocket>>,
    /// The kernel's number of the one that is kept, 0 for none.
    port: AtomicU32,
}

impl Default for NetfilterSocket {
    /// Opens it. A kernel without netfilter is a failure only where netfilter is used.
    fn default() -> Self {
        let socket = NetlinkSocket::open(NetlinkProtocol::Netfilter).ok();
        let port = socket.as_ref().and_then(|socket| socket.port().ok()).unwrap_or_default();
        Self { kept: Mutex::new(socket), port: AtomicU32::new(port) }
    }
}

impl NetfilterSocket {
    /// The number that the kernel gives to what is changed by this socket.
    pub(crate) fn port(&self) -> u32 {
        self.port.load(Ordering::Relaxed)
    }

    /// Runs `action` with the socket; others wait until it is done.
    ///
    /// # Errors
    /// The kernel has no netfilter, or what `action` says.
    pub(crate) fn with<T>(&self, action: impl FnOnce(&NetlinkSocket) -> Result<T>) -> Result<T> {
        let mut kept = lock(&self.kept);
        let socket = match kept.take() {
            Some(socket) => socket,
            None => {
                let missing = NetworkError::system("this kernel has no packet filter (nfnetlink)");
                let socket = NetlinkSocket::open(NetlinkProtocol::Netfilter).map_err(missing)?;
                self.port.store(socket.port().unwrap_or_default(), Ordering::Relaxed);
                socket
            }
        };
        let result = action(&socket);
        // After a refusal all answers were read; after anything else some may be left.
        if matches!(result, Ok(_) | Err(NetworkError::Kernel { .. })) {
            *kept = Some(socket);
        }
        result
    }
}
