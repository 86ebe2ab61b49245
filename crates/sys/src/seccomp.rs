//! Installing a system call filter.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Installs a classic BPF program as this thread's filter (seccomp(2)).
///
/// Each instruction is packed as the kernel's `sock_filter` lies in memory: code in bits 0..16, jump-if-true
/// in 16..24, jump-if-false in 24..32, operand in 32..64. With `SECCOMP_FILTER_FLAG_NEW_LISTENER` in `flags`
/// the descriptor of the listener comes back.
///
/// # Errors
/// `EACCES` without no_new_privs and CAP_SYS_ADMIN, `EINVAL` for a program that the kernel refuses.
pub fn install(program: &[u64], flags: u32) -> io::Result<Option<OwnedFd>> {
    let length = u16::try_from(program.len()).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "a seccomp program has at most 65535 instructions")
    })?;
    let filter: Vec<libc::sock_filter> = program
        .iter()
        .map(|instruction| libc::sock_filter {
            code: *instruction as u16,
            jt: (instruction >> 16) as u8,
            jf: (instruction >> 24) as u8,
            k: (instruction >> 32) as u32,
        })
        .collect();
    let header = libc::sock_fprog { len: length, filter: filter.as_ptr().cast_mut() };
    // SAFETY: the header points to `length` instructions that live until the call returns; the kernel
    // verifies and copies them.
    let result =
        unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const header) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    if u64::from(flags) & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER == 0 {
        return Ok(None);
    }
    // SAFETY: with that flag a result that is not negative is a fresh descriptor.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(result as i32) }))
}
