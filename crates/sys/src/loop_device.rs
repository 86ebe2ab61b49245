//! Loop devices: a file as a block device (loop(4)).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::PathBuf;

const GET_FREE: libc::c_ulong = 0x4c82;
const CONFIGURE: libc::c_ulong = 0x4c0a;
const CLEAR: libc::c_ulong = 0x4c01;
const READ_ONLY: u32 = 1;
const AUTOCLEAR: u32 = 4;

#[repr(C)]
struct Information {
    device: u64,
    inode: u64,
    real_device: u64,
    offset: u64,
    size_limit: u64,
    number: u32,
    encrypt_type: u32,
    encrypt_key_size: u32,
    flags: u32,
    file_name: [u8; 64],
    crypt_name: [u8; 64],
    encrypt_key: [u8; 32],
    init: [u64; 2],
}

#[repr(C)]
struct Configuration {
    file: u32,
    block_size: u32,
    information: Information,
    reserved: [u64; 8],
}

/// An attached loop device. It goes away when it is neither held nor mounted any more.
#[derive(Debug)]
pub struct LoopDevice {
    /// The open device; keep it until the file system is mounted.
    pub device: File,
    /// Its path, `/dev/loopN`.
    pub path: PathBuf,
}

/// Attaches `file` to a free loop device that detaches itself after its last use (Linux 5.8).
///
/// # Errors
/// As loop(4); `NotFound` without /dev/loop-control.
pub fn attach(file: BorrowedFd<'_>, read_only: bool) -> io::Result<LoopDevice> {
    let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
    loop {
        // SAFETY: LOOP_CTL_GET_FREE takes no argument.
        let number = unsafe { libc::ioctl(control.as_raw_fd(), GET_FREE) };
        if number < 0 {
            return Err(io::Error::last_os_error());
        }
        let path = PathBuf::from(format!("/dev/loop{number}"));
        let device = OpenOptions::new().read(true).write(!read_only).open(&path)?;
        let configuration = Configuration {
            file: file.as_raw_fd() as u32,
            block_size: 0,
            information: Information {
                device: 0,
                inode: 0,
                real_device: 0,
                offset: 0,
                size_limit: 0,
                number: 0,
                encrypt_type: 0,
                encrypt_key_size: 0,
                flags: AUTOCLEAR | if read_only { READ_ONLY } else { 0 },
                file_name: [0; 64],
                crypt_name: [0; 64],
                encrypt_key: [0; 32],
                init: [0; 2],
            },
            reserved: [0; 8],
        };
        // SAFETY: the structure has the kernel's layout (struct loop_config) and lives for the call.
        if unsafe { libc::ioctl(device.as_raw_fd(), CONFIGURE, &raw const configuration) } == 0 {
            return Ok(LoopDevice { device, path });
        }
        let error = io::Error::last_os_error();
        // Somebody else took the device between the two calls.
        if error.raw_os_error() != Some(libc::EBUSY) {
            return Err(error);
        }
    }
}

/// Detaches the file from the device now, or after the last use when it is busy.
///
/// # Errors
/// `ENXIO` when nothing is attached.
pub fn detach(device: &File) -> io::Result<()> {
    // SAFETY: LOOP_CLR_FD takes no argument.
    if unsafe { libc::ioctl(device.as_raw_fd(), CLEAR) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
