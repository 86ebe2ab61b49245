//! Limits on directories: btrfs subvolumes with quota groups, and XFS project quotas.
//!
//! Layouts and numbers are those of linux/btrfs.h, linux/fs.h and linux/dqblk_xfs.h.

use rustix::io::Errno;
use std::ffi::CStr;
use std::io;
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd};

const fn ioctl_number(direction: u64, kind: u8, number: u8, size: usize) -> libc::c_ulong {
    (direction << 30) | ((size as u64) << 16) | ((kind as u64) << 8) | number as u64
}

const WRITE: u64 = 1;
const READ: u64 = 2;
const BTRFS: u8 = 0x94;

#[repr(C)]
struct VolumeArguments {
    descriptor: i64,
    name: [u8; 4088],
}

#[repr(C)]
struct QuotaControl {
    command: u64,
    status: u64,
}

#[repr(C)]
struct GroupLimit {
    group: u64,
    flags: u64,
    max_referenced: u64,
    max_exclusive: u64,
    reserved_referenced: u64,
    reserved_exclusive: u64,
}

#[repr(C)]
#[derive(Default)]
struct ExtendedFlags {
    flags: u32,
    extent_size: u32,
    extents: u32,
    project: u32,
    copy_extent_size: u32,
    padding: [u8; 8],
}

#[repr(C)]
#[derive(Default)]
struct DiskQuota {
    version: i8,
    flags: i8,
    fields: u16,
    id: u32,
    block_hard_limit: u64,
    block_soft_limit: u64,
    rest: [u64; 11],
}

fn ioctl<T>(descriptor: BorrowedFd<'_>, number: libc::c_ulong, argument: &mut T) -> io::Result<()> {
    // SAFETY: each number is used with the one structure whose size is part of it, and the kernel reads
    // and writes only that structure, which lives for the whole call.
    let result = unsafe { libc::ioctl(descriptor.as_raw_fd(), number as _, std::ptr::from_mut(argument)) };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Makes a btrfs subvolume `name` (one component, at most 255 bytes) in an open directory.
///
/// # Errors
/// What the kernel said; `ENOTTY` on another file system.
pub fn create_subvolume(parent: BorrowedFd<'_>, name: &CStr) -> io::Result<()> {
    let bytes = name.to_bytes();
    if bytes.is_empty() || bytes.len() > 255 || bytes.contains(&b'/') {
        return Err(Errno::INVAL.into());
    }
    let mut arguments = VolumeArguments { descriptor: 0, name: [0; 4088] };
    arguments.name[..bytes.len()].copy_from_slice(bytes);
    ioctl(parent, ioctl_number(WRITE, BTRFS, 14, size_of::<VolumeArguments>()), &mut arguments)
}

/// Turns quotas on for the whole btrfs file system that holds the descriptor. No error when they are on.
///
/// # Errors
/// What the kernel said.
pub fn enable_subvolume_quotas(descriptor: BorrowedFd<'_>) -> io::Result<()> {
    let mut arguments = QuotaControl { command: 1, status: 0 };
    ioctl(descriptor, ioctl_number(READ | WRITE, BTRFS, 40, size_of::<QuotaControl>()), &mut arguments)
}

/// Limits the btrfs subvolume behind the descriptor to this many bytes.
///
/// # Errors
/// What the kernel said; `ENOTCONN` while quotas are off.
pub fn limit_subvolume(subvolume: BorrowedFd<'_>, bytes: u64) -> io::Result<()> {
    let mut arguments = GroupLimit {
        // Zero is the descriptor's own subvolume.
        group: 0,
        flags: 1,
        max_referenced: bytes,
        max_exclusive: 0,
        reserved_referenced: 0,
        reserved_exclusive: 0,
    };
    ioctl(subvolume, ioctl_number(READ, BTRFS, 43, size_of::<GroupLimit>()), &mut arguments)
}

fn extended_flags(descriptor: BorrowedFd<'_>) -> io::Result<ExtendedFlags> {
    let mut flags = ExtendedFlags::default();
    ioctl(descriptor, ioctl_number(READ, b'X', 31, size_of::<ExtendedFlags>()), &mut flags)?;
    Ok(flags)
}

/// The project that a file or directory belongs to.
///
/// # Errors
/// What the kernel said.
pub fn project(descriptor: BorrowedFd<'_>) -> io::Result<u32> {
    Ok(extended_flags(descriptor)?.project)
}

/// Puts an open directory into a project, with all that is made in it from now on.
///
/// # Errors
/// What the kernel said.
pub fn set_project(directory: BorrowedFd<'_>, project: u32) -> io::Result<()> {
    /// FS_XFLAG_PROJINHERIT
    const INHERIT: u32 = 0x200;
    let mut flags = extended_flags(directory)?;
    flags.project = project;
    flags.flags |= INHERIT;
    ioctl(directory, ioctl_number(WRITE, b'X', 32, size_of::<ExtendedFlags>()), &mut flags)
}

/// quotactl_fd(2) (since Linux 5.14) for project quotas.
fn quota_control<T>(descriptor: BorrowedFd<'_>, command: u32, id: u32, argument: &mut T) -> io::Result<()> {
    const PROJECT: u32 = 2;
    let command = (command << 8) | PROJECT;
    // SAFETY: each command is used with the structure that the kernel expects for it, which lives for the
    // whole call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_quotactl_fd,
            descriptor.as_raw_fd(),
            command,
            id,
            std::ptr::from_mut(argument),
        )
    };
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether the XFS file system that holds the descriptor was mounted with enforced project quotas
/// (`prjquota`).
#[must_use]
pub fn enforces_project_quotas(descriptor: BorrowedFd<'_>) -> bool {
    /// struct fs_quota_stat, larger than needed: version, padding and flags come first.
    #[repr(C, align(8))]
    struct Status([u8; 256]);
    /// Q_XGETQSTAT, FS_QUOTA_PDQ_ENFD
    const GET_STATUS: u32 = 0x5805;
    const ENFORCED: u16 = 1 << 5;
    let mut status = Status([0; 256]);
    quota_control(descriptor, GET_STATUS, 0, &mut status).is_ok()
        && u16::from_ne_bytes([status.0[2], status.0[3]]) & ENFORCED != 0
}

/// Limits a project of an XFS file system to this many bytes (rounded up to 512).
///
/// # Errors
/// What the kernel said.
pub fn limit_project(descriptor: BorrowedFd<'_>, project: u32, bytes: u64) -> io::Result<()> {
    /// Q_XSETQLIM; FS_DQ_BSOFT and FS_DQ_BHARD; FS_PROJ_QUOTA; FS_DQUOT_VERSION.
    const SET_LIMIT: u32 = 0x5804;
    let blocks = bytes.div_ceil(512);
    let mut quota = DiskQuota {
        version: 1,
        flags: 2,
        fields: 1 << 2 | 1 << 3,
        id: project,
        block_hard_limit: blocks,
        block_soft_limit: blocks,
        ..DiskQuota::default()
    };
    quota_control(descriptor, SET_LIMIT, project, &mut quota)
}
