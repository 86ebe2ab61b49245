//! Which of a host's addresses a datagram was sent to (`IP_PKTINFO`, ip(7); `IPV6_RECVPKTINFO`, ipv6(7)).

use std::io;
use std::os::fd::{AsFd, AsRawFd};

/// Makes a UDP socket deliver the asked address with each datagram, so that the answer can leave from there.
///
/// # Errors
/// As setsockopt(2).
pub fn receive(socket: impl AsFd, ipv6: bool) -> io::Result<()> {
    let (level, option) = if ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
    } else {
        (libc::IPPROTO_IP, libc::IP_PKTINFO)
    };
    let on: i32 = 1;
    // SAFETY: the value lives for the call and its size is given; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const on).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
