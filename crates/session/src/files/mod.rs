//! Trees of files over a stream, as BuildKit's `fsutil` sends them: names and properties first, contents on request.

mod disk;
mod receive;
mod send;

pub use receive::{Wanted, receive};
pub use send::{SEND_FILES, Selection, Tree, send};

/// Bits of Go's `fs.FileMode`, in which modes travel.
mod mode {
    pub(super) const DIRECTORY: u32 = 1 << 31;
    pub(super) const SYMLINK: u32 = 1 << 27;
    pub(super) const DEVICE: u32 = 1 << 26;
    pub(super) const PIPE: u32 = 1 << 25;
    pub(super) const SOCKET: u32 = 1 << 24;
    pub(super) const SET_USER: u32 = 1 << 23;
    pub(super) const SET_GROUP: u32 = 1 << 22;
    pub(super) const STICKY: u32 = 1 << 20;
    pub(super) const CHARACTER: u32 = 1 << 21;
    pub(super) const IRREGULAR: u32 = 1 << 19;
    /// Everything that says what kind of file it is.
    pub(super) const KIND: u32 = DIRECTORY | SYMLINK | DEVICE | PIPE | SOCKET | CHARACTER | IRREGULAR;

    /// Permissions as the kernel has them.
    pub(super) fn permissions(mode: u32) -> u32 {
        let bit = |go: u32, own: u32| if mode & go == 0 { 0 } else { own };
        (mode & 0o777) | bit(SET_USER, 0o4000) | bit(SET_GROUP, 0o2000) | bit(STICKY, 0o1000)
    }

    /// Permissions of the kernel as Go has them.
    pub(super) fn from_permissions(mode: u32) -> u32 {
        let bit = |own: u32, go: u32| if mode & own == 0 { 0 } else { go };
        (mode & 0o777) | bit(0o4000, SET_USER) | bit(0o2000, SET_GROUP) | bit(0o1000, STICKY)
    }
}
