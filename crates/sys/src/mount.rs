//! The part of the mount interface that rustix does not have: attributes of mounts.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `MOUNT_ATTR_*` bits (mount_setattr(2)).
pub mod attribute {
    /// Read-only.
    pub const READ_ONLY: u64 = 0x1;
    /// Set-user-id bits and file capabilities have no effect.
    pub const NO_SUID: u64 = 0x2;
    /// Device files cannot be opened.
    pub const NO_DEVICES: u64 = 0x4;
    /// Programs cannot be executed.
    pub const NO_EXECUTE: u64 = 0x8;
    /// The mask of the access time modes; must be cleared to set one.
    pub const ACCESS_TIME: u64 = 0x70;
    /// Access times are updated seldom (the kernel's default; the bits are zero).
    pub const RELATIVE_ACCESS_TIME: u64 = 0;
    /// Access times are never updated.
    pub const NO_ACCESS_TIME: u64 = 0x10;
    /// Access times are always updated.
    pub const STRICT_ACCESS_TIME: u64 = 0x20;
    /// Access times of directories are not updated.
    pub const NO_DIRECTORY_ACCESS_TIME: u64 = 0x80;
    /// Owners are mapped by a user namespace.
    pub const ID_MAPPED: u64 = 0x10_0000;
    /// Symbolic links are not followed.
    pub const NO_SYMLINK_FOLLOW: u64 = 0x20_0000;
}

/// What mount_setattr(2) shall change.
#[derive(Debug, Clone, Copy, Default)]
pub struct AttributeChange<'a> {
    /// Bits of [`attribute`] to set.
    pub set: u64,
    /// Bits of [`attribute`] to clear.
    pub clear: u64,
    /// `MS_SHARED`, `MS_SLAVE`, `MS_PRIVATE`, `MS_UNBINDABLE` or 0 to leave the propagation as it is.
    pub propagation: u64,
    /// The user namespace for [`attribute::ID_MAPPED`].
    pub user_namespace: Option<BorrowedFd<'a>>,
}

#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// Changes the attributes of the mount at `path` under `directory` (empty: of the descriptor itself), with
/// `recursive` of all mounts below as well (Linux 5.12).
///
/// # Errors
/// As mount_setattr(2).
pub fn set_attributes(
    directory: BorrowedFd<'_>,
    path: &CStr,
    recursive: bool,
    change: &AttributeChange<'_>,
) -> io::Result<()> {
    let attributes = MountAttributes {
        set: change.set,
        clear: change.clear,
        propagation: change.propagation,
        user_namespace: change.user_namespace.map_or(0, |fd| fd.as_raw_fd() as u64),
    };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: path and structure are valid for the time of the call, the size is the structure's.
    let result = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            directory.as_raw_fd(),
            path.as_ptr(),
            flags,
            &raw const attributes,
            size_of::<MountAttributes>(),
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
