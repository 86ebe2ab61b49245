//! Descriptors: which are inherited, at which number, and which are closed before a program starts.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::path::PathBuf;

/// The path by which this process can open what `fd` refers to: `/proc/self/fd/N`.
pub fn proc_path(fd: impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", fd.as_fd().as_raw_fd()))
}

/// Marks every descriptor from `first` on close-on-exec (close_range(2), Linux 5.11).
///
/// Nothing is closed now, so Rust values that own descriptors stay valid; the next program has none of them.
///
/// # Errors
/// `ENOSYS`, `EINVAL` on kernels before 5.11.
pub fn close_on_exec_from(first: u32) -> io::Result<()> {
    // SAFETY: with CLOSE_RANGE_CLOEXEC no descriptor is closed, only a flag is set.
    let result = unsafe {
        libc::syscall(libc::SYS_close_range, first, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as libc::c_uint)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Closes every descriptor from `first` on but `kept`. For a forked child that never returns to the code which
/// owned them: in a copy of the launcher they would hold its pipes, sockets and files open.
///
/// # Errors
/// `WouldBlock` when this process has more than one thread, and so is no such child; else as close_range(2).
pub fn close_all_but(first: u32, kept: &[BorrowedFd<'_>]) -> io::Result<()> {
    crate::process::require_single_thread()?;
    let mut numbers: Vec<u32> = kept.iter().map(|fd| fd.as_raw_fd() as u32).collect();
    numbers.sort_unstable();
    let mut from = first;
    for number in numbers.into_iter().chain([u32::MAX]) {
        if number > from {
            // SAFETY: the process is a forked child with one thread; values that own these descriptors are in
            // frames which it never returns to.
            let result = unsafe { libc::syscall(libc::SYS_close_range, from, number - 1, 0) };
            if result != 0 {
                return Err(io::Error::last_os_error());
            }
        }
        from = from.max(number.saturating_add(1));
    }
    Ok(())
}

/// Puts a copy of `fd` at exactly the number `target`, inherited by the next program.
///
/// What was open at `target` is closed (dup2(2)); only use it in a child that owns all its descriptors,
/// or on the standard three.
///
/// # Errors
/// As dup2(2).
pub fn place_at(fd: BorrowedFd<'_>, target: RawFd) -> io::Result<()> {
    if fd.as_raw_fd() == target {
        return set_inherited(fd, true);
    }
    // SAFETY: dup2 takes numbers; the source is borrowed and open.
    let result = unsafe { libc::dup2(fd.as_raw_fd(), target) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A copy of `fd` with a number of at least `minimum`, close-on-exec.
///
/// # Errors
/// As fcntl(2) `F_DUPFD_CLOEXEC`.
pub fn duplicate_above(fd: BorrowedFd<'_>, minimum: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl takes a number; the source is borrowed and open.
    let copy = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, minimum) };
    if copy < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us.
    Ok(unsafe { OwnedFd::from_raw_fd(copy) })
}

/// Says whether the next program that this process executes inherits `fd`.
///
/// # Errors
/// As fcntl(2).
pub fn set_inherited(fd: BorrowedFd<'_>, inherited: bool) -> io::Result<()> {
    let flags = if inherited { 0 } else { libc::FD_CLOEXEC };
    // SAFETY: fcntl takes a number; the descriptor is borrowed and open.
    let result = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFD, flags) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Takes over the descriptor that the starter of this program left open at `number`.
///
/// Only descriptors that have crossed an execve are taken: those have no close-on-exec flag, while all that
/// Rust and this crate open have it. The flag is set here, so no number can be taken twice.
///
/// # Errors
/// `EBADF` when nothing is open there, `InvalidInput` when it was not inherited or is taken already.
pub fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: F_GETFD only reads the flag of a number, open or not.
    let flags = unsafe { libc::fcntl(number, libc::F_GETFD) };
    if flags < 0 {
        return Err(io::Error::last_os_error());
    }
    if flags & libc::FD_CLOEXEC != 0 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("descriptor {number} was not inherited, or is taken already"),
        ));
    }
    // SAFETY: the descriptor is open, crossed an execve, so nothing in this program made it, and the flag
    // set below keeps a second caller from owning it as well.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    set_inherited(fd.as_fd(), false)?;
    Ok(fd)
}

/// Opens `/dev/null` for reading and writing.
///
/// # Errors
/// As open(2).
pub fn null() -> io::Result<OwnedFd> {
    Ok(std::fs::OpenOptions::new().read(true).write(true).open("/dev/null")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_own_descriptor_is_not_taken() {
        let fd = null().unwrap();
        let error = take_inherited(fd.as_raw_fd()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_copy_lies_above_the_minimum() {
        let fd = null().unwrap();
        assert!(duplicate_above(fd.as_fd(), 100).unwrap().as_raw_fd() >= 100);
    }
}
