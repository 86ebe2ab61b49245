//! Hearing of changes that others make to our rules: a flush of the host's firewall, a reload.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use sampan_sys::netlink::{NetlinkProtocol, NetlinkSocket};

use crate::error::{NetworkError, Result};
use crate::netlink::Attributes;
use crate::netlink::netfilter::NetfilterSocket;

/// `NFNLGRP_NFTABLES`.
const GROUP: u32 = 7;
/// `NFNL_SUBSYS_NFTABLES`, the upper byte of every message type.
const SUBSYSTEM: u8 = 10;
const REMOVALS: [u8; 5] = [2, 5, 8, 11, 14];
/// Sizes of `struct nlmsghdr` and `struct nfgenmsg`.
const HEADER: usize = 16;
const FAMILY: usize = 4;
/// A flush is many messages: nothing more for so long means that it is over.
const QUIET: Duration = Duration::from_millis(50);

/// Hears of everything that others remove from some tables.
#[derive(Debug)]
pub struct RulesetWatch {
    socket: NetlinkSocket,
    tables: Vec<String>,
    /// What is changed by this one is our own doing.
    ours: Arc<NetfilterSocket>,
}

impl RulesetWatch {
    pub(crate) fn open(tables: Vec<String>, ours: Arc<NetfilterSocket>) -> Result<Self> {
        let failed = || NetworkError::system("cannot listen for changes of the packet filter");
        let socket = NetlinkSocket::open(NetlinkProtocol::Netfilter).map_err(failed())?;
        socket.join(GROUP).map_err(failed())?;
        Ok(Self { socket, tables, ours })
    }

    /// Returns when something was removed and nothing more is for a moment.
    ///
    /// # Errors
    /// The socket is broken.
    pub fn wait(&self) -> Result<()> {
        let mut buffer = Vec::new();
        let mut concerned = false;
        loop {
            let ready = self.is_ready(concerned.then_some(QUIET))?;
            if !ready && concerned {
                return Ok(());
            }
            loop {
                match self.socket.receive(&mut buffer) {
                    Ok(true) => concerned |= self.concerns(&buffer),
                    Ok(false) => break,
                    // Too much at once, so that some was lost: it may have been anything.
                    Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NOBUFS.raw_os_error()) => {
                        concerned = true;
                    }
                    Err(error) => {
                        return Err(NetworkError::system("the packet filter's news broke off")(error));
                    }
                }
            }
        }
    }

    fn is_ready(&self, patience: Option<Duration>) -> Result<bool> {
        let mut descriptors = [PollFd::from_borrowed_fd(self.socket.as_fd(), PollFlags::IN)];
        let patience = patience.and_then(|patience| Timespec::try_from(patience).ok());
        match poll(&mut descriptors, patience.as_ref()) {
            Ok(count) => Ok(count > 0),
            Err(rustix::io::Errno::INTR) => Ok(true),
            Err(error) => Err(NetworkError::system("cannot wait for the packet filter's news")(error)),
        }
    }

    /// Whether a datagram says that something of our tables is gone.
    fn concerns(&self, mut datagram: &[u8]) -> bool {
        while let Some(header) = datagram.first_chunk::<HEADER>() {
            let length = u32::from_ne_bytes([header[0], header[1], header[2], header[3]]) as usize;
            let [number, subsystem] = u16::from_ne_bytes([header[4], header[5]]).to_le_bytes();
            let Some(message) = datagram.get(..length.max(HEADER)) else { return false };
            let port = u32::from_ne_bytes([header[12], header[13], header[14], header[15]]);
            if subsystem == SUBSYSTEM && REMOVALS.contains(&number) && port != self.ours.port() {
                // Attribute 1 is the table's name in all of them.
                let table = message.get(HEADER + FAMILY..).and_then(|rest| Attributes(rest).text(1));
                if table.is_some_and(|table| self.tables.iter().any(|ours| ours == table)) {
                    return true;
                }
            }
            datagram = datagram.get(length.next_multiple_of(4).max(HEADER)..).unwrap_or_default();
        }
        false
    }
}
