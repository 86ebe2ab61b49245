//! Reading the legacy iptables rules of IPv4 without the iptables program (ip_tables, `IPT_SO_GET_*`).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use rustix::net::{self, AddressFamily, SocketFlags, SocketType};

const IPT_SO_GET_INFO: i32 = 64;
const IPT_SO_GET_ENTRIES: i32 = 65;
/// `struct ipt_getinfo`: name, valid hooks, five entry points, five underflows, entry count, size.
const INFO_SIZE: usize = 32 + 4 + 20 + 20 + 4 + 4;
/// `struct ipt_get_entries` before its table: name and size, padded to 8 bytes.
const ENTRIES_HEADER: usize = 40;
/// Index of the forward hook (`NF_INET_FORWARD`).
const FORWARD: usize = 2;

/// One table as the kernel holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyTable {
    /// Offset in `entries` of the first rule of the forward chain.
    pub forward_start: usize,
    /// Offset in `entries` of the forward chain's policy rule.
    pub forward_policy: usize,
    /// All rules, `struct ipt_entry` after `struct ipt_entry`.
    pub entries: Vec<u8>,
}

/// Reads the table `filter` of IPv4 in the calling thread's network namespace.
///
/// The kernel would make an empty table when it is asked for one: ask only for what
/// `/proc/net/ip_tables_names` lists.
///
/// # Errors
/// `ENOPROTOOPT` on a kernel without legacy iptables, `EAGAIN` when the table changed meanwhile.
pub fn legacy_filter_table() -> io::Result<LegacyTable> {
    let socket = net::socket_with(
        AddressFamily::INET,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        Some(net::ipproto::RAW),
    )?;
    let mut info = [0_u8; INFO_SIZE];
    info[..6].copy_from_slice(b"filter");
    get_option(socket.as_fd(), IPT_SO_GET_INFO, &mut info)?;
    let number = |offset: usize| {
        let mut bytes = [0_u8; 4];
        bytes.copy_from_slice(&info[offset..offset + 4]);
        u32::from_ne_bytes(bytes) as usize
    };
    let size = number(80);
    let mut answer = vec![0_u8; ENTRIES_HEADER + size];
    answer[..6].copy_from_slice(b"filter");
    answer[32..36].copy_from_slice(&(size as u32).to_ne_bytes());
    get_option(socket.as_fd(), IPT_SO_GET_ENTRIES, &mut answer)?;
    Ok(LegacyTable {
        forward_start: number(36 + 4 * FORWARD),
        forward_policy: number(56 + 4 * FORWARD),
        entries: answer.split_off(ENTRIES_HEADER),
    })
}

fn get_option(fd: BorrowedFd<'_>, option: i32, buffer: &mut [u8]) -> io::Result<()> {
    let mut length = buffer.len() as libc::socklen_t;
    // SAFETY: the buffer is exclusively borrowed and `length` is its size; the kernel writes no more than that.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_IP,
            option,
            buffer.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
