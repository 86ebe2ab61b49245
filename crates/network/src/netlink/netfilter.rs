//! Sockets to netfilter, kept open.
//!
//! Closing one makes the kernel wait until everything that was removed from nf_tables is really gone
//! (nft_rcv_nl_event), which takes 5 to 15 ms after each removal; so none is closed on the way.

use std::sync::Mutex;

use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

use crate::error::{NetworkError, Result};
use crate::sandbox::lock;

/// Open sockets that nobody uses at the moment: as many as were ever in use at once.
#[derive(Debug, Default)]
pub(crate) struct NetfilterSockets(Mutex<Vec<NetlinkSocket>>);

impl NetfilterSockets {
    /// Runs `action` with a socket of its own.
    ///
    /// # Errors
    /// The kernel has no netfilter, or what `action` says.
    pub(crate) fn with<T>(&self, action: impl FnOnce(&NetlinkSocket) -> Result<T>) -> Result<T> {
        let kept = lock(&self.0).pop();
        let socket = match kept {
            Some(socket) => socket,
            None => NetlinkSocket::open(NetlinkProtocol::Netfilter)
                .map_err(NetworkError::system("this kernel has no packet filter (nfnetlink)"))?,
        };
        let result = action(&socket);
        // After a refusal all answers were read; after anything else some may be left.
        if matches!(result, Ok(_) | Err(NetworkError::Kernel { .. })) {
            lock(&self.0).push(socket);
        }
        result
    }
}
