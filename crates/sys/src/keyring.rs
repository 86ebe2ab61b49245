//! The session keyring, so that a container does not share the keys of who started it.

use std::ffi::CStr;
use std::io;

/// Makes a new session keyring of that name and joins it (keyctl(2) `KEYCTL_JOIN_SESSION_KEYRING`).
///
/// # Errors
/// `ENOSYS` where the kernel has no keys, `EDQUOT` at the user's limit of keys.
pub fn join_session(name: &CStr) -> io::Result<()> {
    // SAFETY: the name is a valid C string for the time of the call.
    let result = unsafe {
        libc::syscall(libc::SYS_keyctl, libc::KEYCTL_JOIN_SESSION_KEYRING as libc::c_long, name.as_ptr())
    };
    if result >= 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
