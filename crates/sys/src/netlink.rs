//! Netlink sockets: one request goes out, its answers are there when the call returns.
//!
//! The kernel handles a netlink request inside `sendmsg` (netlink(7)), so answers are read without waiting:
//! a missing answer is an error and never a hang.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use rustix::buffer::spare_capacity;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink, sockopt};

/// Which part of the kernel a socket speaks to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetlinkProtocol {
    /// Links, addresses, routes, neighbours (rtnetlink(7)).
    Route,
    /// nf_tables and connection tracking (nfnetlink).
    Netfilter,
}

/// The largest answer that is read at once; the kernel fills dumps up to 32 KiB.
const RECEIVE_SIZE: usize = 64 * 1024;

/// A netlink socket of the network namespace in which it was opened, and it stays there.
#[derive(Debug)]
pub struct NetlinkSocket {
    fd: OwnedFd,
}

impl NetlinkSocket {
    /// Opens a socket in the calling thread's network namespace, with extended acknowledgements.
    ///
    /// # Errors
    /// The kernel has no such protocol, or there is no descriptor left.
    pub fn open(protocol: NetlinkProtocol) -> io::Result<Self> {
        let protocol = match protocol {
            // NETLINK_ROUTE is number 0.
            NetlinkProtocol::Route => None,
            NetlinkProtocol::Netfilter => Some(netlink::NETFILTER),
        };
        let fd = net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, protocol)?;
        let socket = Self { fd };
        // All three are refinements that an old kernel may lack: the kernel's own words for an error, an error
        // without a copy of the request, and dumps that honour their filter.
        for option in [libc::NETLINK_EXT_ACK, libc::NETLINK_CAP_ACK, libc::NETLINK_GET_STRICT_CHK] {
            let _ = set_option(socket.fd.as_fd(), libc::SOL_NETLINK, option, 1);
        }
        Ok(socket)
    }

    /// Sends one or several messages as one datagram.
    ///
    /// # Errors
    /// The datagram is too large, or memory is short.
    pub fn send(&self, messages: &[u8]) -> io::Result<()> {
        // The kernel wants room for its own bookkeeping beside the bytes; the default is about 200 KiB.
        if messages.len() > 64 * 1024 {
            sockopt::set_socket_send_buffer_size_force(&self.fd, messages.len() * 2)?;
        }
        let to = netlink::SocketAddrNetlink::new(0, 0);
        net::sendto(&self.fd, messages, SendFlags::empty(), &to)?;
        Ok(())
    }

    /// The number by which the kernel knows this socket, as it stands in its news of what was asked for on it.
    ///
    /// # Errors
    /// None in practice.
    pub fn port(&self) -> io::Result<u32> {
        let address = net::getsockname(&self.fd)?;
        Ok(netlink::SocketAddrNetlink::try_from(address)?.pid())
    }

    /// Listens to a multicast group of the kernel's news from now on.
    ///
    /// # Errors
    /// There is no such group; not allowed.
    pub fn join(&self, group: u32) -> io::Result<()> {
        // Without a number of its own a socket is left out: news go to all but number 0 (netlink_broadcast).
        net::bind(&self.fd, &netlink::SocketAddrNetlink::new(0, 0))?;
        let group = i32::try_from(group).map_err(io::Error::other)?;
        set_option(self.fd.as_fd(), libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, group)
    }

    /// Replaces the content of `buffer` with the next datagram; `false` when there is none.
    ///
    /// # Errors
    /// `ENOBUFS` when answers were lost.
    pub fn receive(&self, buffer: &mut Vec<u8>) -> io::Result<bool> {
        buffer.clear();
        buffer.reserve(RECEIVE_SIZE);
        match net::recv(&self.fd, spare_capacity(buffer), RecvFlags::DONTWAIT) {
            Ok((_, length)) => Ok(length > 0),
            Err(rustix::io::Errno::AGAIN) => Ok(false),
            Err(rustix::io::Errno::INTR) => self.receive(buffer),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for NetlinkSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

fn set_option(fd: BorrowedFd<'_>, level: i32, option: i32, value: i32) -> io::Result<()> {
    // SAFETY: the value lives for the call and its size is given; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
